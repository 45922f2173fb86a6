"""Parameters: what cells declare, which values fit, the source they become, the cell they are put in."""

from __future__ import annotations

import copy
import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.parameters import Parameter, declared_parameters, inject, resolve, to_source


def declared(source: str) -> dict[str, Parameter]:
    return {p.name: p for p in declared_parameters([(0, source)])}


@pytest.mark.parametrize(
    ("source", "kind", "default", "literal"),
    [
        ("x = 1", "int", 1, True),
        ("x = -1", "int", -1, True),
        ("x = 1_000", "int", 1000, True),
        ("x = 0.5", "float", 0.5, True),
        ("x = -1e-3", "float", -0.001, True),
        ('x = float("inf")', "float", "inf", True),
        ('x = -float("inf")', "float", "-inf", True),
        ('x = float("nan")', "float", "nan", True),
        ("x = float(y)", "float", "float(y)", False),
        ("x = True", "bool", True, True),
        ("x = -True", "", "-True", False),
        ('x = "a"', "str", "a", True),
        ('x = "a" "b"', "str", "ab", True),
        ('x = ("a"\n     "b")', "str", "ab", True),
        ('x = f"a"', "str", "a", True),
        ('x = f"a{y}"', "str", 'f"a{y}"', False),
        ('x = r"\\d"', "str", "\\d", True),
        ('x = "\\d"', "str", "\\d", True),
        ("x = [1, 'a', None]", "list", [1, "a", None], True),
        ("x = [y]", "list", "[y]", False),
        ("x = [*y]", "list", "[*y]", False),
        ("x = {'a': [1]}", "dict", {"a": [1]}, True),
        ("x = {1: 2}", "dict", {"1": 2}, True),
        ("x = {**y}", "dict", "{**y}", False),
        ("x = dict(a=1)", "dict", {"a": 1}, True),
        ("x = dict(**y)", "dict", "dict(**y)", False),
        ("x = 1, 2", "tuple", [1, 2], True),
        ("x = ()", "tuple", [], True),
        ("x = {3, 1, 2}", "set", [1, 2, 3], True),
        ("x = {'a', 1}", "set", ["a", 1], True),
        ("x = set()", "set", [], True),
        ("x = {[1]}", "set", "{[1]}", False),
        ("x = None", "None", None, True),
        ("x = date(2024, 1, 2)", "date", "2024-01-02", True),
        ("x = datetime.date(2024, 1, 2)", "date", "2024-01-02", True),
        ("x = date(2024, 13, 1)", "date", "date(2024, 13, 1)", False),
        ("x = date(year, 1, 1)", "date", "date(year, 1, 1)", False),
        ("x = datetime(2024, 1, 2, 3)", "datetime", "2024-01-02T03:00:00", True),
        ("x = datetime.datetime(2024, 1, 2)", "datetime", "2024-01-02T00:00:00", True),
        ("x = datetime.date.today()", "", "datetime.date.today()", False),
        ("x = now.date()", "", "now.date()", False),
        ('x = Path("a")', "Path", "a", True),
        ('x = pathlib.Path("a")', "Path", "a", True),
        ('x = Path("a") / "b"', "Path", 'Path("a") / "b"', False),
        ("x = load(1)", "", "load(1)", False),
        ("x = 60 * 60", "", "60 * 60", False),
        ("x = y", "", "y", False),
        ("x: int = 1", "int", 1, True),
        ("x: float = 1", "float", 1, True),
        ("x: 'int' = 1", "int", 1, True),
        ("x: 'Optional[int]' = None", "Optional[int]", None, True),
        ("x: list['int'] = []", "list[int]", [], True),
        ("x: int|None = None", "int | None", None, True),
        ('x: Literal["a","b"] = "a"', "Literal['a', 'b']", "a", True),
        ("x: Config = Config()", "Config", "Config()", False),
        ("x: int", "int", None, True),
        ("x = 1  # type: float", "float", 1, True),
        ("x: int = 1  # type: float", "int", 1, True),
        ("x = {}  # type: Dict[str, int] the weights", "Dict[str, int]", {}, True),
        ("x = 1  # type: int | None rows", "int | None", 1, True),
        ("x = 1  # type: the kind of thing", "int", 1, True),
        ("x = 1  # type: ignore", "int", 1, True),
    ],
)
def test_type_and_default(source: str, kind: str, default: Any, literal: bool) -> None:
    found = declared(source)["x"]
    assert (found.type, found.default, found.literal) == (kind, default, literal)
    assert type(found.default) is type(default)
    json.dumps(found.default, allow_nan=False)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1  # rows", "rows"),
        ("x = 1  ## rows # of it", "rows # of it"),
        ("x = 1  #: rows", "rows"),
        ("x = 1", ""),
        ('x = "#fff"  # the colour', "the colour"),
        ('x = "#fff"', ""),
        ("# above\nx = 1\n# below", ""),
        ("x: int  # needed", "needed"),
        ("x = 1  # type: int rows", "rows"),
        ("x = 1  # type: Dict[str, int]  # rows", "rows"),
        ("x = 1  # type: ignore[misc]  # rows", "rows"),
        ("x = 1  # type: the kind", "the kind"),
        ("x = [\n  1,  # one\n]  # last", "last"),
        ("x = [  # first\n  1,  # one\n]", "first"),
        ("x = [  # first\n  1,\n]  # last", "first"),
        ('x = """\n# no comment\n"""  # help', "help"),
        ("%matplotlib inline\nx = 1  # rows", "rows"),
        ("x = 1  # größe ☃", "größe ☃"),
        ("x = 1  # rows\r\ny = 2  # other\r\n", "rows"),
    ],
)
def test_help(source: str, text: str) -> None:
    assert declared(source)["x"].help == text


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1", "a b"),
        ("a, b = 1, 2", "a b"),
        ("[a, (b, c)] = [1, (2, 3)]", "a b c"),
        ("a, *b = 1, 2", ""),
        ("a, b = load()", ""),
        ("a, b = *x, 1", ""),
        ("a = 1; b = 2", "a b"),
        ("_a = 1\n__b = 2", "_a __b"),
        ("a.b = 1\na[0] = 1", ""),
        ("import os\nprint(1)\ndel x\na += 1\ndef f(): b = 1\nclass C: c = 1", ""),
        ("if y:\n    a = 1\ntry:\n    b = 1\nfinally:\n    pass\nfor c in d:\n    pass\nwith e as f:\n    pass", ""),
        ("(a := 1)", ""),
        ("a = ", ""),
        ("a = 1\n  b = 2", ""),
        ("a = '\ud800'", ""),
        ("a = 1\0", ""),
        pytest.param("a = " + "(" * 500 + ")" * 500, "", id="deep"),
        ("", ""),
        ("?a\n!ls\na = 1", "a"),
        ("größe = 1", "größe"),
    ],
)
def test_which_names(source: str, names: str) -> None:
    assert list(declared(source)) == names.split()


