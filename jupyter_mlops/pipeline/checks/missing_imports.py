"""Imports that are not installed in the kernel's environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.guards import guarded_imports
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


def imported_modules(context: Context) -> frozenset[str]:
    """The dotted modules that a notebook imports and that are not beside it: those to look for in the kernel."""
    modules = {module for cell in context.cells for module in _modules(cell.tree)}
    local_modules = _local_modules(context)
    return frozenset(module for module in modules if _top_level(module) not in local_modules)


@rule("missing_imports")
def missing_imports(context: Context) -> Iterator[Finding]:
    """A cell fails if the kernel can't find a module that it imports."""
    missing_modules = context.kernel.modules_missing if context.kernel else None
    if not missing_modules:
        return
    local_modules = _local_modules(context)
    reported_names: set[str] = set()
    for cell in context.cells:
        for module in _modules(cell.tree):
            missing_name = next((name for name in _prefixes(module) if name in missing_modules), None)
            if missing_name and missing_name not in reported_names and _top_level(module) not in local_modules:
                reported_names.add(missing_name)
                yield _finding(context, cell, missing_name)


@lru_cache(CACHE_SIZE)
def _modules(tree: ast.Module) -> tuple[str, ...]:
    """The imports of a cell, including those in functions, without relative imports."""
    modules: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
    return tuple(modules)


def _finding(context: Context, cell: CodeCell, module: str) -> Finding:
    kernel = f"the kernel {context.kernel.name}" if context.kernel and context.kernel.name else "the kernel"
    package = _top_level(module)
    optional = _is_guarded(cell, package)
    return Finding(
        "missing_imports",
        "info" if optional else "error",
        cell.index,
        f"Cell {cell.index + 1} imports `{module}`, which {kernel} can't find"
        + (" (the cell handles that)." if optional else "."),
        f"Install it in the kernel's environment: `pip install {_DISTRIBUTIONS.get(package, package)}`"
        + (", or remove the import." if not optional else ", if you need it."),
    )


def _local_modules(context: Context) -> frozenset[str]:
    return context.beside | _written_modules(context.cells)


def _written_modules(cells: tuple[CodeCell, ...]) -> frozenset[str]:
    first_lines = (cell.source.lstrip().split("\n", 1)[0].split() for cell in cells)
    names = (line[-1] for line in first_lines if line and line[0] in ("%%writefile", "%%file"))
    return frozenset(name.rsplit("/", 1)[-1].removesuffix(".py") for name in names if name.endswith(".py"))


def _is_guarded(cell: CodeCell, package: str) -> bool:
    """Whether the cell handles the absence of the module wherever it imports it."""
    import_ids = {id(node) for node in ast.walk(cell.tree) if _imports(node, package)}
    return bool(import_ids) and import_ids <= guarded_imports(cell.tree)


def _imports(node: ast.AST, package: str) -> bool:
    if isinstance(node, ast.Import):
        return any(_top_level(alias.name) == package for alias in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and _top_level(node.module or "") == package


def _prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def _top_level(module: str) -> str:
    return module.split(".", 1)[0]
