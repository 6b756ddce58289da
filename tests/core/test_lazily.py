"""Modules that are loaded late, or done without; each look is at a fresh process."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


def test_a_module_is_loaded_at_the_first_look_into_it() -> None:
    code = """
import sys
from mnist_tui.core.lazily import import_lazily, load_now
import mnist_tui.core
import_lazily("mnist_tui.core.events")
from mnist_tui.core import events
kind = type(events)
load_now(events)
print(kind.__name__, type(events).__name__, events.Paused(1).step)
"""
    assert run(code) == "_LazyModule module 1"


def test_a_module_is_imported_without_another_that_others_have_later() -> None:
    code = """
import sys
from mnist_tui.core.lazily import import_without
import_without("asyncio", "ssl")
import asyncio
assert asyncio.run(asyncio.sleep(0, 5)) == 5
print("ssl" in sys.modules)
import ssl, urllib.request
print(ssl.create_default_context().protocol is not None, hasattr(urllib.request, "HTTPSHandler"))
"""
    assert run(code).split() == ["False", "True", "True"]


@pytest.mark.parametrize("first", ["asyncio", "ssl"])
def test_what_is_loaded_already_stays(first: str) -> None:
    code = f"""
import {first}, sys
from mnist_tui.core.lazily import import_without
import_without("asyncio", "ssl")
print(("asyncio" in sys.modules), sys.modules.get("ssl") is not None)
"""
    assert run(code) == ("True True" if first == "asyncio" else "False True")