def test_values_of_one_statement_are_told_apart() -> None:
    found = declared('a, b = 1, "x"  # both')
    assert (found["a"].default, found["b"].default, found["b"].type) == (1, "x", "str")
    assert found["a"].help == found["b"].help == "both"


def test_what_papermill_stumbles_over() -> None:
    found = declared('url="a?b=c"\ncolor="#fff"  # the colour\nx = {"a": 1,\n     "b=": "#"}  # map')
    assert [(p.default, p.help) for p in found.values()] == [
        ("a?b=c", ""),
        ("#fff", "the colour"),
        ({"a": 1, "b=": "#"}, "map"),
    ]


def test_later_declarations_replace_earlier_ones_in_their_place() -> None:
    found = declared_parameters([(1, "a = 1\nb = 2"), (3, "c = 3\na = 'x'  # now text"), (4, "a b")])
    assert [(p.name, p.default, p.cell) for p in found] == [("a", "x", 3), ("b", 2, 1), ("c", 3, 3)]


@pytest.mark.parametrize(
    ("annotation", "choices"),
    [
        ('Literal["a", "b"]', ("a", "b")),
        ("typing.Literal[1, -1, True]", (1, -1, True)),
        ('Optional[Literal["a"]]', ("a", None)),
        ('Literal["a"] | Literal["b"]', ("a", "b")),
        ('Literal["a"] | int', ()),
        ("Literal[Color.RED]", ()),
        ("str", ()),
    ],
)
def test_choices(annotation: str, choices: tuple[Any, ...]) -> None:
    assert declared(f"x: {annotation} = 1")["x"].choices == choices


