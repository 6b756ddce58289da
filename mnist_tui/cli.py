"""The command line: words in, one exit code out, and every error a single sentence on stderr.

The bare command opens the screen without loading the parser of the flags, which takes 0.1 s.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.leaving import DEBUG_VARIABLE, leave_at_once, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (0 done, 1 failed, 2 wrong usage or no terminal, 128 + n for signal n)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if "RANK" in os.environ and words[:1] != ["train"] and _is_follower():
            return 0  # rank 0 does it
        if words:
            from mnist_tui.commands import run_command

            return run_command(words)
        return open_bare()
    except UserError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        if "RANK" in os.environ:
            from mnist_tui.following import give_way

            give_way()
        say(f"mnist-tui: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away; Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"mnist-tui: something unexpected failed: {reason} ({DEBUG_VARIABLE}=1 shows where)")
        return 1


def run() -> NoReturn:
    """The console script: `main`, and away without Python's clean-up, which takes a second once torch is loaded."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path that is no UTF-8, or a stdout that is ASCII
    leave_at_once(main())


def _is_follower() -> bool:
    from mnist_tui.core.launch import is_follower

    return is_follower()


def open_bare() -> int:
    """`mnist-tui` without a word behind it: the dashboard with every default."""
    if "RANK" in os.environ:
        from mnist_tui.core.launch import refuse_screen

        refuse_screen()
    require_terminal()
    gc.disable()  # until the first frame: a fifth of the time to it would go into collecting what imports keep
    from mnist_tui.core.hyperparameters import PRESETS
    from mnist_tui.core.lazily import import_lazily
    from mnist_tui.core.settings import RunSettings, ScreenSettings

    import_lazily("mnist_tui.core.events")  # 31 classes, 8 ms
    from mnist_tui.tui.open import open_dashboard

    return open_dashboard(PRESETS["classic"], RunSettings(), ScreenSettings())


def has_terminal() -> bool:
    """Whether the dashboard can be drawn here."""
    try:
        require_terminal()
    except UsageError:
        return False
    return True


def require_terminal() -> None:
    """Refuse to draw where nobody can see or type.

    Raises:
        UsageError: stdin or stderr, on which the screen is drawn, is no terminal, or the terminal is `dumb`.
    """
    for stream, descriptor in (("standard input", 0), ("standard error", 2)):
        try:
            there = os.isatty(descriptor)
        except OSError:
            there = False
        if not there:
            raise UsageError(
                f"the dashboard needs a terminal, and {stream} is none: use `mnist-tui train`, which needs no screen"
            )
    if os.environ.get("TERM") == "dumb":
        raise UsageError("the dashboard cannot draw on TERM=dumb: use `mnist-tui train`, or set TERM to your terminal")
