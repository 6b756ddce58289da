import math
from itertools import pairwise

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_tui.core.errors import UsageError
from mnist_tui.core.hyperparameters import (
    KNOBS,
    PRESETS,
    Hyperparameters,
    differences,
    live_part,
    with_changes,
)
from mnist_tui.core.knob import HyperparameterError, Knob, Value

FLOATS = [knob for knob in KNOBS.values() if knob.kind == "float"]
INTS = [knob for knob in KNOBS.values() if knob.kind == "int"]
CHOICES = [knob for knob in KNOBS.values() if knob.kind == "choice"]

NEVER_A_NUMBER = [
    "",
    " ",
    "\t\n",
    "abc",
    "adam",
    "nan",
    "NaN",
    "-nan",
    "inf",
    "Infinity",
    "-inf",
    "1e30",
    "1e999",
    "-1e999",
    "-1",
    "-0.5",
    "1_000",
    "0_1",
    "1,5",
    "1 000",
    "1.2.3",
    ".",
    "e5",
    "1e",
    "1e+",
    "--1",
    "+-1",
    "0x10",
    "0b1",
    "1j",
    "1%",
    "½",
    "²",
    "１２",
    "٣",
    "५",
    "−1",
    "true",
    "None",
    "1\x002",
    "\x1b[31m1",
    "1\n2",
    "[/bold]",
    "9" * 33,
    "1" * 10_000,
    "0" * 10_000,
    " " * 10_000,
]


def legal_values(knob: Knob) -> st.SearchStrategy[Value]:
    match knob.kind:
        case "choice":
            return st.sampled_from(knob.choices)
        case "int":
            return st.integers(int(knob.low), int(knob.high))
        case _:
            return st.floats(knob.low, knob.high)


knobs = st.sampled_from(list(KNOBS.values()))
knobs_with_values = knobs.flatmap(lambda knob: st.tuples(st.just(knob), legal_values(knob)))


def assert_refused(knob: Knob, caught: pytest.ExceptionInfo[HyperparameterError]) -> None:
    sentence = str(caught.value)
    assert sentence.startswith(f"{knob.label} must be {knob.range_text}, not ")
    assert sentence.isprintable()
    assert len(sentence) < 160
    assert isinstance(caught.value, UsageError)


def test_the_defaults_are_the_classic_script() -> None:
    classic = PRESETS["classic"]
    assert (classic.learning_rate, classic.batch_size, classic.epochs) == (0.001, 64, 10)
    assert (classic.optimizer, classic.momentum, classic.weight_decay, classic.dropout) == ("adam", 0.9, 0.0, 0.0)
    assert (classic.width, classic.hidden_units, classic.seed) == (32, 128, 0)


def test_a_preset_differs_from_the_classic_one_in_what_makes_it_fast_or_accurate() -> None:
    assert set(PRESETS) == {"classic", "fast", "accurate"}
    classic = PRESETS["classic"]
    for name in ("fast", "accurate"):
        assert set(differences(classic, PRESETS[name])) >= {"batch_size", "learning_rate", "schedule"}
    assert PRESETS["accurate"].weight_average > 0
    assert PRESETS["fast"].epochs < classic.epochs


def test_every_field_has_a_knob_with_words_and_a_legal_default() -> None:
    assert list(KNOBS) == [field.name for field in attrs.fields(Hyperparameters)]
    for name, knob in KNOBS.items():
        assert knob.name == name
        assert knob.label
        assert knob.help.endswith(".")
        assert knob.flag == "--" + name.replace("_", "-")
        knob.check(getattr(PRESETS["classic"], name))


@pytest.mark.parametrize("knob", FLOATS + INTS, ids=lambda knob: knob.name)
@pytest.mark.parametrize("text", NEVER_A_NUMBER, ids=lambda text: ascii(text[:12]))
def test_text_that_is_no_legal_number_is_refused(knob: Knob, text: str) -> None:
    with pytest.raises(HyperparameterError) as caught:
        knob.parse(text)
    assert_refused(knob, caught)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("learning_rate", ["   ", "x", "0", "1e-20", "10.1", "1e999999", "0.001.1", "０.１", "0.1 0.2", "--", "[/b]"]),
        ("batch_size", ["0", "-64", "64.0", "1099511627776", "٦٤", "64\x00", "9" * 10_000]),
        ("epochs", ["0", "10001", "ten"]),
        ("dropout", ["1", "-0.1", "96%"]),
    ],
)
def test_a_number_out_of_its_range_is_refused(name: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(HyperparameterError) as caught:
            KNOBS[name].parse(text)
        assert_refused(KNOBS[name], caught)


@pytest.mark.parametrize(
    "text", ["", "lion", "adam adamw", "ADAMW2", "adam w", "sg", "nan", "0", "a\x00dam", "ａdam", "adam" * 3000]
)
def test_text_that_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(HyperparameterError) as caught:
        KNOBS["optimizer"].parse(text)
    assert_refused(KNOBS["optimizer"], caught)


@pytest.mark.parametrize("knob", INTS, ids=lambda knob: knob.name)
@pytest.mark.parametrize("text", ["1.5", "1.0", "1e2"])
def test_a_whole_number_takes_no_fraction(knob: Knob, text: str) -> None:
    with pytest.raises(HyperparameterError):
        knob.parse(text)


@given(knobs, st.text(max_size=60))
@example(KNOBS["seed"], "2147483648")
@example(KNOBS["learning_rate"], "10.0000001")
@example(KNOBS["learning_rate"], "9e-9")
@example(KNOBS["momentum"], "1")
def test_any_text_is_a_legal_value_or_a_sentence(knob: Knob, text: str) -> None:
    try:
        value = knob.parse(text)
    except HyperparameterError:
        with pytest.raises(HyperparameterError) as caught:
            knob.parse(text)
        assert_refused(knob, caught)
    else:
        attrs.evolve(Hyperparameters(), **{knob.name: value})  # type: ignore[arg-type]


def test_a_refusal_reads_as_one_sentence() -> None:
    for text, words in (("", "nothing"), ("  ", "nothing"), ("a\x1b[2J", "a?[2J"), ("x" * 9999, "x" * 23 + "…")):
        with pytest.raises(HyperparameterError) as caught:
            KNOBS["batch_size"].parse(text)
        assert str(caught.value) == f"batch size must be a whole number from 1 to 16384, not {words}"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", " 1E-3 ", 0.001),
        ("learning_rate", ".5", 0.5),
        ("learning_rate", "5.", 5.0),
        ("learning_rate", "+2e-4", 0.0002),
        ("weight_decay", "0", 0.0),
        ("batch_size", "064", 64),
        ("batch_size", "\t16384\n", 16384),
        ("optimizer", " SGD ", "sgd"),
    ],
)
def test_people_may_type_numbers_their_way(name: str, text: str, value: Value) -> None:
    assert KNOBS[name].parse(text) == value


