"""What is in memory when the first frame is painted, beside what an empty Textual app needs."""

import subprocess
import sys
from pathlib import Path

ALLOWED = Path(__file__).with_name("first_frame.txt")

CODE = """
import functools, sys
from pathlib import Path

importers = {}

class Watch:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        importers[name] = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"

sys.meta_path.insert(0, Watch())

import os
os.environ.setdefault("TEXTUAL_FPS", "120")
import textual.drivers.linux_driver
from textual.app import App

class Empty(App):
    def on_mount(self):
        self.call_after_refresh(self.exit)

Empty().run(headless=True)
before = set(sys.modules)

from mnist_tui.cli import open_bare
import mnist_tui.cli

def end(app):
    for name in sys.modules.keys() - before:
        if name == "mnist_tui.core.events" and type(sys.modules[name]) is not type(sys):
            continue  # nobody has looked into it yet
        print(name, importers.get(name, "?"), file=sys.__stdout__)
    app.exit(0)

def call(self, callback, *arguments, then=App.call_after_refresh, **more):
    first = getattr(callback, "__name__", "") == "_begin"  # what our app does after its first frame
    return then(self, functools.partial(end, self) if first else callback, *arguments, **more)

App.call_after_refresh = call
App.run = functools.partialmethod(App.run, headless=True, size=(120, 36))
mnist_tui.cli.require_terminal = lambda: None
sys.exit(open_bare())
"""


def loaded_before_the_first_frame(folder: Path) -> dict[str, str]:
    """Each module by the place that imported it; of others' packages and of Python the topmost alone."""
    process = subprocess.run(
        [sys.executable, "-c", CODE], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == 0, process.stderr
    found: dict[str, str] = {}
    for line in process.stdout.splitlines():
        name, _, place = line.partition(" ")
        top = name.partition(".")[0]
        if top.startswith("_"):
            continue
        if top in {"mnist_tui", "textual", "rich"} or name == top:
            found[name] = place
    return found


def test_nothing_new_is_imported_before_the_first_frame(tmp_path: Path) -> None:
    found = loaded_before_the_first_frame(tmp_path)
    allowed = set(ALLOWED.read_text(encoding="utf-8").split())
    new = [f"{name}, imported by {place}" for name, place in sorted(found.items()) if name not in allowed]
    assert not new, f"import it inside the function that needs it, or add it to {ALLOWED.name}: " + "; ".join(new)
    assert "mnist_tui.tui.screens.train" in found  # else nothing was looked at
