"""Transforms IPython syntax to Python, and describes the effects of each magic."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.analysis.depth import too_deep

Body = Literal["code", "text", "args"]


@dataclass(frozen=True)
class Magic:
    """The effects of a magic.

    :param body: its body (of a line magic: its line) is "code" that runs in the namespace, or "text" that doesn't;
        "args": the line is not code, and there is no body.
    :param state: process state it changes.
    :param opaque: it may read and write any name.
    :param history: it reads IPython's history of earlier cells.
    :param outside: it acts on the world: "process", "network".
    :param volatile: it shows or binds values that differ from run to run.
    :param interactive: it waits for input or for a front end.
    """

    body: Body = "args"
    state: frozenset[str] = frozenset()
    opaque: bool = False
    history: bool = False
    outside: str = ""
    volatile: bool = False
    interactive: bool = False


def _state(*names: str) -> Magic:
    return Magic(state=frozenset(names))


OPAQUE = Magic(opaque=True)
HISTORY = Magic(history=True, opaque=True)
TEXT = Magic(body="text")
SHELL = Magic(body="text", outside="process")

LINE_MAGICS: dict[str, Magic] = {
    "matplotlib": _state("shell"),
    "config": _state("shell"),
    "precision": _state("shell"),
    "pprint": _state("shell"),
    "xmode": _state("shell"),
    "colors": _state("shell"),
    "autocall": _state("shell"),
    "automagic": _state("shell"),
    "load_ext": _state("extensions"),
    "reload_ext": _state("extensions"),
    "unload_ext": _state("extensions"),
    "autoreload": _state("extensions"),
    "aimport": _state("extensions"),
    "env": _state("environ"),
    "set_env": _state("environ"),
    "cd": _state("cwd"),
    "pushd": _state("cwd"),
    "popd": _state("cwd"),
    "pwd": Magic(),
    "time": Magic(body="code"),
    "timeit": Magic(body="code"),
    "prun": Magic(body="code", volatile=True),
    "memit": Magic(body="code", volatile=True),
    "mprun": Magic(body="code", volatile=True),
    "pip": Magic(outside="network"),
    "conda": Magic(outside="network"),
    "mamba": Magic(outside="network"),
    "uv": Magic(outside="network"),
    "sx": SHELL,
    "system": SHELL,
    "sc": SHELL,
    "logstart": OPAQUE,
    "pylab": OPAQUE,
    "gui": Magic(interactive=True),
    "debug": Magic(interactive=True, opaque=True),
    "pdb": Magic(interactive=True),
    "history": HISTORY,
    "recall": HISTORY,
    "rep": HISTORY,
    "rerun": HISTORY,
    "macro": HISTORY,
    "save": HISTORY,
    "notebook": HISTORY,
    "pastebin": HISTORY,
    "lsmagic": Magic(),
    "quickref": Magic(),
    "alias": Magic(),
    "pinfo": Magic(body="code"),
    "pinfo2": Magic(body="code"),
    "pdoc": Magic(body="code"),
    "psource": Magic(body="code"),
}
CELL_MAGICS: dict[str, Magic] = {
    "time": Magic(body="code"),
    "timeit": Magic(body="code"),
    "prun": Magic(body="code", volatile=True),
    "memit": Magic(body="code", volatile=True),
    "capture": Magic(body="code"),
    "bash": SHELL,
    "sh": SHELL,
    "script": SHELL,
    "system": SHELL,
    "sx": SHELL,
    "!": SHELL,
    "perl": SHELL,
    "ruby": SHELL,
    "python": SHELL,
    "python3": SHELL,
    "pypy": SHELL,
    "html": TEXT,
    "HTML": TEXT,
    "svg": TEXT,
    "SVG": TEXT,
    "javascript": TEXT,
    "js": TEXT,
    "latex": TEXT,
    "markdown": TEXT,
    "writefile": TEXT,
    "file": TEXT,
}


MAGIC_METHODS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput", "getoutputs"})


def find_magic(name: str, *, cell: bool) -> Magic:
    """The effects of a magic. An unknown one may have any effect."""
    return (CELL_MAGICS if cell else LINE_MAGICS).get(name, OPAQUE)


def to_python(source: str) -> str:
    """The cell as Python. Raises SyntaxError, with the line in the cell, if it is neither Python nor IPython."""
    if not _has_magic(source):
        return source
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(source))


def _has_magic(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return True
    except (RecursionError, MemoryError):
        raise too_deep() from None
    return False


@dataclass(frozen=True)
class Use:
    """A use of a magic or of the shell in a cell: `name` is "!" for the shell."""

    name: str
    line: str
    body: str
    cell: bool

    @property
    def magic(self) -> Magic:
        return SHELL if self.name == "!" else find_magic(self.name, cell=self.cell)

    @property
    def code(self) -> str:
        """The part that runs in the namespace."""
        if self.magic.body != "code":
            return ""
        if self.cell:
            return f"{_without_options(self.line)}\n{self.body}" if self.name == "timeit" else self.body
        return _without_options(self.line).rstrip("?")


def _without_options(line: str) -> str:
    words = line.split()
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-n", "-r", "-s", "-l", "-T", "-D", "-f") and words:
            words.pop(0)
    return " ".join(words) if line.strip().startswith("-") else line.strip()


def is_magic_call(node: ast.AST) -> bool:
    """Whether this is `get_ipython().run_line_magic(...)` or a similar call that IPython's transformer writes for
    magics.
    """
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAGIC_METHODS):
        return False
    receiver = node.func.value
    return isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Name) and receiver.func.id == "get_ipython"


def find_use(call: ast.Call) -> Use | None:
    """The magic that a call in the transformed code represents, or None."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call)):
        return None
    callee = function.value.func
    if not (isinstance(callee, ast.Name) and callee.id == "get_ipython"):
        return None
    words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if len(words) != len(call.args):
        return None
    if function.attr in ("system", "getoutput", "getoutputs") and len(words) == 1:
        return Use("!", words[0], "", cell=False)
    if function.attr == "run_line_magic" and len(words) >= 2:
        return Use(words[0], words[1], "", cell=False)
    if function.attr == "run_cell_magic" and len(words) == 3:
        return Use(words[0], words[1], words[2], cell=True)
    return None
