"""What cyclopts says of a wrong command line, as one sentence with the way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import cyclopts

from mnist_tui.core.notes import printable

_CLOSE = 0.7  # likeness from which a name is proposed: below it `--nosuch` would be taken for `--epochs`
_LONGEST, _LONGEST_WORD = 200, 40
_DEVICES = {"cpu": "cpu", "gpu": "cuda", "cuda": "cuda", "mps": "mps"}
_RESUME = "--resume needs a run's name, its folder or a checkpoint in it: `mnist-tui runs` lists the runs"


def complaint(error: cyclopts.CycloptsError, app: cyclopts.App) -> str:
    """One sentence on what is wrong in the words that were given, and what to do.

    Args:
        error: what cyclopts raised.
        app: the program.
    """
    chain = list(error.command_chain or ())
    see = f"see {_called(chain)} --help"
    match error:
        case cyclopts.UnusedCliTokensError() if error.unused_tokens:
            word = error.unused_tokens[0]
            if word in _commands(app):
                return f"{chain[0]} takes no {word!r}, which is another command: {see}" if chain else _first(word)
            return _misspelt(error, app) or _of_a_word(word, app, see)
        case cyclopts.UnknownOptionError():
            return _misspelt(error, app) or _of_a_flag(error, app, chain, see)
        case cyclopts.MissingArgumentError() if error.argument and "--resume" in error.argument.names:
            return _RESUME
        case _:
            text = _cut(" ".join(str(error).split()).rstrip("."), _LONGEST)
            return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else ':'} {see}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _shown(word: str) -> str:
    return _cut(printable(word), _LONGEST_WORD)


def _called(chain: Sequence[str]) -> str:
    return " ".join(["mnist-tui", *chain])


def _commands(app: cyclopts.App) -> list[str]:
    return [name for name in app if not name.startswith("-")]


def _first(command: str) -> str:
    return f"the command comes first: mnist-tui {command}"


def _misspelt(error: cyclopts.CycloptsError, app: cyclopts.App) -> str:
    """Where the first word is nearly a command; or empty."""
    words = list(error.root_input_tokens or ())
    if error.command_chain or not words or words[0].startswith("-"):
        return ""
    meant = difflib.get_close_matches(words[0], _commands(app), 1, _CLOSE)
    return f"{_shown(words[0])!r} is no command: did you mean {meant[0]}?" if meant else ""


def _of_a_word(word: str, app: cyclopts.App, see: str) -> str:
    return f"{_shown(word)!r} is neither a command ({', '.join(_commands(app))}) nor a flag here: {see}"


def _of_a_flag(error: cyclopts.UnknownOptionError, app: cyclopts.App, chain: Sequence[str], see: str) -> str:
    """What may have been meant, or who has the flag."""
    flag = (error.token.keyword or error.token.value).partition("=")[0]
    unknown = f"unknown option: {_shown(flag)}"
    guess = guess_flag(flag, _flags(app, chain))
    if guess:
        return f"{unknown}. Did you mean {guess}? {see}"
    owners = [name for name in _commands(app) if flag in _flags(app, [name])]
    behind = [name for name in owners if not chain and name in (error.root_input_tokens or ())]
    if behind:
        return _first(behind[0])
    if flag in _flags(app, []):
        owners = [name for name in owners if name != "watch"]  # which has what the dashboard's screen has
    elif not owners:
        return f"{unknown}: {see}"
    here = _called(chain)
    if len(owners) > 1:
        return f"{unknown} of {here}, but {', '.join(owners)} have it: see mnist-tui --help"
    owner = _called(owners)
    return f"{unknown} of {here}, but {owner} has it: see {owner} --help"


def _flags(app: cyclopts.App, chain: Sequence[str]) -> list[str]:
    arguments = app[chain[0]].assemble_argument_collection() if chain else app.assemble_argument_collection()
    return [name for argument in arguments if argument.parse for name in argument.names if name.startswith("--")]


def guess_flag(flag: str, flags: Sequence[str]) -> str:
    """The one of `flags` that was meant by `flag`, or empty.

    As a device (`--gpu`), by its initials (`--lr`), by one of its words (`--decay`), by its spelling, or as one word
    of what was given (`--n-epochs`).
    """
    name = re.sub("[-_]+", "-", flag.lower()).strip("-")
    words = re.split("[-:]", name)
    device = next((_DEVICES[word] for word in words if word in _DEVICES), "")
    if device and "--device" in flags and "no" not in words:
        return f"--device {device}"
    known = {each.removeprefix("--"): each.removeprefix("--").split("-") for each in [*flags, "--help", "--version"]}
    initials = [each for each, parts in known.items() if len(parts) > 1 and name == "".join(part[0] for part in parts)]
    alike = [each for each, parts in known.items() if name in parts]
    close = difflib.get_close_matches(name, known, 1, _CLOSE)
    within = [each for each in known if len(words) > 1 and each in words]
    for found in (initials, alike if len(alike) == 1 else [], close, within):
        if found:
            return f"--{found[0]}"
    return ""
