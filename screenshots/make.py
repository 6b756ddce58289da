"""Take the pictures of the README from a real run: `python screenshots/make.py` (needs `rsvg-convert` for the PNGs).

The app runs headless on the real data; each picture is Textual's own SVG, and a PNG made from it.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs
from textual.pilot import Pilot

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.runner.local import LocalRunner
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.session import Session

HERE = Path(__file__).parent
CELL = 12.2  # width of a cell in Textual's SVG, in its own units
_TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="([^"]+)">([^<]*)</text>'
)


@attrs.frozen
class Picture:
    """A picture: its name, the terminal's size, the theme, and keys pressed before it is taken.

    Attributes:
        keys: pressed after step `after_step`.
        acts: keys pressed before those, each after a step of its own.
        wait: how many steps after the last key it is taken; 0 where the run is paused by then.
    """

    name: str
    size: tuple[int, int]
    keys: Sequence[str] = ()
    theme: str = "dark"
    after_step: int = 0
    acts: Sequence[tuple[int, Sequence[str]]] = ()
    wait: int = 300


PICTURES = (
    Picture("train", (120, 36), ("right", "right", "left_square_bracket"), after_step=1900),
    Picture("inspect", (120, 36), ("i", "m", "right", "right", "right", "down"), after_step=1900),
    Picture("digit", (120, 36), ("i", "m", "right", "right", "right", "enter", "h", "c"), after_step=1900, wait=900),
    Picture(
        "undo",
        (120, 36),
        ("u",),
        after_step=1500,
        acts=((100, ("tab", "enter", "0", "full_stop", "0", "3", "enter")),),
        wait=150,
    ),
    Picture("step", (120, 36), ("full_stop",), after_step=300, wait=0),
    Picture("finder", (120, 36), ("f",), after_step=100, wait=0),
    Picture("train-80x24", (80, 24), after_step=1000),
    Picture("train-light", (120, 36), ("m", "right"), theme="light", after_step=1000),
    Picture("inspect-200x60", (200, 60), ("i", "m", "down", "right"), after_step=1000),
)


def set_cells(svg: str) -> str:
    """Give every braille cell its own position: viewers that ignore `textLength` would shift the curves otherwise."""

    def split(match: re.Match[str]) -> str:
        style, x, y, clip, escaped = match.groups()
        text = html.unescape(escaped)
        if not any("\u2800" < character <= "\u28ff" for character in text):
            return match[0].replace("<text ", '<text xml:space="preserve" ')
        return "".join(
            f'<text class="{style}" x="{float(x) + place * CELL:.1f}" y="{y}" clip-path="{clip}">{character}</text>'
            for place, character in enumerate(text)
            if not character.isspace()
        )

    return _TEXT.sub(split, svg)


async def take(picture: Picture, folder: Path) -> None:
    """Train, press the keys, and write `NAME.svg` and `NAME.png`."""
    runner = LocalRunner(RunSettings(runs_dir=folder))
    session = Session(runner, Hyperparameters(epochs=3))
    app = MnistApp(session, ScreenSettings(theme=picture.theme))
    async with app.run_test(size=picture.size) as pilot:
        await pilot.press("space")
        for step, keys in [*picture.acts, (picture.after_step, picture.keys)]:
            await reach(pilot, session, step)
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.05)
        if picture.wait:
            await reach(pilot, session, session.progress.step + picture.wait)
        else:
            await pilot.pause(4.0)
        svg = set_cells(app.export_screenshot(title="mnist-tui"))
    runner.close()
    target = HERE / f"{picture.name}.svg"
    target.write_text(svg, encoding="utf-8")
    converter = shutil.which("rsvg-convert")
    if converter:
        mono = svg.replace("Fira Code", "DejaVu Sans Mono")
        subprocess.run([converter, "-o", str(target.with_suffix(".png"))], input=mono.encode(), check=True)


async def reach(pilot: Pilot[int], session: Session, step: int) -> None:
    """Wait until the run is at `step`, or over."""
    while session.progress.step < step and not session.progress.over:
        await pilot.pause(0.1)


def main() -> None:
    """Take all pictures, or the ones named on the command line."""
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        for picture in PICTURES:
            if not wanted or picture.name in wanted:
                asyncio.run(take(picture, Path(folder)))
                print(f"{picture.name} done", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
