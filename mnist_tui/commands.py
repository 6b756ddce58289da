"""The commands and their flags, taken by cyclopts from the declarations in `core`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import cyclopts
from cyclopts import App, Parameter

from mnist_tui import __version__
from mnist_tui.core.errors import UsageError
from mnist_tui.core.hyperparameters import KNOBS, PRESETS, Hyperparameters
from mnist_tui.core.launch import find_launch, refuse_screen
from mnist_tui.core.settings import MOST_THREADS, RunSettings, ScreenSettings, default_runs_dir

if TYPE_CHECKING:
    from mnist_tui.core.resuming import Resumption

app = App(
    name="mnist-tui",
    version=__version__,
    help="Train a CNN on MNIST in the terminal, watch it learn, and look at every digit it gets wrong.",
    help_on_error=False,
)

Flags = Parameter(name="*")

# A group of flags that reads the environment is None where none of its flags is given, and made when the command runs.


@app.default
def dashboard(
    *,
    hyperparameters: Annotated[Hyperparameters, Flags] = Hyperparameters(),
    run: Annotated[RunSettings | None, Flags] = None,
    screen: Annotated[ScreenSettings, Flags] = ScreenSettings(),
    detached: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Open the dashboard; without a flag it waits for `space`.

    Args:
        detached: train at once, in a process that outlives this terminal, and watch it from here.
    """
    from mnist_tui.cli import require_terminal

    run = run or RunSettings()
    refuse_screen()
    if detached:
        return _detach(run, screen)
    require_terminal()
    hyperparameters = _recipe(run.preset, hyperparameters)
    run, resumption = _resumption(run, hyperparameters)
    from mnist_tui.tui.open import open_dashboard

    return open_dashboard(hyperparameters, run, screen, resumption)


def _detach(run: RunSettings, screen: ScreenSettings) -> int:
    from mnist_tui.cli import has_terminal
    from mnist_tui.detached import start, train_words, watch_command
    from mnist_tui.leaving import say

    say("mnist-tui: beginning a training that outlives this terminal ...")
    folder, pid = start(train_words(_words), run.runs_dir)
    if not has_terminal():
        say(f"mnist-tui: process {pid} trains in {folder}; watch it with: {watch_command(folder)}")
        return 0
    from mnist_tui.tui.watch import open_watch

    return open_watch(folder, screen)


@app.command
def watch(
    run: str | None = None,
    /,
    *,
    runs_dir: Annotated[Path | None, Parameter(negative=())] = None,
    screen: Annotated[ScreenSettings, Flags] = ScreenSettings(),
) -> int:
    """Open the dashboard on a run that another process trains, or trained.

    Args:
        run: its name or its folder; without it, the newest run that is trained now.
        runs_dir: where runs are kept; also $MNIST_TUI_RUNS_DIR.
    """
    from mnist_tui.cli import require_terminal
    from mnist_tui.core.runs import find_run
    from mnist_tui.core.which import newest_run

    if screen.start:
        raise UsageError("watch begins no run, so --start does nothing here: use `mnist-tui --start`")
    where = runs_dir or default_runs_dir()
    folder, live = newest_run(where) if run is None else (find_run(run, where), True)
    require_terminal()
    from mnist_tui.tui.watch import open_watch

    return open_watch(folder, screen, "" if live else "Nobody trains now: this is the newest run.")