@pytest.mark.parametrize(
    ("source", "written"),
    [("x = 0x10", "0x10"), ("é = 'ü'; x = 'ß'  # é", "'ß'"), ("x: int", ""), ("x = [1,\n 2]", "[1, 2]")],
)
def test_source(source: str, written: str) -> None:
    assert declared(source)["x"].source == written


@given(st.text(max_size=60))
def test_declaring_never_raises(source: str) -> None:
    for parameter in declared_parameters([(0, source), (1, f"x = {source!r}  # {source[:5]!r}")]):
        json.dumps(parameter.default)


def given_text(kind: str, text: str) -> object:
    return resolve([Parameter("x", kind, None, "", source="None")], {}, {"x": text})["x"]


def given_value(kind: str, value: object) -> object:
    return resolve([Parameter("x", kind, None, "", source="None")], {"x": value}, {})["x"]


def same(found: object, wanted: object) -> bool:
    """Equal, with equal types at every depth."""
    return found == wanted and repr(found) == repr(wanted)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "1.10", "1.10"),
        ("str", "007", "007"),
        ("str", "None", "None"),
        ("str", ' a"b\\\n\ud800☃ ', ' a"b\\\n\ud800☃ '),
        ("int", "7", 7),
        ("int", "-7", -7),
        ("int", "1_000", 1000),
        ("float", "7", 7.0),
        ("float", "1e3", 1000.0),
        ("float", "-inf", -math.inf),
        *[("bool", t, True) for t in ("true", "YES", "On", "1")],
        *[("bool", t, False) for t in ("False", "no", "OFF", "0")],
        ("", "True", True),
        ("", "true", "true"),
        ("", "7", 7),
        ("", "7.5", 7.5),
        ("None", "None", None),
        ("None", "a", "a"),
        ("Config", "7", 7),
        ("np.ndarray", "[1]", "[1]"),
        ("np.int", "abc", "abc"),
        ("list", '[1, "a", null]', [1, "a", None]),
        ("list", "[1, 'a', None]", [1, "a", None]),
        ("list", "(1, 2)", [1, 2]),
        ("list[int]", "[1, 2]", [1, 2]),
        ("List[float]", "[1, 2.5]", [1.0, 2.5]),
        ("list[list[int]]", "[[1], []]", [[1], []]),
        ("list[date]", '["2024-01-02"]', [date(2024, 1, 2)]),
        ("dict[str, float]", '{"a": 1}', {"a": 1.0}),
        ("dict[int, str]", '{"1": "a"}', {1: "a"}),
        ("dict[int, str]", "{1: 'a'}", {1: "a"}),
        ("tuple", "[1, 2]", (1, 2)),
        ("tuple[int, ...]", "(1, 2, 3)", (1, 2, 3)),
        ("tuple[int, str]", '[1, "a"]', (1, "a")),
        ("set[str]", '["a", "a"]', {"a"}),
        ("set", "set()", set()),
        ("frozenset[int]", "[1]", frozenset({1})),
        ("Sequence[int]", "[1]", [1]),
        ("Optional[int]", "7", 7),
        ("Optional[int]", "None", None),
        ("typing.Optional[str]", "null", None),
        ("int | str", "7", 7),
        ("int | str", "a", "a"),
        ("str | int", "7", "7"),
        ("list[int] | None", "[1]", [1]),
        ("Union[int, float]", "7.5", 7.5),
        ("Annotated[int, 'rows']", "7", 7),
        ("Literal['a', 'b']", "b", "b"),
        ("Literal['1', 1]", "1", "1"),
        ("Literal[1, 2]", "2", 2),
        ("Literal[True, 'a']", "yes", True),
        ("Literal['a', None]", "None", None),
        ("date", "2024-01-02", date(2024, 1, 2)),
        ("datetime.date", "2024-01-02", date(2024, 1, 2)),
        ("datetime", "2024-01-02T03:04", datetime(2024, 1, 2, 3, 4)),
        ("datetime", "2024-01-02", datetime(2024, 1, 2)),
        ("datetime", "2024-01-02T03:04+00:00", datetime(2024, 1, 2, 3, 4, tzinfo=UTC)),
        ("Path", "a b/ü", Path("a b/ü")),
        ("bytes", "ü", "ü".encode()),
    ],
)
def test_text_is_read_by_type(kind: str, text: str, value: object) -> None:
    assert same(given_text(kind, text), value)


