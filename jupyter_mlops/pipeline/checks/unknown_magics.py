"""Magics that neither IPython nor the notebook provides."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE, dotted
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.guards import NAME_ERRORS, guarded_calls
from jupyter_mlops.pipeline.checks.rule import Context, rule

# What ipykernel's shell lists, IPython 8 and 9 together.
LINE_MAGICS = frozenset(
    "alias alias_magic autoawait autocall automagic autosave bookmark cat cd clear code_wrap colors conda config "
    "connect_info cp debug dhist dirs doctest_mode ed edit env gui hist history killbgscripts ldir less lf lk ll load "
    "load_ext loadpy logoff logon logstart logstate logstop ls lsmagic lx macro magic mamba man matplotlib micromamba "
    "mkdir more mv notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch "
    "psource pushd pwd pycat pylab qtconsole quickref recall rehashx reload_ext rep rerun reset reset_selective rm "
    "rmdir run save sc set_env store subshell sx system tb time timeit unalias unload_ext uv who who_ls whos xdel "
    "xmode".split()
)
CELL_MAGICS = frozenset(
    "! HTML SVG bash capture code_wrap cmd debug file html javascript js latex markdown perl prun pypy python python2 "
    "python3 ruby script sh svg sx system time timeit writefile".split()
)
EXTENSIONS = {
    "autoreload": "autoreload", "aimport": "autoreload", "memit": "memory_profiler", "mprun": "memory_profiler",
    "lprun": "line_profiler", "sql": "sql", "sqlplot": "sql", "cython": "Cython", "R": "rpy2.ipython",
    "Rpush": "rpy2.ipython", "Rpull": "rpy2.ipython", "bigquery": "google.cloud.bigquery",
    "tensorboard": "tensorboard", "watermark": "watermark", "dot": "gvmagic", "ipytest": "ipytest",
    "snakeviz": "snakeviz", "heat": "heat", "black": "jupyter_black", "nb_black": "nb_black", "ai": "jupyter_ai_magics",
    "dotenv": "dotenv", "cudf": "cudf.pandas", "scalene": "scalene", "barcode": "ipython_extension",
    "load_cpp": "cppmagic", "fortran": "fortranmagic", "octave": "oct2py.ipython", "julia": "julia.magic",
    "manim": "manim", "px": "ipyparallel", "autopx": "ipyparallel", "pyinstrument": "pyinstrument", "ipytex": "ipytex",
}  # fmt: skip
DATABRICKS = frozenset("sql scala r R fs sh md md-sandbox python pip run".split()) - LINE_MAGICS - CELL_MAGICS
_REGISTERS = re.compile(r"(?:.*\.)?(?:register_(?:line|cell|line_cell)_magic|needs_local_scope|magics_class)")
_DYNAMIC_REGISTRATION = re.compile(
    r"(?:.*\.)?(?:register_magics|register_magic_function|load_ext|load_extension|magics_manager.*)"
)


@rule("unknown_magics")
def unknown_magics(context: Context) -> Iterator[Finding]:
    """A kernel reports `UsageError: Line magic function ... not found.`, and the run fails.

    A magic that this cell or an earlier one registers is not reported, nor is any magic below a loaded extension, which
    may provide it (autoreload provides two).
    """
    registered_names: set[str] = set()
    has_unknown_magics = False
    for cell in context.cells:
        registered_names |= _registered_magics(cell.tree)
        has_unknown_magics = has_unknown_magics or _loads_magics(cell.tree)
        for name, is_cell in _magic_uses(cell.tree):
            builtin_magics = CELL_MAGICS if is_cell else LINE_MAGICS
            if (
                name
                and name not in builtin_magics | registered_names
                and not has_unknown_magics
                and "raises-exception" not in cell.tags
            ):
                yield _finding(cell, name, is_cell, _imported_modules(context.cells, cell.index))


@lru_cache(CACHE_SIZE)
def _magic_uses(tree: ast.Module) -> tuple[tuple[str, bool], ...]:
    """Each magic whose failure is not caught, once: its name, and whether it is a cell magic."""
    uses = []
    guarded_ids = guarded_calls(tree, NAME_ERRORS)
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=owner), attr="run_line_magic" | "run_cell_magic" as kind),
                args=[ast.Constant(value=str(name)), *_],
            ) if dotted(owner).endswith("get_ipython") and id(node) not in guarded_ids:
                uses.append((name, kind == "run_cell_magic"))
    return tuple(dict.fromkeys(uses))


@lru_cache(CACHE_SIZE)
def _registered_magics(tree: ast.Module) -> frozenset[str]:
    """Names of the functions that a cell registers as magics, with decorators, and aliases."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if _is_registering(call.func if call else decorator):
                    first = call.args[0] if call and call.args else None
                    magic_name = first.value if isinstance(first, ast.Constant) else node.name
                    names.add(str(magic_name))
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic"),
                args=[ast.Constant(value="alias_magic" | "alias" | "macro"), ast.Constant(value=str(line))],
            ):
                words = [word for word in line.split() if not word.startswith("-")]
                names |= set(words[:1])
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic"),
                args=[ast.Constant(value="load_ext" | "reload_ext"), ast.Constant(value=str(line))],
            ) if line.strip() == "autoreload":
                names |= {"autoreload", "aimport"}
    return frozenset(names)


