"""IPython's syntax as plain Python, and what its magics stand for."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.analysis.magics import Use, find_magic, find_use, to_python

PYTHON = ["x = 1", "x = a % b\n", "print('!ls')", "'%time'", "# %time\nx", "a = 5 %b", "", "@deco\ndef f(): ..."]
IPYTHON = {
    "line magic": ("%time f(x)", Use("time", "f(x)", "", cell=False)),
    "assigned": ("t = %timeit -o f(x)", Use("timeit", "-o f(x)", "", cell=False)),
    "cell magic": ("%%bash -e\nls\n", Use("bash", "-e", "ls\n", cell=True)),
    "shell": ("!ls {x}", Use("!", "ls {x}", "", cell=False)),
    "shell assigned": ("files = !ls", Use("!", "ls", "", cell=False)),
    "help": ("f?", Use("pinfo", "f", "", cell=False)),
    "indented": ("if x:\n    %cd y", Use("cd", "y", "", cell=False)),
}
CODE = {
    "time": ("%time f(x)", "f(x)"),
    "timeit with options": ("%timeit -n 3 -r 2 f(x)", "f(x)"),
    "timed cell": ("%%time\na = f(x)", "a = f(x)"),
    "timeit cell with its set-up": ("%%timeit y = 1\nf(y)", "y = 1\nf(y)"),
    "no code": ("%cd x", ""),
    "text": ("%%html\n<b>x</b>", ""),
}


def uses(source: str) -> list[Use]:
    calls = (node for node in ast.walk(ast.parse(to_python(source))) if isinstance(node, ast.Call))
    return [use for call in calls if (use := find_use(call))]


@pytest.mark.parametrize("source", PYTHON)
def test_python_is_left_as_it_is(source: str) -> None:
    assert to_python(source) == source
    assert not uses(source)


@pytest.mark.parametrize(("source", "use"), IPYTHON.values(), ids=IPYTHON.keys())
def test_uses(source: str, use: Use) -> None:
    assert uses(source) == [use]


@pytest.mark.parametrize(("source", "code"), CODE.values(), ids=CODE.keys())
def test_the_code_inside(source: str, code: str) -> None:
    assert uses(source)[0].code.strip() == code


def test_an_unknown_magic_may_do_anything() -> None:
    assert find_magic("frobnicate", cell=False).opaque
    assert find_magic("frobnicate", cell=True).opaque
    assert not find_magic("time", cell=True).opaque


def test_an_ordinary_call_is_no_magic() -> None:
    assert not uses("shell.run_line_magic('time', 'x')")
    assert not uses("get_ipython().run_line_magic(name, 'x')")


@pytest.mark.parametrize("source", ["x = = 1", "%%time\nx = = 1\n%foo", "if x:\n%cd y\n  z"])
def test_what_is_neither_is_a_syntax_error_somewhere(source: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse("\n".join(use.code for use in uses(source)))