def test_nan_is_a_float() -> None:
    found = given_text("float", "nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("int", "abc", "got 'abc', wanted int"),
        ("int", "7.0", "got '7.0', wanted int"),
        ("int", "", "got '', wanted int"),
        pytest.param("int", "9" * 5000, "wanted int", id="huge"),
        ("float", "abc", "wanted float"),
        ("bool", "maybe", "wanted bool"),
        ("bool", "2", "wanted bool"),
        ("list", "a,b,c", """-p x '["a", "b"]'"""),
        ("list", "7", "wanted list"),
        ("list[int]", "a,b", "-p x '[1, 2]'"),
        ("list[int]", '[1, "a"]', "`x[1]` is 'a' (str), wanted int"),
        ("list[list[int]]", "[[1], [2, true]]", "`x[1][1]` is True (bool), wanted int"),
        ("dict[str, float]", '{"a": "b"}', "`x['a']` is 'b' (str), wanted float"),
        ("dict[int, str]", '{"a": "b"}', "wanted int"),
        ("dict[str, int]", "[1]", """-p x '{"a": 1, "b": 2}'"""),
        ("tuple[int, str]", "[1]", "wanted tuple[int, str]"),
        ("set", "[[1]]", "wanted set"),
        ("set", "{}", "wanted set"),
        pytest.param("list", "[" * 100_000, "wanted list", id="deep"),
        ("Optional[int]", "a", "wanted Optional[int]"),
        ("list[int] | None", '["a"]', "`x[0]` is 'a' (str), wanted int"),
        ("Literal['adam', 'sgd']", "adm", "wanted one of 'adam', 'sgd'"),
        ("Literal['adam', 'sgd']", "adm", "Did you mean 'adam'?"),
        ("Literal[1, 2]", "3", "wanted one of 1, 2"),
        ("date", "2024-13-01", "wanted date"),
        ("date", "yesterday", "-p x 2024-01-31"),
        ("datetime", "noon", "wanted datetime"),
    ],
)
def test_text_that_does_not_fit(kind: str, text: str, part: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        given_text(kind, text)
    assert caught.value.where == "parameter `x`"
    assert part in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("int", 7, 7),
        ("float", 2, 2),
        ("float", 2.5, 2.5),
        ("float", "1e-3", 0.001),
        ("str", "1.10", "1.10"),
        ("bool", True, True),
        ("", object, object),
        ("None", [1], [1]),
        ("Config", {"a": 1}, {"a": 1}),
        ("tuple[int, ...]", [1, 2], (1, 2)),
        ("list", (1, 2), [1, 2]),
        ("list[float]", [1, 2.5], [1, 2.5]),
        ("set[str]", ["a"], {"a"}),
        ("dict[str, list[int]]", {"a": [1]}, {"a": [1]}),
        ("int | float", 3.0, 3.0),
        ("int | bool", True, True),
        ("Optional[str]", None, None),
        ("Literal[1, True]", True, True),
        ("date", "2024-01-02", date(2024, 1, 2)),
        ("date", date(2024, 1, 2), date(2024, 1, 2)),
        ("datetime", date(2024, 1, 2), datetime(2024, 1, 2)),
        ("datetime", "2024-01-02T03:04:05", datetime(2024, 1, 2, 3, 4, 5)),
        ("Path", "a/b", Path("a/b")),
    ],
)
def test_typed_values(kind: str, value: object, found: object) -> None:
    assert same(given_value(kind, value), found)


