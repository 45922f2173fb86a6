"""Imports that the kernel's environment does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import TREES
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule

_DISTRIBUTIONS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "GitPython",
    "igraph": "python-igraph",
    "jose": "python-jose",
    "mpl_toolkits": "matplotlib",
    "osgeo": "gdal",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "usb": "pyusb",
    "yaml": "pyyaml",
}


def imported(context: Context) -> frozenset[str]:
    """The dotted modules a notebook imports and that do not lie beside it: what to ask the kernel about."""
    named = {module for cell in context.cells for module in _modules(cell.tree)}
    local = _local(context)
    return frozenset(module for module in named if _top(module) not in local)


@rule("missing_imports")
def missing_imports(context: Context) -> Iterator[Finding]:
    """A module that the kernel can't find stops the cell that imports it."""
    missing = context.kernel.modules_missing if context.kernel else None
    if not missing:
        return
    local = _local(context)
    said: set[str] = set()
    for cell in context.cells:
        for module in _modules(cell.tree):
            absent = next((name for name in _prefixes(module) if name in missing), None)
            if absent and absent not in said and _top(module) not in local:
                said.add(absent)
                yield _finding(context, cell, absent)


@lru_cache(TREES)
def _modules(tree: ast.Module) -> tuple[str, ...]:
    """What a cell imports, in functions too; relative imports left out."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return tuple(found)


def _finding(context: Context, cell: CodeCell, module: str) -> Finding:
    kernel = f"the kernel {context.kernel.name}" if context.kernel and context.kernel.name else "the kernel"
    top = _top(module)
    optional = _is_guarded(cell, top)
    return Finding(
        "missing_imports",
        "info" if optional else "error",
        cell.index,
        f"Cell {cell.index + 1} imports `{module}`, which {kernel} can't find"
        + (" (the cell is prepared for that)." if optional else "."),
        f"Install it in the kernel's environment: `pip install {_DISTRIBUTIONS.get(top, top)}`"
        + (", or remove the import." if not optional else ", if you want what it gives."),
    )


def _local(context: Context) -> frozenset[str]:
    return context.beside | _written_by_cells(context.cells)


def _written_by_cells(cells: tuple[CodeCell, ...]) -> frozenset[str]:
    first_lines = (cell.source.lstrip().split("\n", 1)[0].split() for cell in cells)
    names = (line[-1] for line in first_lines if line and line[0] in ("%%writefile", "%%file"))
    return frozenset(name.rsplit("/", 1)[-1].removesuffix(".py") for name in names if name.endswith(".py"))


def _is_guarded(cell: CodeCell, top: str) -> bool:
    """Whether each import of it stands in a `try` that catches the failure."""
    everywhere = sum(_imports(node, top) for node in ast.walk(cell.tree))
    tries = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Try) and _catches_import(node)]
    inside = {id(node) for t in tries for body in t.body for node in ast.walk(body) if _imports(node, top)}
    return 0 < everywhere == len(inside)


def _imports(node: ast.AST, top: str) -> bool:
    if isinstance(node, ast.Import):
        return any(_top(alias.name) == top for alias in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and _top(node.module or "") == top


def _catches_import(node: ast.Try) -> bool:
    caught = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    for handler in node.handlers:
        named = handler.type
        kinds = named.elts if isinstance(named, ast.Tuple) else [named]
        if any(kind is None or (isinstance(kind, ast.Name) and kind.id in caught) for kind in kinds):
            return True
    return False


def _prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def _top(module: str) -> str:
    return module.split(".", 1)[0]
