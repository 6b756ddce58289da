"""What cyclopts says of a wrong command line, as one sentence with the way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import cyclopts

_CLOSE = 0.65  # likeness from which a name is proposed: below it `--nosuch` would be taken for `--epochs`
_LONGEST = 200
_DEVICES = {"cpu": "cpu", "gpu": "cuda", "cuda": "cuda", "mps": "mps"}
_RESUME = "--resume needs a run's name, its folder or a checkpoint in it: `mnist-tui runs` lists the runs"


def complaint(error: cyclopts.CycloptsError, app: cyclopts.App) -> str:
    """One sentence on what is wrong in the words that were given, and what to do.

    Args:
        error: what cyclopts raised.
        app: the program.
    """
    chain = list(error.command_chain or ())
    commands = [name for name in app if not name.startswith("-")]
    see = f"see {' '.join(['mnist-tui', *chain])} --help"
    match error:
        case cyclopts.UnusedCliTokensError() if error.unused_tokens:
            word = error.unused_tokens[0]
            meant = [] if chain else difflib.get_close_matches(word, commands, 1, _CLOSE)
            way = f"did you mean {meant[0]}?" if meant else see
            return f"{word!r} is neither a command ({', '.join(commands)}) nor a flag here: {way}"
        case cyclopts.UnknownOptionError() if (flag := error.token.keyword or error.token.value).startswith("--"):
            return f"unknown option: {flag}{_meant(flag, app, chain, commands) or f': {see}'}"
        case cyclopts.MissingArgumentError() if error.argument and "--resume" in error.argument.names:
            return _RESUME
        case _:
            text = " ".join(str(error).split()).rstrip(".")
            text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
            return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else ':'} {see}"


def _meant(flag: str, app: cyclopts.App, chain: Sequence[str], commands: Sequence[str]) -> str:
    """What may have been meant, and where to read of it; or empty."""
    here = " ".join(["mnist-tui", *chain])
    guess = guess_flag(flag, _flags(app, chain))
    if guess:
        return f". Did you mean {guess}? see {here} --help"
    for other in [[], *([name] for name in commands)]:
        if flag in _flags(app, other):
            owner = " ".join(["mnist-tui", *other])
            return f" of {here}, but {owner} has it: see {owner} --help"
    return ""


def _flags(app: cyclopts.App, chain: Sequence[str]) -> list[str]:
    arguments = app[chain[0]].assemble_argument_collection() if chain else app.assemble_argument_collection()
    return [name for argument in arguments if argument.parse for name in argument.names if name.startswith("--")]


def guess_flag(flag: str, flags: Sequence[str]) -> str:
    """The one of `flags` that was meant by `flag`, or empty.

    By its initials (`--lr`), by one of its words (`--n-epochs`), as a device (`--gpu`), or by its spelling.
    """
    words = re.split("[-_]", flag.removeprefix("--").lower())
    name = "-".join(words)
    if "--device" in flags and name in _DEVICES:
        return f"--device {_DEVICES[name]}"
    for known in flags:
        initials = "".join(word[:1] for word in known.removeprefix("--").split("-"))
        if len(initials) > 1 and name == initials:
            return known
    close = difflib.get_close_matches(name, [known.removeprefix("--") for known in flags], 1, _CLOSE)
    if close:
        return f"--{close[0]}"
    return next((known for known in flags if len(words) > 1 and known.removeprefix("--") in words), "")
