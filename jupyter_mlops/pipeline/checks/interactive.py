"""Code that waits for a person, or draws for one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.calls import calls, magics
from jupyter_mlops.pipeline.checks.finding import Finding, Severity
from jupyter_mlops.pipeline.checks.rule import Context, rule

_INPUT_FIX = "Use a parameter, so that the answer is set before the run."
_DEBUGGER_FIX = "Remove it; a failed run keeps the traceback and everything up to it."
_WINDOW_FIX = "Remove it or use `%matplotlib inline`: the figure is then in the executed notebook."

_CALLS: dict[str, tuple[Severity, str, str]] = {
    "input": ("error", "waits for an answer", _INPUT_FIX),
    "raw_input": ("error", "waits for an answer", _INPUT_FIX),
    "getpass.getpass": ("error", "waits for a password", "Read it from the environment or from a secret of the step."),
    "getpass.fallback_getpass": ("error", "waits for a password", "Read it from the environment."),
    "breakpoint": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "pdb.set_trace": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "pdb.run": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "pdb.post_mortem": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "pdb.pm": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "ipdb.set_trace": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "IPython.core.debugger.set_trace": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "IPython.embed": ("error", "opens a shell and waits", _DEBUGGER_FIX),
    "code.interact": ("error", "opens a shell and waits", _DEBUGGER_FIX),
    "google.colab.files.upload": ("error", "waits for a person to choose a file", "Read the file by its path."),
    "ipywidgets.interact": ("info", "only shows its first value without a person", "Nothing, if that value is right."),
    "ipywidgets.interactive": ("info", "only shows its first value without a person", "Nothing, if that is right."),
    "webbrowser.open": ("warning", "opens a browser that no one sees", "Remove it."),
}
_MAGICS: dict[str, tuple[Severity, str, str]] = {
    "debug": ("error", "opens the debugger and waits", _DEBUGGER_FIX),
    "pdb": ("error", "makes the first error open the debugger and wait", _DEBUGGER_FIX),
    "edit": ("error", "opens an editor and waits", "Put the code into the cell."),
    "ed": ("error", "opens an editor and waits", "Put the code into the cell."),
    "gui": ("warning", "starts the event loop of a window that no one sees", "Remove it."),
    "qtconsole": ("warning", "opens a window that no one sees", "Remove it."),
    "connect_info": ("info", "shows how to connect to a kernel that ends with the run", "Remove it."),
    "pinfo": ("info", "opens help that does not appear in the output", "Remove it, or use `help(…)`."),
    "pinfo2": ("info", "opens help that does not appear in the output", "Remove it, or use `help(…)`."),
    "load": ("warning", "puts code into the cell but does not run it", "Put the code into the cell."),
    "recall": ("warning", "puts code into the next cell but does not run it", "Put the code into the cell."),
}
_WIDGETS = frozenset({"notebook", "nbagg", "widget", "ipympl"})
_WINDOWS = frozenset({"gtk", "gtk3", "gtk4", "osx", "qt", "qt4", "qt5", "qt6", "tk", "wx", "auto"})
_BACKENDS = frozenset({"tkagg", "qtagg", "qt5agg", "qt4agg", "wxagg", "macosx", "gtk3agg", "gtk4agg"})


@rule("interactive")
def interactive(context: Context) -> Iterator[Finding]:
    """A headless run has no person: code that waits for input waits forever."""
    modules: dict[str, str] = {}
    bound_names: set[str] = set()
    for cell in context.cells:
        modules.update(cell.access.modules)
        bound_names |= cell.access.binds - frozenset(cell.access.modules)
        for name, call in calls(cell.tree, modules):
            if name in _CALLS and name not in bound_names:
                yield _finding(cell.index, f"{name}()", *_CALLS[name])
            elif name in ("matplotlib.use", "matplotlib.pyplot.switch_backend"):
                yield from _backend_findings(cell.index, name, call)
        for name, arguments in magics(cell.tree):
            if name in _MAGICS and not (name == "pdb" and arguments.strip() in ("off", "0")):
                yield _finding(cell.index, f"%{name}", *_MAGICS[name])
            elif name == "matplotlib":
                yield from _matplotlib_findings(cell.index, arguments)


def _matplotlib_findings(cell: int, arguments: str) -> Iterator[Finding]:
    backends = set(arguments.lower().split())
    if backends & _WIDGETS:
        backend = f"%matplotlib {arguments.strip()}"
        yield _finding(cell, backend, "error", "draws figures that need a browser to appear", _WINDOW_FIX)
    elif backends & _WINDOWS or not backends:
        yield _finding(
            cell, f"%matplotlib {arguments}".strip(), "error", "opens windows, and there is no screen", _WINDOW_FIX
        )


def _backend_findings(cell: int, name: str, call: ast.Call) -> Iterator[Finding]:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and str(first.value).lower() in _BACKENDS:
        yield _finding(cell, f"{name}({first.value!r})", "error", "opens windows, and there is no screen", _WINDOW_FIX)


def _finding(cell: int, code: str, severity: Severity, problem: str, fix: str) -> Finding:
    return Finding("interactive", severity, cell, f"Cell {cell + 1}: `{code}` {problem}.", fix)