@given(knobs_with_values)
def test_parse_reads_back_what_format_writes(pair: tuple[Knob, Value]) -> None:
    knob, value = pair
    assert knob.parse(knob.format(value)) == value


@pytest.mark.parametrize(
    ("name", "value", "text"), [("learning_rate", 0.001, "0.001"), ("dropout", 0.1, "0.1"), ("epochs", 10, "10")]
)
def test_format_is_short(name: str, value: Value, text: str) -> None:
    assert KNOBS[name].format(value) == text


@given(knobs_with_values, st.sampled_from([-1, 1]))
def test_a_nudge_stays_legal_and_moves_its_way(pair: tuple[Knob, Value], direction: int) -> None:
    knob, value = pair
    moved = knob.nudge(value, direction)
    knob.check(moved)
    if knob.kind == "choice":
        assert moved != value
    elif direction > 0:
        assert moved > value or float(value) == knob.high  # type: ignore[operator]
    else:
        assert moved < value or float(value) == knob.low  # type: ignore[operator]


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda knob: knob.name)
def test_nudging_up_and_down_again_comes_back(knob: Knob) -> None:
    value: Value = getattr(PRESETS["classic"], knob.name)
    for _ in range(6):
        up = knob.nudge(value, 1)
        if up != knob.high:
            assert knob.nudge(up, -1) == value
        value = up


@pytest.mark.parametrize(
    ("name", "ladder"),
    [
        ("learning_rate", [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0]),
        ("weight_decay", [0.0, 1e-6, 2e-6, 5e-6, 1e-5]),
        ("batch_size", [64, 128, 256]),
        ("dropout", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
        ("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adam"]),
        ("epochs", [10, 11, 12]),
    ],
)
def test_the_rungs_of_a_ladder(name: str, ladder: list[Value]) -> None:
    knob = KNOBS[name]
    for here, above in pairwise(ladder):
        assert knob.nudge(here, 1) == above
        assert here == above or knob.nudge(above, -1) == here


def test_the_ends_of_a_range_hold() -> None:
    for knob in FLOATS + INTS:
        assert knob.nudge(knob.clamp(math.inf if knob.kind == "float" else 1e18), 1) == knob.high
        assert knob.nudge(knob.clamp(-1e18), -1) == knob.low


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("learning_rate", "0.1"),
        ("learning_rate", None),
        ("learning_rate", True),
        ("batch_size", 0),
        ("batch_size", 64.0),
        ("batch_size", True),
        ("batch_size", 10**400),
        ("seed", -1),
        ("momentum", 1.0),
        ("dropout", 1.0),
        ("optimizer", "lion"),
        ("optimizer", 1),
        ("optimizer", ["adam"]),
    ],
    ids=lambda value: str(value)[:12],
)
def test_every_edit_is_checked_again(name: str, value: object) -> None:
    with pytest.raises(HyperparameterError) as caught:
        attrs.evolve(Hyperparameters(), **{name: value})  # type: ignore[arg-type]
    assert_refused(KNOBS[name], caught)


def test_hyperparameters_cannot_be_changed_in_place() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Hyperparameters().learning_rate = 1.0  # type: ignore[misc]


def test_differences_name_old_and_new_in_order() -> None:
    old = Hyperparameters()
    new = attrs.evolve(old, dropout=0.5, learning_rate=0.01)
    assert list(differences(old, new).items()) == [("learning_rate", (0.001, 0.01)), ("dropout", (0.0, 0.5))]
    assert differences(new, new) == {}


def test_what_is_live_of_an_edit() -> None:
    changes: dict[str, Value] = {"learning_rate": 0.5, "optimizer": "sgd", "width": 8, "seed": 7, "hidden_units": 16}
    assert live_part(changes) == {"learning_rate": 0.5, "optimizer": "sgd"}


def test_changes_are_checked() -> None:
    assert with_changes(Hyperparameters(), {"epochs": 3}) == attrs.evolve(Hyperparameters(), epochs=3)
    with pytest.raises(HyperparameterError):
        with_changes(Hyperparameters(), {"epochs": 0})


def test_only_what_shapes_the_network_or_the_order_of_images_waits_for_the_next_run() -> None:
    assert {name for name, knob in KNOBS.items() if not knob.live} == {"network", "width", "hidden_units", "seed"}


def test_ranges_in_words() -> None:
    assert KNOBS["learning_rate"].range_text == "a number from 1e-08 to 10"
    assert KNOBS["seed"].range_text == "a whole number from 0 to 2147483647"
    assert KNOBS["optimizer"].range_text == "one of adam, adamw, sgd, rmsprop"
