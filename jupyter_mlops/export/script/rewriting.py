"""What must be written otherwise so that code at the top of a cell does the same in a function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import NoReturn

from jupyter_mlops.analysis.magics import find_use, is_magic_call
from jupyter_mlops.export.quoting import python
from jupyter_mlops.export.script.edits import Edits
from jupyter_mlops.export.script.magics import line_magic
from jupyter_mlops.export.script.refusal import refuse
from jupyter_mlops.export.script.runtime import Runtime

DISPLAY_MODULES = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions"})
OWN = frozenset({"display", "clear_output"})
SHELL_NAMES = frozenset({"get_ipython"})
REFUSED_NAMES = frozenset({"update_display", "publish_display_data", "display_id", "__annotations__"})
SETTINGS = frozenset({
    "warnings.filterwarnings", "warnings.simplefilter",
    "pd.set_option", "np.set_printoptions", "np.random.seed", "random.seed", "sns.set_theme", "sns.set_style",
    "plt.style.use", "logging.basicConfig",
})  # fmt: skip
NOTHING = SETTINGS | {"print", "display", "clear_output", "plt.show", "pyplot.show"}
LOCAL = {"locals": "globals()", "vars": "globals()", "dir": "sorted(globals())"}
RUN = frozenset({"exec", "eval"})
CLEARS = "clear_output clears nothing, since what a script has printed stays"


class Rewriting(ast.NodeVisitor):
    """Collects the edits of one cell.

    :param at_top: whether the code is at the top of the script, and not in a function.
    :ivar parts: of the runtime that the edited code uses.
    :ivar modules: packages that it imports.
    :ivar notes: what it does without.
    :ivar statements: those at the top of the cell.
    :ivar silent: statements that are left out, and show nothing.
    """

    def __init__(self, index: int, edits: Edits, runtime: Runtime, *, at_top: bool = False) -> None:
        self.index = index
        self.edits = edits
        self.at_top = at_top
        self.runtime = runtime
        self.parts: set[str] = set()
        self.modules: set[str] = set()
        self.notes: list[str] = []
        self.silent: list[ast.stmt] = []
        self.depth = 0  # of functions, lambdas, classes and comprehensions
        self.functions = 0
        self.in_text = False
        self.statements: list[ast.stmt] = []

    def gives_none(self, value: ast.expr) -> bool:
        """Whether an expression has no value that IPython shows."""
        if isinstance(value, ast.Constant) and value.value is None:
            return True
        return isinstance(value, ast.Call) and ast.unparse(value.func) in NOTHING

    def visit_Module(self, node: ast.Module) -> None:
        self.statements = node.body
        self.generic_visit(node)

    # -- scopes

    def generic_visit(self, node: ast.AST) -> None:
        scopes = (
            ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp,
            ast.GeneratorExp,
        )  # fmt: skip
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        self.depth += isinstance(node, scopes)
        self.functions += isinstance(node, functions)
        super().generic_visit(node)
        self.depth -= isinstance(node, scopes)
        self.functions -= isinstance(node, functions)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        outer, self.in_text = self.in_text, True
        self.generic_visit(node)
        self.in_text = outer

    # -- statements

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self.at_top or self.depth or not node.simple or not isinstance(node.target, ast.Name):
            self.generic_visit(node)
            return
        if node.value is None:
            self._replace(node, "pass")
            return
        target, annotation = self.edits.span(node.target), self.edits.span(node.annotation)
        between = self.edits.text[annotation[1] : self.edits.span(node.value)[0]]
        if not re.match(r"\s*=", between):
            self._refuse("the annotation of a variable in parentheses")
        self._edit(target[1], annotation[1], "")
        self.visit(node.value)

    def visit_Global(self, node: ast.Global) -> None:
        if not self.depth and not self.at_top:
            self._replace(node, "pass")

    def visit_Import(self, node: ast.Import) -> None:
        self._import(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self._import([module])
        names = [alias.name for alias in node.names]
        if module == "__future__":
            self._future(node, names)
        elif names == ["*"] and not self.depth and not self.at_top:
            statement = f"from {'.' * node.level}{module} import *"
            self._replace(node, f"exec({python(statement)}, globals())")
        elif module in DISPLAY_MODULES and not node.level and not OWN.isdisjoint(names):
            self._display_import(node, module)
        for name in sorted({*names} & (REFUSED_NAMES | SHELL_NAMES)):
            self._refuse(f"the cell uses `{name}`")

    def _future(self, node: ast.ImportFrom, names: list[str]) -> None:
        if "annotations" in names or "barry_as_FLUFL" in names:
            self._refuse(f"`from __future__ import {', '.join(names)}` in a cell")
        self._replace(node, "pass")

    def _display_import(self, node: ast.ImportFrom, module: str) -> None:
        """IPython's display prints texts otherwise than a notebook shows them."""
        others = [alias for alias in node.names if alias.name not in OWN]
        lines = [f"from {module} import {', '.join(map(ast.unparse, others))}"] if others else []
        for alias in node.names:
            if alias.name in OWN:
                self._own(alias.name)
                if alias.asname:
                    lines.append(f"{alias.asname} = {alias.name}")
                elif self.depth:
                    self._refuse(f"the import of `{alias.name}` in a function")
        self._replace(node, "; ".join(lines) or "pass")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and is_magic_call(node.value):
            expression = self._magic(node.value)
            if not expression:
                use = find_use(node.value)
                title = "" if use is None else f"# %{use.name} {use.line}".rstrip()
                self._replace(node, title if node in self.statements else f"pass  {title}")
                self.silent.append(node)
                return
        self.generic_visit(node)

    # -- expressions

    def visit_Call(self, node: ast.Call) -> None:
        if is_magic_call(node):
            expression = self._magic(node)
            if not expression:
                use = find_use(node)
                self._refuse(f"the value of %{use.name if use else ''}")
            self._replace(node, expression)
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        plain = not node.keywords and not any(isinstance(argument, ast.Starred) for argument in node.args)
        if not self.depth and plain and name in LOCAL and not node.args:
            self._replace(node, LOCAL[name])
            return
        if not self.depth and plain and name in RUN and len(node.args) == 1:
            end = self.edits.span(node)[1] - 1
            comma = "" if self.edits.text[self.edits.span(node.args[0])[1] : end].strip().endswith(",") else ", "
            self._edit(end, end, f"{comma}globals()")
        if any(keyword.arg == "display_id" for keyword in node.keywords):
            self._refuse("a display that is updated later")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in SHELL_NAMES | REFUSED_NAMES:
            self._refuse(f"the cell uses `{node.id}`")
        if node.id in OWN and isinstance(node.ctx, ast.Load):
            self._own(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in (SHELL_NAMES | REFUSED_NAMES) - {"__annotations__"}:
            self._refuse(f"the cell uses `{node.attr}`")
        if ast.unparse(node) in ("IPython.display.display", "IPython.display.clear_output"):
            self._replace(node, node.attr)
            self._own(node.attr)
            return
        self.generic_visit(node)

    def _magic(self, node: ast.Call) -> str:
        """Python for a magic, "" if a script does without it."""
        use = find_use(node)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        namespace = "{**globals(), **locals()}" if self.functions else "globals()"
        translation = None if use is None or use.cell else line_magic(use, method, self.runtime, namespace)
        if use is None or translation is None:
            sign = "" if use is None or use.name == "!" else "%"
            self._refuse(f"the cell uses {sign}{use.name} {use.line}".rstrip() if use else "the cell calls a magic")
        self.parts |= translation.parts
        if translation.note:
            self.notes.append(translation.note)
        return translation.expression

    def _own(self, name: str) -> None:
        self.parts.add(name)
        if name == "clear_output":
            self.notes.append(CLEARS)

    def _import(self, modules: Iterable[str]) -> None:
        roots = {module.partition(".")[0] for module in modules}
        self.modules |= roots
        if not roots.isdisjoint({"matplotlib", "seaborn", "pylab"}):
            self.parts.add("figures")

    # -- edits

    def _replace(self, node: ast.AST, text: str) -> None:
        self._edit(*self.edits.span(node), text)

    def _edit(self, start: int, end: int, text: str) -> None:
        if self.in_text:  # before Python 3.12, places in f-strings are not those of the text
            self._refuse("a call of `locals`, `vars`, `dir`, `exec`, `eval` or of a magic in an f-string")
        self.edits.replace(start, end, text)

    def _refuse(self, reason: str) -> NoReturn:
        refuse(self.index, reason)
