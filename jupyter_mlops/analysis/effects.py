"""The effects of a cell outside the user namespace, as far as its text shows."""

from __future__ import annotations

import ast
import contextlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from jupyter_mlops.analysis.access import Effects
from jupyter_mlops.analysis.effect_visitor import EffectVisitor
from jupyter_mlops.analysis.magics import find_use, to_python
from jupyter_mlops.analysis.seeds import initial_seeds
from jupyter_mlops.analysis.stopwatch import stopwatch
from jupyter_mlops.analysis.volatility import VolatilityKind

WORD = re.compile(r"[^\W\d]\w*")


def effects(source: str, modules: Mapping[str, str] | None = None) -> Effects:
    """The effects of one cell. Raises SyntaxError if the cell can't be parsed.

    :param modules: names bound by imports of earlier cells -> their dotted modules.
    """
    tree = ast.parse(to_python(source))
    visitor = EffectVisitor(dict(modules or {}))
    visitor.add_imports(tree)
    visitor.seeds = initial_seeds(tree.body, visitor.dotted)
    for statement in tree.body:
        visitor.visit(statement)
    return visitor.result()


def definition_effects(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """The possible effects of a call of each function and class that a cell defines at its top level."""
    effects_by_name = {}
    for statement in ast.parse(to_python(source)).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            visitor = EffectVisitor(dict(modules))
            visitor.add_imports(statement)
            visitor.visit(statement)
            call_effects = visitor.result()
            names = stopwatch([ast.Module([statement], [])], visitor.dotted) if call_effects.volatile else None
            effects_by_name[statement.name] = call_effects if names is None else without_clock(call_effects, names)
    return effects_by_name


def cell_effects(source: str, modules: Mapping[str, str]) -> Effects:
    """`effects`, cached for recent texts."""
    return _cached_effects(source, _mentioned_modules(source, modules))


def cell_definitions(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """`effects_of_definitions`, cached for recent texts."""
    return _cached_definitions(source, _mentioned_modules(source, modules))


@lru_cache(maxsize=4096)
def _cached_effects(source: str, modules: tuple[tuple[str, str], ...]) -> Effects:
    return effects(source, dict(modules))


@lru_cache(maxsize=4096)
def _cached_definitions(source: str, modules: tuple[tuple[str, str], ...]) -> dict[str, Effects]:
    return definition_effects(source, dict(modules))


def _mentioned_modules(source: str, modules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The modules that a text names; its effects depend on no others."""
    return tuple((name, modules[name]) for name in _identifiers(source) if name in modules)


@lru_cache(maxsize=4096)
def _identifiers(source: str) -> tuple[str, ...]:
    text = source if source.isascii() else unicodedata.normalize("NFKC", source)  # as Python does with names
    return tuple(dict.fromkeys(("get_ipython", *WORD.findall(text))))


def stopwatch_names(sources: Iterable[str], modules: Mapping[str, str]) -> frozenset[str] | None:
    """Names of clock readings, if these cells read the clock only to print durations; otherwise None.

    :param modules: names bound by imports of these cells and earlier ones -> their dotted modules.
    """
    visitor = EffectVisitor(dict(modules))
    trees = [ast.parse(to_python(source)) for source in sources]
    return stopwatch([module_tree for tree in trees for module_tree in (tree, *_magic_trees(tree))], visitor.dotted)


def _magic_trees(tree: ast.Module) -> list[ast.Module]:
    """The code that the magics of a cell execute."""
    uses = [find_use(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    trees = []
    for use in uses:
        if use is not None and use.code:
            with contextlib.suppress(SyntaxError):
                trees.append(ast.parse(to_python(use.code)))
    return trees


def without_clock(effects: Effects, names: frozenset[str]) -> Effects:
    """Effects of cells that read the clock only to print durations."""
    reasons = tuple(volatility for volatility in effects.volatile if volatility.kind is not VolatilityKind.CLOCK)
    return replace(effects, volatile=reasons, stopwatch=names)


def merge_effects(parts: Iterable[Effects]) -> Effects:
    """The combined effects of several cells. Seeds are those of the first cell, because a later one may follow
    draws.
    """
    part_list = list(parts)

    def union(name: str) -> frozenset[str]:
        return frozenset().union(*(getattr(e, name) for e in part_list)) if part_list else frozenset()

    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for e in part_list for item in getattr(e, name)))

    return Effects(
        state_writes=union("state_writes"),
        state_reads=union("state_reads"),
        seeds=part_list[0].seeds if part_list else frozenset(),
        volatile=tuple(dict.fromkeys(cause for e in part_list for cause in e.volatile)),
        outside=joined("outside"),
        files_read=joined("files_read"),
        files_written=joined("files_written"),
        looks_at_files=any(e.looks_at_files for e in part_list),
        modules_changed=union("modules_changed"),
        interactive=joined("interactive"),
        stopwatch=_merge_stopwatches(part_list),
    )


def _merge_stopwatches(parts: list[Effects]) -> frozenset[str] | None:
    """The combined stopwatch names of several cells; None if a reading is data, or if there is no reading."""
    if any(volatility.kind is VolatilityKind.CLOCK for e in parts for volatility in e.volatile):
        return None
    names = [e.stopwatch for e in parts if e.stopwatch is not None]
    return frozenset().union(*names) if names else None
