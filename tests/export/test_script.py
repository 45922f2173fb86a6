"""The Python script: it does what the cells do, and no text of a version becomes code."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan, ExportTask
from jupyter_mlops.export.script.bindings import bound_names
from jupyter_mlops.export.script.indentation import indented
from jupyter_mlops.export.targets.script import ScriptExporter
from jupyter_mlops.pipeline.build import build
from tests.export import plans

Cells = tuple[tuple[str, str], ...]


def notebook_plan(
    *cells: tuple[str, str], tasks: tuple[ExportTask, ...] = (plans.task("a"),), **changes: Any
) -> ExportPlan:
    """The plan of a notebook with these cells: their tags, and their code."""
    nb = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source, metadata={"tags": tags.split(" ") if tags else []}, id=f"c{number}")
            for number, (tags, source) in enumerate(cells)
        ]
    )
    parameters = build(nb, "train").parameters
    return plans.plan(*tasks, **{"source": nbformat.writes(nb), "parameters": parameters, **changes})


def module(plan: ExportPlan) -> str:
    return str(ScriptExporter().files(plan)[f"{plan.slug}.py"])


@dataclass
class Script:
    """A script in a folder."""

    folder: Path
    name: str

    def run(self, *arguments: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [sys.executable, self.name, *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=60, env={**os.environ, "PYTHONHASHSEED": "0", **variables}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert finished.returncode == code, finished.stderr
        return finished


def written(folder: Path, plan: ExportPlan) -> Script:
    for path, content in ScriptExporter().files(plan).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return Script(folder, f"{plan.slug}.py")


def script(folder: Path, *cells: tuple[str, str], **changes: Any) -> Script:
    return written(folder, notebook_plan(*cells, **changes))


def run_all(*sources: str) -> str:
    """What plain cells print when they run in order in one namespace."""
    stream = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda value: print(repr(value))}
    with contextlib.redirect_stdout(stream):
        for source in sources:
            exec(compile(source, "cell", "exec", dont_inherit=True), namespace)
    return stream.getvalue()


CONSTRUCTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("annotation", ("x: int = 1\ny: int\nz: list[int] = [\n    x,\n]", "print(x, z, 'y' in globals())")),
    ("annotation in a branch", ("if True:\n    x: float = (1 +\n  2)", "print(x)")),
    ("several statements in a line", ("a = 1; b: int = 2; c = 3", "print(a, b, c)")),
    ("augmented", ("n = 1", "n += 1\nn **= 3", "print(n)")),
    ("deletion", ("x, y = 1, 2", "del x\nprint('x' in globals(), y)", "x = 3\nprint(x)")),
    ("loop variables", ("for i, (a, *b) in enumerate([(1, 2, 3)]):\n    pass", "print(i, a, b)")),
    ("with and except", (
        ("import contextlib\nwith contextlib.nullcontext(5) as five:\n    pass\ntry:\n    1 / 0\n"
        "except ZeroDivisionError as error:\n    text = str(error)"), "print(five, text, 'error' in globals())",
    )),
    ("walrus", ("if (n := 3) > 2:\n    found = [last := i for i in range(n)]", "print(n, found, last)")),
    ("comprehension scopes", ("x = 'outer'\nsquares = [x * x for x in range(3)]", "print(x, squares)")),
    ("comprehension reads globals in a class", (
        "k = 2\nclass A:\n    m = k\n    items = [k * i for i in range(3)]", "print(A.m, A.items, A.__qualname__)",
    )),
    ("nested function reads later value", ("def f():\n    return [y for _ in range(2)]", "y = 7", "print(f())")),
    ("global in a function", ("count = 0\ndef add():\n    global count\n    count += 1", "add(); add()",
                              "print(count)")),
    ("global at the top", ("global n\nn = 4", "print(n)")),
    ("closure", (("def outer():\n    k = 1\n    def inner():\n        nonlocal k\n        k += 1\n        return k\n"
                 "    return inner"), "f = outer()\nprint(f(), f())")),
    ("decorator and default", ("d = 5\ndef deco(f):\n    return f\n@deco\ndef g(a=d, *, b=d + 1):\n    return a + b",
                               "d = 100\nprint(g())")),
    ("class attribute of the same name", ("x = 1\nclass A:\n    x = x + 1\n    y = x", "print(A.x, A.y, x)")),
    ("match", ("match {'a': [1, 2, 3], 'b': 4}:\n    case {'a': [first, *rest], **others}:\n        pass",
               "print(first, rest, others)")),
    ("star import", ("from math import *", "print(round(sqrt(2), 3), pi)")),
    ("import forms", ("import os.path as p, json\nimport xml.dom\nfrom math import pi as PI",
                      "print(p.join('a', 'b'), json.dumps(1), xml.dom.__name__, PI)")),
    ("locals", ("a = 1\nprint('a' in locals(), 'a' in vars(), 'a' in dir(), locals() is globals())",)),
    ("locals in a function", ("def f(z):\n    w = 1\n    return sorted(locals())\nprint(f(2))",)),
    ("exec", ("exec('made = 3')", "print(made, eval('made + 1'))", "exec('made += 1',)\nprint(made)")),
    ("exec in another namespace", ("space = {}\nexec('made = 3', space)", "print(space['made'], 'made' in globals())")),
    ("multi-line texts", ('text = """a\n    b\n\tc\n"""\nif True:\n    other = f"""{text}\n  {len(text)}\n"""',
                          "print(repr(text), repr(other))")),
    ("continued lines", ("a = 1 + \\\n    2\nb = 'x\\\ny'", "print(a, repr(b))")),
    ("comments alone", ("# nothing", "x = 1\n# end", "print(x)")),
    ("tabs", ("if True:\n\tx = 1\n\tif x:\n\t\tx = 2", "print(x)")),
    ("unicode names", ("größe = 1; 数 = 2", "print(größe + 数); été: int = 5; print('é', été)")),
    ("lambda and partial", ("from functools import partial\nf = lambda v, k=2: v * k\ng = partial(f, k=3)",
                            "print(f(2), g(2))")),
    ("generator at the top", ("g = (i for i in range(3))", "print(next(g))", "print(list(g))")),
    ("dataclass", ("from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int = 1\n    b: 'str' = 'x'",
                   "print(D(), D.__annotations__['a'] is int)")),
    ("names of the script's own", ("main = 1; _cell = 2; _show = 3; _options = 4; step_a = 5; argparse = 6; sys = 7",
                                   "print(main, _cell, _show, _options, step_a, argparse, sys)")),
    ("builtins shadowed", ("open = None; sum = 1; list = 2; any = 3; min = 4", "print(open, sum, list, any, min)")),
    ("names that only the script has", ("for n in ('traceback', 'os', 'sys', 'json'):\n    print(n in globals())",)),
    ("file", ("print('__file__' in globals(), __name__)",)),
    ("display", ("display({'a': 1})\nx = 5",)),
)  # fmt: skip


@pytest.mark.parametrize("sources", [c for _, c in CONSTRUCTS], ids=[name for name, _ in CONSTRUCTS])
def test_a_cell_does_the_same_in_a_function(sources: tuple[str, ...], tmp_path: Path) -> None:
    cells = [(f"step:s{number}", source) for number, source in enumerate(sources)]
    expected = run_all(*sources)
    assert expected
    assert script(tmp_path, *cells).run().stdout == expected


def test_own_classes_are_pickled_and_no_arguments_are_seen(tmp_path: Path) -> None:
    made = script(
        tmp_path, ("step:a", "import pickle, sys\nclass P:\n    v = 1"),
        ("step:b", "print(type(pickle.loads(pickle.dumps(P()))) is P, sys.argv[1:])"), ("parameters", "n = 1"),
    )  # fmt: skip
    assert made.run("--n=3").stdout == "True []\n"


def test_definitions_stand_at_the_top_and_steps_are_functions() -> None:
    text = module(
        notebook_plan(
            ("parameters", "alpha: float = 0.5  # strength"),
            ("imports", "%matplotlib inline\nimport math\nwarnings = 1"),
            ("functions", "def twice(x):\n    return 2 * x * alpha"),
            ("step:load", "rows: list = [1]\nrows"),
        )
    )
    top, _, rest = text.partition("def step_load():")
    assert "\nalpha: float = 0.5  # strength\n" in top
    assert "\nimport math\n" in top
    assert "\ndef twice(x):\n    return 2 * x * alpha\n" in top
    assert rest.startswith("\n    global rows\n    _cell(4)\n    rows = [1]\n    _show(rows)\n")


@pytest.mark.parametrize("functions", ["def f(x=alpha):\n    return x", "print('here')", "beta = alpha", "alpha = 3"])
def test_what_reads_a_parameter_at_once_runs_after_its_value(functions: str, tmp_path: Path) -> None:
    cells = (
        ("parameters", "alpha = 1"), ("functions", functions),
        ("step:a", "print(f() if 'f' in globals() else globals().get('beta', alpha))"),
    )  # fmt: skip
    expected = {"alpha = 3": "3\n", "print('here')": "here\n9\n"}.get(functions, "9\n")
    made = script(tmp_path, *cells)
    assert made.run("--alpha=9").stdout == expected
    assert "here" not in made.run("--help").stdout


def test_values_follow_the_cells_that_declare_them(tmp_path: Path) -> None:
    made = script(
        tmp_path, ("parameters", "a = 1\nb = a * 2"), ("step:x", "print(a, b)"), ("parameters", "c = a + 1\na = 7"),
        ("step:y", "print(a, b, c)"),
    )  # fmt: skip
    assert made.run().stdout == "1 2\n7 2 2\n"
    assert made.run("--a=5", "--c=0").stdout == "5 2\n5 2 0\n"


def test_a_step_of_several_blocks_has_a_function_for_each(tmp_path: Path) -> None:
    made = script(tmp_path, ("step:a", "x = 1"), ("step:b", "x += 10"), ("step:a", "x *= 2\nprint(x)"))
    text = (tmp_path / "churn.py").read_text()
    assert re.findall(r'^    \("(\w)", (\w+)\),', text, re.M) == [("a", "step_a"), ("b", "step_b"), ("a", "step_a_2")]
    assert made.run().stdout == "22\n"
    assert made.run("--list").stdout == "a\nb\n"


SHOWN = (
    ("1 + 1", "2\n"), ("1;", ""), ("1; # comment", ""), ("1  # ;", "1\n"),
    ("None", ""), ("'text'", "'text'\n"), ("(1, 2)", "(1, 2)\n"),
    ("1, 2", "(1, 2)\n"), ("x = 1\nx", "1\n"), ("(y := 5)", "5\n"), ("lambda: 1", None), ("(i for i in ())", None),
    ("[\n    1,  # one\n]", "[1]\n"), ("if True:\n    3", ""), ("print('a')", "a\n"), ("float('nan')", "nan\n"),
    ("*[1], 2", "(1, 2)\n"), ("f'''a\nb'''", "'a\\nb'\n"), ("{'b': 1, 'a': {2, 1}}", "{'b': 1, 'a': {1, 2}}\n"),
    ("5\n%time", None), ("'é' + 'x'", "'éx'\n"), ("await __import__('asyncio').sleep(0, 3)", "3\n"),
)  # fmt: skip


@pytest.mark.parametrize(("source", "text"), [(s, t) for s, t in SHOWN if t is not None])
def test_the_last_value_is_shown(source: str, text: str, tmp_path: Path) -> None:
    assert script(tmp_path, ("step:a", source)).run().stdout == text


def test_values_are_shown_without_ipython(tmp_path: Path) -> None:
    (tmp_path / "IPython.py").write_text("raise ImportError('not here')\n")
    made = script(tmp_path, ("step:a", "[1, {'b': 2}]"), ("step:b", "display('x', None)\nobject"))
    assert made.run().stdout == "[1, {'b': 2}]\n'x'\nNone\n<class 'object'>\n"


def test_displays_print_plain_text(tmp_path: Path) -> None:
    source = "from IPython.display import display as show, HTML, clear_output\nshow('a', HTML('<b>'))\nclear_output()"
    finished = script(tmp_path, ("step:a", source)).run()
    assert finished.stdout == "'a'\n<IPython.core.display.HTML object>\n"


MAGICS = (
    ("%matplotlib inline\nprint(1)", "1\n"),
    ("%config InlineBackend.figure_format = 'retina'\nprint(1)", "1\n"),
    ("%load_ext autoreload\n%autoreload 2\nprint(1)", "1\n"),
    ("!echo plain", "plain\n"),
    ("n = 4\n!echo {n * 2} $n $$HOME_OF_NOBODY $absent {n:03}", "8 4 004\n"),
    ("!exit 3\nprint(_exit_code)", "3\n"),
    ("lines = !printf 'b\\na\\n'\nprint(sorted(lines), lines.n, lines.s)", "['a', 'b'] b\na b a\n"),
    ("def f(word):\n    !echo in $word\nf('function')", "in function\n"),
    ("for i in range(2):\n    !echo $i", "0\n1\n"),
    ("!!echo out", "['out']\n"),
    ("%%bash\necho one\necho two", "one\ntwo\n"),
    ("%%sh --out text\necho 'it''s'", ""),
    ("%%python\nprint('child')", "child\n"),
    ("%%writefile made.txt\na\n  b 'c'\n", "Writing made.txt\n"),
    ("%%html\n<b>", "<IPython.core.display.HTML object>\n"),
    ("%time x = 2\nprint(x)", "2\n"),
    ("%%time\ny = 3\ny", "3\n"),
    ("y = %time 1 + 1\ny", "2\n"),
    ("%%capture out\nprint('hidden')\nz: int = 1\n5", ""),
    ("%env ONE=two\n", "env: ONE=two\n"),
    ("%env ONE two words", "env: ONE=two words\n"),
    ("%set_env ONE 1\nx = %env ONE\nprint(x)", "env: ONE=1\n1\n"),
    ("%mkdir sub\n%cd -q sub\nimport os; print(os.path.basename(os.getcwd()))", "sub\n"),
    ("print?\nprint(2)", "2\n"),
    ("%pip install nothing\nprint(3)", "3\n"),
    ("%timeit -n1 1\nprint(4)", "4\n"),
    ("if True:\n    %matplotlib inline", ""),
)


@pytest.mark.parametrize(("source", "text"), MAGICS, ids=[source.split("\n")[0] for source, _ in MAGICS])
def test_magics_become_python(source: str, text: str, tmp_path: Path) -> None:
    assert script(tmp_path, ("step:a", source)).run(SHELL="/bin/sh").stdout == text


def test_what_magics_bind_is_there_later(tmp_path: Path) -> None:
    made = script(
        tmp_path, ("step:a", "%%capture cap\nprint('x')"),
        ("step:b", "%%bash --out text --err problem\necho o; echo e >&2"),
        ("step:c", "%%writefile -a made.txt\nline\n"), ("step:d", "%%writefile -a made.txt\nline\n"),
        ("step:e", "print(repr(cap.stdout), repr(text), repr(problem), open('made.txt').read())"),
    )  # fmt: skip
    assert made.run().stdout == "Writing made.txt\nAppending to made.txt\n'x\\n' 'o\\n' 'e\\n' line\nline\n\n"


REFUSED = (
    ("get_ipython().user_ns", "get_ipython"), ("print(_)", "memory"), ("Out[1]", "memory"), ("%history", "history"),
    ("%run other.py", "run"), ("%load_ext sql", "load_ext"), ("%who", "who"), ("%%perl\n1", "perl"),
    ("%%bash -s arg\n1", "bash"), ("t = %timeit -o 1", "timeit"), ("%matplotlib widget", "matplotlib"),
    ("from __future__ import annotations", "__future__"), ("h = display(1, display_id=True)", "updated later"),
    ("from IPython.display import update_display", "update_display"), ("print(__annotations__)", "__annotations__"),
    ("x = 1\nprint(f'{locals()}')", "f-string"), ("%cd $folder", "cd"), ("%prun 1", "prun"), ("%debug", "debug"),
    ("from IPython import get_ipython", "get_ipython"), ("%%capture --nonsense\n1", "capture"),
)  # fmt: skip


@pytest.mark.parametrize(("source", "word"), REFUSED)
def test_what_a_script_cannot_do_is_refused_with_its_cell(source: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(word)) as caught:
        module(notebook_plan(("step:a", "x = 1"), ("step:b", source)))
    assert caught.value.where == "cell 2"
    assert caught.value.cell == 1
    assert caught.value.remedy


@pytest.mark.parametrize("source", ["return 1", "yield 1", "break", "x ="])
def test_what_is_no_cell_is_refused(source: str) -> None:
    with pytest.raises(InvalidInputError, match="cell 1"):
        module(plans.plan(source=nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]))))


VALUES = (
    ("n: int = 1", "12", "12"), ("n: int = 1", "-3", "-3"), ("x: float = 1.0", "1e-3", "0.001"),
    ("x: float = 1.0", "nan", "nan"), ("x: float = 1.0", "-inf", "-inf"), ("b: bool = False", "yes", "True"),
    ("b: bool = True", "0", "False"), ("t: str = ''", "-rf", "'-rf'"), ("t: str = ''", "", "''"),
    ("t: str = ''", "a\nb", "'a\\nb'"), ("d: date = None", "2024-02-29", "datetime.date(2024, 2, 29)"),
    ("d: datetime = None", "2024-02-29T12:30", "datetime.datetime(2024, 2, 29, 12, 30)"),
    ("p: Path = None", "a/b", "PosixPath('a/b')"), ("o: int | None = None", "null", "None"),
    ("o: Optional[int] = None", "4", "4"), ("o: int | str = 1", "x", "'x'"),
    ("c: Literal['a', 1, None] = 'a'", "1", "1"), ("c: Literal[True, 1] = 1", "1", "1"),
    ("items: list[int] = []", "[1, 2]", "[1, 2]"), ("items: list[float] = []", "[1]", "[1.0]"),
    ("items: tuple[int, str] = (1, 'a')", "(2, 'b')", "(2, 'b')"), ("items: tuple[int, ...] = ()", "[1, 2]", "(1, 2)"),
    ("items: set[str] = set()", '["a"]', "{'a'}"), ("items: list = []", "[1, 'a', None]", "[1, 'a', None]"),
    ("m: dict[str, list[int]] = {}", '{"a": [1]}', "{'a': [1]}"), ("m: dict[int, str] = {}", '{"1": "a"}', "{1: 'a'}"),
    ("days: list[date] = []", '["2024-01-31"]', "[datetime.date(2024, 1, 31)]"), ("q = None", "3", "3"),
    ("q = None", "True", "True"), ("q = None", "word", "'word'"), ("s: bytes = b''", "ab", "b'ab'"),
    ("items: list[int | None] = []", "[1, null]", "[1, None]"),
)  # fmt: skip
IMPORTS = "from datetime import date, datetime\nfrom pathlib import Path\nfrom typing import Literal, Optional\n"


@pytest.mark.parametrize(("declaration", "value", "text"), VALUES)
def test_options_are_typed(declaration: str, value: str, text: str, tmp_path: Path) -> None:
    name = re.split(r"\W", declaration)[0]
    made = script(tmp_path, ("parameters", IMPORTS + declaration), ("step:a", f"print(repr({name}))"))
    assert made.run(f"--{name}={value}").stdout == f"{text}\n"


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ("n: int = 1", "1.5"), ("n: int = 1", "many"), ("x: float = 1.0", "one"), ("b: bool = True", "maybe"),
        ("d: date = None", "2024-02-30"), ("d: datetime = None", "noon"), ("c: Literal['a', 'b'] = 'a'", "c"),
        ("o: int | None = None", "x"), ("items: list[int] = []", "[1, 'a']"), ("items: list[int] = []", "1; 2"),
        ("items: list[int] = []", "[true]"), ("items: tuple[int, str] = (1, 'a')", "[1]"),
        ("m: dict[str, int] = {}", "[]"),
        ("m: dict[str, int] = {}", "__import__('os').system('touch pwned')"), ("items: list = []", "[" * 9999),
    ],
)  # fmt: skip
def test_a_bad_value_is_the_fault_of_its_option(declaration: str, value: str, tmp_path: Path) -> None:
    name = re.split(r"\W", declaration)[0]
    made = script(tmp_path, ("parameters", IMPORTS + declaration), ("step:a", "print('ran')"))
    finished = made.run(f"--{name}={value}", code=2)
    assert f"argument --{name}" in finished.stderr
    assert finished.stdout == ""
    assert not (tmp_path / "pwned").exists()


def test_options_that_nothing_declares_and_values_that_are_missing(tmp_path: Path) -> None:
    made = script(tmp_path, ("parameters", "n: int\nother: int = 1"), ("step:a", "print(n)"))
    assert "--n" in made.run(code=2).stderr
    assert "unrecognized" in made.run("--n=1", "--absent=2", code=2).stderr
    assert "unrecognized" in made.run("--n=1", "--oth=2", code=2).stderr
    assert made.run("--n", "3").stdout == "3\n"
    assert made.run("--list", "--n=1").stdout == "a\n"


def test_parameters_may_have_the_names_of_options(tmp_path: Path) -> None:
    source = "help: str = 'h'\nlist: str = 'l'\nh: int = 0"
    made = script(tmp_path, ("parameters", source), ("step:a", "print(help, list, h)"))
    assert made.run("--help=x", "--list=y", "--h=3").stdout == "x y 3\n"
    assert "--list-steps" in made.run("-h").stdout
    assert made.run("--list-steps").stdout == "a\n"


@pytest.mark.parametrize("text", [t for t in plans.HOSTILE_TEXTS if "\0" not in t])
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    cells = (
        ("parameters", f"text: str = {text!r}\nchoice = 1"), ("step:a", "print(repr(text))"),
        ("step:b", "raise ValueError(text)"),
    )  # fmt: skip
    hostile = plans.hostile(text)
    made = script(
        tmp_path, *cells, tasks=hostile.tasks, job=hostile.job, message=text, author=text, notebook=hostile.notebook,
        parameters=hostile.parameters,
    )  # fmt: skip
    finished = made.run(f"--text={text}", code=1)
    assert finished.stdout == f"{text!r}\n"
    assert "step 'b', cell 3 failed: ValueError" in finished.stderr
    assert made.run("--help").stdout
    assert made.run(f"--choice={text}", code=1).stdout == f"{text!r}\n"
    assert "--choice" in made.run("--choice=neither", code=2).stderr
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", ["a-b", "naïve.名", "def", "1st", "main", "_"])
def test_step_names_are_written_as_they_are(text: str, tmp_path: Path) -> None:
    made = script(tmp_path, (f"step:{text}", "1 / 0"))
    assert made.run("--list").stdout == f"{text}\n"
    assert f"step {text!r}, cell 1 failed: ZeroDivisionError" in made.run(code=1).stderr


@pytest.mark.parametrize(
    "source", ["1 / 0", "raise SystemExit(0)", "raise KeyboardInterrupt", "import sys; sys.exit()"]
)
def test_a_failed_step_ends_the_script(source: str, tmp_path: Path) -> None:
    made = script(tmp_path, ("step:load", "print('loaded')"), ("step:train", source), ("step:report", "print('no')"))
    finished = made.run(code=1)
    assert finished.stdout == "loaded\n"
    assert "step 'train', cell 2 failed: " in finished.stderr


def test_an_allowed_failure_ends_nothing(tmp_path: Path) -> None:
    made = script(tmp_path, ("step:a raises-exception", 'x = """a\nb"""\n1 / 0\nx = 2'), ("step:b", "x"))
    finished = made.run()
    assert finished.stdout == "'a\\nb'\n"
    assert "ZeroDivisionError" in finished.stderr


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    cell = ("step:a", "import os\nprint(os.environ['API_TOKEN'])")
    made = script(tmp_path, cell, tasks=(plans.task("a", secrets=("API_TOKEN",)),))
    assert "API_TOKEN" in made.run(code=2).stderr
    assert made.run("--list").stdout == "a\n"
    assert made.run(API_TOKEN="quiet").stdout == "quiet\n"
    assert "quiet" not in (tmp_path / "churn.py").read_text()


def test_top_level_await_shares_one_event_loop(tmp_path: Path) -> None:
    made = script(
        tmp_path, ("step:a", "import asyncio\ntask = asyncio.create_task(asyncio.sleep(0, 7))"),
        ("step:b", "await task"),
        ("step:c", "async with asyncio.Lock() as lock:\n    n: int = 1\n[i async for i in _a()] if False else n"),
        ("step:d", "asyncio.run(asyncio.sleep(0))"),
    )  # fmt: skip
    finished = made.run(code=1)
    assert finished.stdout == "7\n1\n"
    assert "step 'd', cell 4 failed: RuntimeError" in finished.stderr


def test_figures_are_saved(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    made = script(
        tmp_path, ("imports", "%matplotlib inline\nimport matplotlib.pyplot as plt"),
        ("step:a", "plt.figure(figsize=(2, 1)); plt.plot([1, 2])\nplt.show()\nprint('after')"),
        ("step:b", "fig, ax = plt.subplots(figsize=(2, 1))\nax.plot([1]);"),
        ("step:c", "print(plt.get_fignums())\nfig"),
    )  # fmt: skip
    text = "<Figure size 200x100 with 1 Axes>\n"
    assert made.run().stdout == f"{text}after\n{text}[]\n{text}"
    assert [path.name for path in sorted((tmp_path / "figures").iterdir())] == [
        "001-cell-2.png", "002-cell-3.png", "003-cell-4.png",
    ]  # fmt: skip


def test_relative_paths_start_at_the_script(tmp_path: Path) -> None:
    made = script(tmp_path, ("step:a", "print(open('data.txt').read())"))
    (tmp_path / "data.txt").write_text("here")
    finished = subprocess.run(
        [sys.executable, tmp_path / made.name], cwd="/", capture_output=True, text=True, check=True, timeout=60
    )
    assert finished.stdout == "here\n"


def test_what_is_left_out_stands_in_the_file() -> None:
    cells = (("step:a", "%timeit 1\n%pip install x\nfrom IPython.display import clear_output\nclear_output()"),)
    plan = notebook_plan(
        *cells, retries=1, run_timeout=1.0, notify=("a",), schedules=(plans.schedule(),), files=("absent.csv",)
    )
    omissions = ScriptExporter().omissions(plan)
    assert len(omissions) == 8
    assert all(f"# - {sentence}\n" in module(plan) for sentence in omissions)
    assert f"# Version digest: {plan.digest}\n" in module(plan)


def test_packages_and_files_of_the_version_stand_beside(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("tools/helper.py", "VALUE = 5\n")
        archive.writestr("outside/up/data.csv", "x")
    packages = {"numpy": "2.1.0", "own": "git+https://example.org/own.git@abc"}
    plan = notebook_plan(
        ("step:a", "from tools.helper import VALUE\nVALUE"), bundle=stream.getvalue(), packages=packages,
        files=("tools/helper.py", "../data.csv"),
    )  # fmt: skip
    files = ScriptExporter().files(plan)
    assert list(files) == ["churn.py", "tools/helper.py", "requirements.txt"]
    requirements = str(files["requirements.txt"]).splitlines()
    assert requirements[-2:] == ["numpy==2.1.0", "own @ git+https://example.org/own.git@abc"]
    assert any("../data.csv" in sentence for sentence in ScriptExporter().omissions(plan))
    assert written(tmp_path, plan).run().stdout == "5\n"


def test_a_file_of_the_script_s_name_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("churn.py", "")
    with pytest.raises(InvalidInputError, match=r"churn\.py"):
        module(notebook_plan(("step:a", "import churn"), bundle=stream.getvalue(), files=("churn.py",)))


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    cells = [("step:first", "values = [0]")]
    cells += [(f"step:step_{n}", f"values.append({n})\nb_{n} = a_{n} = {{'x', 'y'}}") for n in range(1, 40)]
    cells += [("step:last", "len(values)")]
    plan = notebook_plan(*cells)
    assert ScriptExporter().files(plan) == ScriptExporter().files(plan)
    assert "global a_7, b_7\n" in module(plan)
    made = written(tmp_path, plan)
    assert made.run().stdout == "40\n"
    assert len(made.run("--list").stdout.splitlines()) == 41


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0\x0c"), max_size=20), max_size=5)
)
def test_indentation_changes_no_text(lines: list[str]) -> None:
    text = "\n".join(lines).replace("\\", "").replace('"""', "").rstrip('"')
    code = f'if True:\n    x = """{text}"""\ny = f"""{{x}}\n{text.replace("{", "").replace("}", "")}"""'
    plain: dict[str, Any] = {}
    moved: dict[str, Any] = {}
    exec(code, plain)
    exec(f"if True:\n{indented(code)}", moved)
    assert (plain["x"], plain["y"]) == (moved["x"], moved["y"])