@pytest.mark.parametrize(
    ("kind", "value", "part"),
    [
        ("int", True, "got True (bool), wanted int"),
        ("int", 3.0, "got 3.0 (float), wanted int"),
        ("int", "7", "got '7' (str), wanted int"),
        ("int", None, "wanted int"),
        pytest.param("str", 10**5000, "wanted str", id="huge"),
        ("float", False, "wanted float"),
        ("float", "abc", "wanted float"),
        ("bool", 1, "wanted bool"),
        ("str", 1.1, 'Write it in quotes: x: "1.1"'),
        ("list", "abc", 'Example: x: ["a", "b"]'),
        ("list", {1, 2}, "wanted list"),
        ("list[int]", [1, 2.0], "`x[1]` is 2.0 (float), wanted int"),
        ("dict", [1], "wanted dict"),
        ("Literal[1, 2]", True, "wanted one of 1, 2"),
        ("date", datetime(2024, 1, 1), "wanted date"),
        ("date", 20240101, "wanted date"),
        ("Path", 3, "wanted Path"),
    ],
)
def test_typed_values_that_do_not_fit(kind: str, value: object, part: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        given_value(kind, value)
    assert caught.value.where == "parameter `x`"
    assert part in str(caught.value)


def test_numpy_scalars_become_python_values() -> None:
    np = pytest.importorskip("numpy")
    assert same(given_value("int", np.int64(7)), 7)
    assert same(given_value("float", np.float64(0.5)), 0.5)
    assert same(given_value("bool", np.bool_(True)), True)
    assert same(given_value("list[str]", [np.str_("a")]), ["a"])
    assert to_source({"x": np.float32(0.5)}) == "# Parameters\nx = 0.5\n"


def test_only_given_values_come_back_in_order_of_declaration_and_texts_win() -> None:
    parameters = declared_parameters([(0, "a = 1\nb = 2\nc = 3\nd = 4")])
    found = resolve(parameters, {"d": 40, "a": 10}, {"a": "11", "b": "20"})
    assert list(found.items()) == [("a", 11), ("b", 20), ("d", 40)]
    assert resolve(parameters, {}, {}) == {}


@pytest.mark.parametrize("where", ["given", "texts"])
def test_an_unknown_name_is_told_with_the_nearest(where: str) -> None:
    parameters = declared_parameters([(0, "alpha = 1\nbeta = 2")])
    with pytest.raises(InvalidParameterError) as caught:
        resolve(parameters, {"alhpa": 1} if where == "given" else {}, {"alhpa": "1"} if where == "texts" else {})
    assert "no parameter `alhpa`" in caught.value.message
    assert "Did you mean `alpha`?" in caught.value.remedy
    assert "`beta`" in caught.value.remedy


def test_a_notebook_without_parameters_says_so() -> None:
    with pytest.raises(InvalidParameterError, match="no `parameters` cell") as caught:
        resolve([], {}, {"alpha": "1"})
    assert "Tag a cell `parameters`" in caught.value.remedy


@pytest.mark.parametrize(
    ("texts", "parts"),
    [
        ({}, ["`n`", "`m`", "-p n VALUE", "-p m VALUE"]),
        ({"m": "1"}, ["parameter `n` has no default", "Give it with -p n VALUE"]),
    ],
)
def test_required_parameters_are_named_at_once(texts: dict[str, str], parts: list[str]) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        resolve(declared_parameters([(0, "n: int\nm: int\nk = 1")]), {}, texts)
    assert [p for p in parts if p not in str(caught.value)] == []


def ran(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(source, space)
    space.pop("__builtins__")
    return space


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC) | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.text("ab/. ü'\"").map(Path)
)
HASHABLE = SCALARS | st.tuples(SCALARS) | st.tuples(SCALARS, st.tuples()) | st.frozensets(SCALARS, max_size=3)
NESTED = st.recursive(
    HASHABLE | st.sets(SCALARS, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=4,
)


def shape(value: Any) -> Any:
    """The value with types spelled out, so that True is not 1 and -0.0 is not 0.0."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, [(shape(k), shape(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return kind, [shape(v) for v in value]
    if isinstance(value, set | frozenset):
        return kind, sorted((shape(v) for v in value), key=repr)
    return kind, repr(value)


@given(st.dictionaries(st.sampled_from(["a", "größe", "_b"]), NESTED))
def test_source_gives_the_values_back(values: dict[str, Any]) -> None:
    assert shape(ran(to_source(values))) == shape(values)


@given(st.text(), st.lists(st.text()))
def test_ipython_reads_the_source_as_it_is(one: str, many: list[str]) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    source = to_source({"a": one, "b": many})
    assert TransformerManager().transform_cell(source) == source


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (True, "True"),
        (1, "1"),
        (-0.0, "-0.0"),
        (math.inf, 'float("inf")'),
        (-math.inf, 'float("-inf")'),
        (math.nan, 'float("nan")'),
        (set(), "set()"),
        ({"b", "a"}, "{'a', 'b'}"),
        ((1,), "(1,)"),
        ((), "()"),
        (b"a", "b'a'"),
        ("a\nb'\ud800", '"a\\nb\'\\ud800"'),
        pytest.param(10**5000, hex(10**5000), id="huge"),
    ],
)
def test_source_of(value: object, source: str) -> None:
    assert to_source({"x": value}) == f"# Parameters\nx = {source}\n"


@pytest.mark.parametrize(
    "value",
    [
        date(2024, 1, 2),
        [datetime(2024, 1, 2, fold=1)],
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2), "mine")),
        time(1, 2, 3, 4),
        Path("a"),
        PurePosixPath("a"),
    ],
)
def test_what_needs_an_import_leaves_no_name_and_hides_none(value: object) -> None:
    from jupyter_mlops.analysis.names import access

    source = to_source({"x": value})
    assert shape(ran(source)) == shape({"x": value})
    assert access(source).opaque == ()
    assert access(source).certain_bindings == {"x"}


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [object(), [len], {"a": range(3)}, cyclic()])
def test_what_source_cannot_say(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        to_source({"x": value})
    assert caught.value.where == "parameter `x`"


@pytest.mark.parametrize("name", ["a b", "1a", "class", "", "x = 1; y"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InvalidParameterError):
        to_source({name: 1})


def notebook(*tags: str) -> nbformat.NotebookNode:
    """A notebook with a cell for each text of tags; `md` makes it Markdown."""
    nb = new_notebook()
    for i, text in enumerate(tags):
        words = text.split()
        cell = new_markdown_cell(f"c{i}") if "md" in words else new_code_cell(f"c{i}", outputs=[new_output("stream")])
        if words:
            cell.metadata["tags"] = [w for w in words if w != "md"]
        nb.cells.append(cell)
    return nb


def places(nb: nbformat.NotebookNode) -> str:
    return " ".join("NEW" if c.source.startswith("# Parameters") else c.source for c in nb.cells)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        (["", "parameters", "step:a"], "c0 c1 NEW c2"),
        (["md", "step:a"], "NEW c0 c1"),
        ([], "NEW"),
        (["parameters", "injected-parameters", "step:a"], "c0 NEW c2"),
        (["parameters", "", "injected-parameters", "step:a"], "c0 c1 NEW c3"),
        (["", "injected-parameters", "step:a"], "c0 NEW c2"),
        (["injected-parameters", "parameters", "injected-parameters", ""], "c1 NEW c3"),
        (["pipeline-parameters", "step:a"], "c0 NEW c1"),
        (["parameters", "", "parameters", "step:a"], "c0 c1 c2 NEW c3"),
        (["parameters", "step:a", "skip parameters"], "c0 NEW c1 c2"),
        (["step:a parameters", ""], "c0 NEW c1"),
    ],
)
def test_place(tags: list[str], wanted: str) -> None:
    assert places(inject(notebook(*tags), {"x": 1}, "python3", "python")) == wanted


@pytest.mark.parametrize(
    "tags", [["", "parameters", ""], ["", ""], ["parameters", "injected-parameters", ""], ["", "injected-parameters"]]
)
def test_place_is_papermills(tags: list[str]) -> None:
    from papermill.parameterize import parameterize_notebook

    theirs = notebook(*tags)
    theirs.metadata["papermill"] = {}
    for cell in theirs.cells:
        cell.metadata.setdefault("tags", [])
    theirs = parameterize_notebook(theirs, {"x": 1}, kernel_name="python3", language="python")
    assert places(inject(notebook(*tags), {"x": 1}, "python3", "python")) == places(theirs)


def test_the_cell_and_the_metadata() -> None:
    nb = notebook("step:a parameters")
    nb.metadata["papermill"] = {"version": "1"}
    found = inject(nb, {"x": date(2024, 1, 2), "y": math.inf}, "python3", "python")
    cell = found.cells[1]
    assert cell.cell_type == "code"
    assert cell.metadata == {"tags": ["injected-parameters"]}
    assert found.metadata.papermill.parameters == {"x": "2024-01-02", "y": "inf"}
    assert found.metadata.papermill.version == "1"
    nbformat.validate(found)


@pytest.mark.parametrize(("minor", "has_id"), [(4, False), (5, True)])
def test_the_cell_has_an_id_where_the_format_has_it(minor: int, has_id: bool) -> None:
    nb = notebook("parameters")
    nb.nbformat_minor = minor
    if not has_id:
        del nb.cells[0]["id"]
    found = inject(nb, {"x": 1}, "python3", "python")
    assert ("id" in found.cells[1]) is has_id
    nbformat.validate(found)


def test_the_given_notebook_is_left_alone_and_its_outputs_are_shared() -> None:
    nb = notebook("parameters", "injected-parameters", "step:a")
    before = copy.deepcopy(nb)
    found = inject(nb, {"x": 1}, "python3", "python")
    assert found.cells[2].outputs[0] is nb.cells[2].outputs[0]
    found.metadata.papermill.parameters["y"] = 2
    found.cells[2].metadata["papermill"] = {"status": "completed"}
    found.cells[2].outputs.clear()
    found.cells[2].source = "other"
    found.cells.pop()
    assert nb == before


@pytest.mark.parametrize(
    ("kernel", "language", "line"),
    [
        ("ir", "R", "x = TRUE"),
        ("ir", "r", "x = TRUE"),
        ("julia-1.10", "julia", "x = true"),
        ("bash", "bash", "x=true"),
        (".net-csharp", "c#", "var x = true;"),
        ("dotnet", "C#", "var x = true;"),
        ("pysparkkernel", "python", "x = True"),
        ("my-env", "python", "x = True"),
    ],
)
def test_other_languages_are_papermills(kernel: str, language: str, line: str) -> None:
    assert line in inject(notebook("parameters"), {"x": True}, kernel, language).cells[1].source.splitlines()


@pytest.mark.parametrize(
    ("kernel", "language", "values"),
    [
        ("xcpp17", "c++", {"x": 1}),
        (".net-csharp", "c#", {"x": None}),
        ("ir", "r", {"x; system('ls')": 1}),
        ("python3", "python", {"x": object()}),
    ],
)
def test_what_a_language_cannot_be_given(kernel: str, language: str, values: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        inject(notebook("parameters"), values, kernel, language)
    assert caught.value.remedy


def test_values_reach_the_steps_between_two_parameters_cells() -> None:
    cells = [("parameters", "a = 1"), ("", "print(a)"), ("parameters", "b = 2\na = 3"), ("", "print(a, b)")]
    made = [nbformat.v4.new_code_cell(s, metadata={"tags": [t] if t else []}) for t, s in cells]
    nb = inject(nbformat.v4.new_notebook(cells=made), {"a": 10, "b": 20}, "python3", "python")
    sources = [c.source.removeprefix("# Parameters\n").strip() for c in nb.cells]
    assert sources == ["a = 1", "a = 10", "print(a)", "b = 2\na = 3", "a = 10\nb = 20", "print(a, b)"]