@app.command
def train(
    *,
    hyperparameters: Annotated[Hyperparameters, Flags] = Hyperparameters(),
    run: Annotated[RunSettings | None, Flags] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Train without a screen: progress on a terminal, plain lines in a pipe.

    Args:
        json: one JSON object a line; the last is the run's summary.
    """
    launch = find_launch()
    if launch is not None and not launch.leads:
        from mnist_tui.following import follow

        return follow(run or RunSettings(), launch)
    from mnist_tui import headless
    from mnist_tui.detached import is_detached
    from mnist_tui.runner import Order
    from mnist_tui.runner.local import LocalRunner

    run = run or RunSettings()
    hyperparameters = _recipe(run.preset, hyperparameters)
    run, resumption = _resumption(run, hyperparameters)
    order = Order(hyperparameters=hyperparameters, dataset=run.dataset, resumption=resumption)
    return headless.train(LocalRunner(run, attended=is_detached(), launch=launch), order, as_json=json)


@attrs.frozen(kw_only=True)
class InferenceSettings:
    """What `evaluate` and `predict` need besides the model."""

    device: str = attrs.field(default="auto", metadata={"help": "auto, cpu, cuda, cuda:N or mps."})
    threads: int | None = attrs.field(default=None, metadata={"help": "CPU threads."})
    runs_dir: Path = attrs.field(
        factory=default_runs_dir, metadata={"help": "Where runs are kept; also $MNIST_TUI_RUNS_DIR."}
    )


@app.command
def evaluate(
    model: str,
    /,
    *,
    settings: Annotated[InferenceSettings | None, Flags] = None,
    dataset: str | None = None,
    data_dir: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    csv: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    sheet: Path | None = None,
) -> int:
    """Evaluate a model on the whole test set.

    Args:
        model: a run's name or folder, a checkpoint, or a plain .pth file.
        dataset: mnist, fashion, kmnist or qmnist; default: what the model was trained on.
        data_dir: where the data files are.
        json: one JSON object.
        csv: write a line for each digit, the hardest first; - is standard output. Overwrites no file.
        sheet: write a picture (PNG) of the mistakes, the hardest first. Overwrites no file.
    """
    from mnist_tui import reports

    wanted = reports.Wanted(json=json, csv=csv, sheet=sheet)
    return reports.evaluate(model, _run_settings(settings), dataset, data_dir, wanted)


@app.command
def predict(
    model: str,
    images: Annotated[list[Path], Parameter(negative=())],
    /,
    *,
    settings: Annotated[InferenceSettings | None, Flags] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say which digits picture files show.

    Args:
        model: a run's name or folder, a checkpoint, or a plain .pth file.
        images: pictures of one digit each; any size, light on dark or dark on light.
        json: one JSON list.
    """
    from mnist_tui import reports

    return reports.predict(model, images, _run_settings(settings), as_json=json)


@attrs.frozen(kw_only=True)
class PlaceSettings:
    """Where runs are looked for."""

    runs_dir: Path = attrs.field(
        factory=default_runs_dir, metadata={"help": "Where runs are kept; also $MNIST_TUI_RUNS_DIR."}
    )


@app.command
def runs(
    *,
    place: Annotated[PlaceSettings | None, Flags] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List every run, the newest first: its state, how far it is, how well.

    Args:
        json: one JSON list.
    """
    from mnist_tui import run_reports

    return run_reports.runs((place or PlaceSettings()).runs_dir, as_json=json)


@app.command
def compare(
    a: str,
    b: str,
    /,
    *,
    place: Annotated[PlaceSettings | None, Flags] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Compare two runs: settings, accuracy, and the digits that only one of them gets right.

    Args:
        a: a run's name or folder.
        b: another run's.
        json: one JSON object.
    """
    from mnist_tui import run_reports

    return run_reports.compare(a, b, (place or PlaceSettings()).runs_dir, as_json=json)


@app.command
def doctor(
    *,
    settings: Annotated[InferenceSettings | None, Flags] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what this terminal and these devices can do, why CUDA is off, and what bounds the speed.

    Args:
        json: one JSON object.
    """
    from mnist_tui.doctor import doctor

    return doctor(_run_settings(settings), as_json=json)


def _run_settings(settings: InferenceSettings | None) -> RunSettings:
    settings = settings or InferenceSettings()
    return RunSettings(device=settings.device, threads=settings.threads, runs_dir=settings.runs_dir)


_words: list[str] = []  # of the command that runs, for a process that shall do the same


def _given() -> set[str]:
    """The flags that were given: what cyclopts hands over has a value for every field."""
    return {word.partition("=")[0][2:].replace("-", "_") for word in _words if word.startswith("--")}


def _recipe(preset: str, hyperparameters: Hyperparameters) -> Hyperparameters:
    """`preset` with what was given beside it."""
    given = _given()
    return attrs.evolve(PRESETS[preset], **{name: getattr(hyperparameters, name) for name in KNOBS if name in given})


def _resumption(run: RunSettings, hyperparameters: Hyperparameters) -> tuple[RunSettings, Resumption | None]:
    """What `--resume` asks for, if it does, and the settings of that run."""
    if run.resume is None:
        return run, None
    given = _given()
    if "name" in given:
        raise UsageError("--name is for a new run: a run that is continued keeps its own")
    from mnist_tui.core.resuming import prepare_resumption

    changes = {name: getattr(hyperparameters, name) for name in KNOBS if name in given}
    resumption = attrs.evolve(prepare_resumption(run.resume, run.runs_dir, changes), precision=run.precision)
    threads = resumption.facts.get("threads")
    launch = find_launch()
    as_many = resumption.facts.get("world_size", 1) == (launch.world_size if launch else 1)
    if as_many and "threads" not in given and isinstance(threads, int) and 0 < threads <= MOST_THREADS:
        run = attrs.evolve(run, threads=threads)  # others would give other numbers
    return resumption.settings(run, given), resumption


def run_command(words: Sequence[str]) -> int:
    """Run the command that `words` spell.

    Raises:
        UsageError: they spell none.
    """
    words = _words[:] = _checked(words)
    try:
        result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        from mnist_tui.complaints import complaint

        raise UsageError(complaint(error, app)) from None
    return result if isinstance(result, int) else 0


_WHOLE = {"--threads", "--validation"}


def _is_whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdecimal()


def _checked(words: Sequence[str]) -> list[str]:
    """`words` with every hyperparameter's value checked and written plainly.

    Cyclopts converts by Python's rules, which make 2 of `1.5` epochs and 10 of `1_0`; a flag takes what a row takes.

    Raises:
        HyperparameterError: a value is outside its range, or none.
    """
    knobs = {knob.flag: knob for knob in KNOBS.values()}
    checked: list[str] = []
    before = ""
    for word in words:
        is_value = before in knobs or before in _WHOLE
        flag, equals, value = (before, "", word) if is_value or "=" not in word else word.partition("=")
        if flag in _WHOLE and not _is_whole(value):
            raise UsageError(f"{flag} must be a whole number, not {value[:40]}")
        if flag in knobs:
            value = knobs[flag].format(knobs[flag].parse(value))
            word = f"{flag}={value}" if equals else value
        checked.append(word)
        before = word
    return checked