NAMES = (
    ("a = b.c = d[0] = 1", "a"), ("[x for x in y]", ""), ("[(z := x) for x in y]", "z"), ("lambda q=(w := 1): q", "w"),
    ("def f(a, b=(c := 1)): d = 1", "c f"), ("class A(B): x = 1", "A"), ("import a.b, c.d as e", "a e"),
    ("from m import x as y, z", "y z"), ("from m import *", ""), ("del a, b.c", "a"), ("for i in x: j = 1", "i j"),
    ("try:\n pass\nexcept E as e:\n pass", "e"), ("with a as (b, *c): pass", "b c"), ("x: int", "x"),
    ("match v:\n case {'a': p, **q}: pass\n case [*r] as s: pass\n case t: pass", "p q r s t"),
    ("async def f(): g = 1", "f"), ("{k: v for k, v in (n := d).items()}", "n"),
)  # fmt: skip


@pytest.mark.parametrize(("source", "names"), NAMES)
def test_bound_names(source: str, names: str) -> None:
    assert bound_names(ast.parse(source)) == set(names.split())


def functions_of(code: Any) -> Iterator[Any]:
    for constant in code.co_consts:
        if hasattr(constant, "co_varnames"):
            yield constant


@pytest.mark.parametrize("sources", [c for _, c in CONSTRUCTS], ids=[name for name, _ in CONSTRUCTS])
def test_functions_of_steps_have_no_local_names(sources: tuple[str, ...]) -> None:
    cells = [(f"step:s{number}", source) for number, source in enumerate(sources)]
    functions = [
        f for f in functions_of(compile(module(notebook_plan(*cells)), "m", "exec")) if f.co_name[:5] == "step_"
    ]
    assert len(functions) == len(sources)
    comprehended = re.findall(r"for (\w+) in", "\n".join(sources)) if sys.version_info >= (3, 12) else []
    assert [name for f in functions for name in (*f.co_varnames, *f.co_cellvars) if name not in comprehended] == []