def _is_registering(node: ast.expr) -> bool:
    name = dotted(node).rsplit(".", 1)[-1]
    return _REGISTERS.fullmatch(name) is not None or name in ("line_magic", "cell_magic", "line_cell_magic")


@lru_cache(CACHE_SIZE)
def _loads_magics(tree: ast.Module) -> bool:
    """Whether a cell may register magics whose names it does not contain."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="run_line_magic"), args=[ast.Constant(value=str(name)), *rest]):
                line = rest[0].value if rest and isinstance(rest[0], ast.Constant) else ""
                if name == "run" or (name in ("load_ext", "reload_ext") and str(line).strip() != "autoreload"):
                    return True
            case ast.Call(func=function) if _DYNAMIC_REGISTRATION.fullmatch(
                dotted(function) or getattr(function, "attr", "")
            ):
                return True
    return False


def _imported_modules(cells: tuple[CodeCell, ...], until: int) -> frozenset[str]:
    """Top-level modules that cells up to this one import, because some register magics on import."""
    modules = (module for cell in cells if cell.index <= until for module in cell.access.imports)
    return frozenset(module.split(".")[0] for module in modules)


def _finding(cell: CodeCell, name: str, is_cell: bool, imports: frozenset[str]) -> Finding:
    magic = f"{'%%' if is_cell else '%'}{name}"
    extension = EXTENSIONS.get(name, "")
    by_import = bool(extension) and extension.split(".")[0] in imports
    return Finding(
        "unknown_magics",
        "warning" if by_import else "error",
        cell.index,
        f"Cell {cell.index + 1} uses `{magic}`, a magic that IPython does not have and that no cell above "
        + ("loads by name (an import may register it)." if by_import else "loads or registers."),
        _fix(name, is_cell, extension),
    )


def _fix(name: str, is_cell: bool, extension: str) -> str:
    if name in DATABRICKS:
        load = f"; elsewhere, load an extension that provides it (`%load_ext {extension}`)" if extension else ""
        return f"Databricks has it. Tag the cell `skip`, or write it in Python{load}."
    if extension:
        return f"Load the extension in a cell above: `%load_ext {extension}`."
    matches = difflib.get_close_matches(name, sorted(CELL_MAGICS if is_cell else LINE_MAGICS), 1, cutoff=0.75)
    hint = f"Did you mean `{'%%' if is_cell else '%'}{matches[0]}`? " if matches else ""
    return f"{hint}Load the extension that provides it in a cell above (`%load_ext NAME`), or tag the cell `skip`."
