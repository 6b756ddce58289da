"""Search lines and queries, both ways."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core.dataset import DATASETS
from mnist_tui.core.query import ALL, SORTS, Condition, Field, Query
from mnist_tui.core.search import DIGITS, Search, SearchError, line, parse, words

FASHION = DATASETS["fashion"].classes
CLASSES = [info.classes for info in DATASETS.values()]


def bounds(field: Field, least: float, most: float) -> st.SearchStrategy[Condition]:
    numbers = st.floats(least, most) | st.sampled_from([0.0, 1.0, 0.5])
    ends = st.tuples(numbers | st.just(-math.inf), numbers | st.just(math.inf)).map(sorted)
    made = st.builds(
        lambda pair, above, below: Condition(field, frozenset(), pair[0], pair[1], above, below),
        ends,
        st.booleans(),
        st.booleans(),
    )
    return made.filter(lambda c: c.low < c.high or not (c.above or c.below))


def chosen(field: Field, choices: list[int | str]) -> st.SearchStrategy[Condition]:
    return st.frozensets(st.sampled_from(choices), min_size=1).map(lambda some: Condition(field, some))


conditions = st.fixed_dictionaries(
    {},
    optional={
        "is": chosen("is", ["wrong", "right", "suspect"]),
        "vs": chosen("vs", ["fixed", "broken", "both", "changed"]),
        "true": chosen("true", list(range(10))),
        "pred": chosen("pred", list(range(10))),
        "conf": bounds("conf", 0, 1),
        "quality": bounds("quality", 0, 1),
        "margin": bounds("margin", -1, 1),
        "loss": bounds("loss", 0, 1e6),
        "entropy": bounds("entropy", 0, 3),
        "index": st.tuples(st.integers(0, 60_000), st.integers(0, 60_000)).map(
            lambda pair: Condition("index", low=min(pair), high=max(pair))
        ),
    },
)
queries = conditions.flatmap(lambda found: st.permutations(list(found.values()))).map(lambda some: Query(tuple(some)))


@given(queries, st.sampled_from(CLASSES), st.booleans())
def test_the_words_of_a_query_are_that_query(query: Query, names: tuple[str, ...], shout: bool) -> None:
    text = line(query, names)
    assert parse(text.upper() if shout else text, names) == Search(query)


@given(st.text(max_size=30) | st.text(":<>=#-.,% trueconf0123456789", max_size=30))
def test_any_text_is_a_query_or_one_sentence(text: str) -> None:
    try:
        search = parse(text)
    except SearchError as error:
        sentence = str(error)
    else:
        sentence = line(search.query)
        assert parse(sentence).query == search.query
    assert "\n" not in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("wrong", Condition("is", frozenset({"wrong"}))),
        ("is:right", Condition("is", frozenset({"right"}))),
        ("true:4,9", Condition("true", frozenset({4, 9}))),
        ("TRUE=4", Condition("true", frozenset({4}))),
        ("conf<60%", Condition("conf", high=0.6, below=True)),
        ("conf>=0.2 conf<0.6", Condition("conf", low=0.2, high=0.6, below=True)),
        ("conf<0.6 conf<=0.6", Condition("conf", high=0.6, below=True)),
        ("conf:20-60%", Condition("conf", low=0.2, high=0.6)),
        ("confidence≥.5", Condition("conf", low=0.5)),
        ("margin:-0.2--0.1", Condition("margin", low=-0.2, high=-0.1)),
        ("margin:-1..0", Condition("margin", low=-1, high=0)),
        ("loss>2", Condition("loss", low=2, above=True)),
        ("#7", Condition("index", low=7, high=7)),
        ("index:100-200", Condition("index", low=100, high=200)),
        ("vs:broken", Condition("vs", frozenset({"broken"}))),
    ],
)
def test_what_can_be_written(text: str, condition: Condition) -> None:
    assert parse(text) == Search(Query((condition,)))


def test_classes_go_by_name_beginning_and_number() -> None:
    for text in ("true:boot", "true:Boot", "true:boo", "true:9"):
        assert parse(text, FASHION).query == ALL.choose("true", 9)
    assert parse("true:T-SHIRT", FASHION).query == ALL.choose("true", 0)
    assert words(Condition("pred", frozenset({9, 0})), FASHION) == "pred:T-shirt,Boot"
    assert parse("true:o", DATASETS["kmnist"].classes).query == ALL.choose("true", 0)


def test_names_that_are_no_single_word_go_by_number() -> None:
    names = ("a b", "a,b", *DIGITS[2:9], "")
    for number in (0, 1, 9):
        condition = Condition("true", frozenset({number}))
        assert words(condition, names) == f"true:{number}"
        assert parse(words(condition, names), names).query == Query((condition,))


@pytest.mark.parametrize("sort", SORTS)
def test_a_line_says_the_order_too(sort: str) -> None:
    assert parse(f"wrong sort:{sort}").sort == sort
    assert parse("wrong").sort is None


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("ture:4", "write true:4"),
        ("wrng", "write wrong"),
        ("4", "write true:4 or pred:4"),
        ("fixed", "write vs:fixed"),
        ("xyzzy", "wrong, true:4"),
        ("conf<60", "write conf<0.6 or conf<60%"),
        ("loss<60%", "write loss>2"),
        ("loss>-1", "never less than 0"),
        ("conf:", "write conf<0.6"),
        ("conf:0.6-0.2", "smaller number first"),
        ("conf>0.6 conf<0.2", "conf>0.6 and conf<0.2"),
        ("conf>0.6 conf<=0.6", "conf>0.6 and conf<=0.6"),
        ("true<4", "write true:4"),
        ("true:11", "write true:4"),
        ("true:4 true:9", "write true:4,9"),
        ("vs:better", "fixed, broken, both, changed"),
        ("sort:hard", "loss, confidence"),
    ],
)
def test_an_error_names_the_word_and_what_to_write(text: str, instead: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse(text)
    assert instead in str(caught.value)
    assert any(word.split(":")[0] in str(caught.value) for word in text.split())


def test_a_beginning_of_several_names_is_asked_about() -> None:
    with pytest.raises(SearchError, match="true:Sandal or true:Shirt or true:Sneaker"):
        parse("true:s", FASHION)


@pytest.mark.parametrize("field", ["true", "pred"])
def test_a_class_of_thousands_of_digits_is_one_sentence(field: str) -> None:
    with pytest.raises(SearchError, match="names no class"):
        parse(f"{field}:{'9' * 5000}")
    assert parse(f"{field}:{'0' * 5000}7") == parse(f"{field}:7")
