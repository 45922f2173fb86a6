"""Objects that all kernels share are excluded from garbage collection."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .preloaded_modules import PreloadedModules

LOOKED_AT = ("get_objects", "get_referrers", "get_freeze_count")  # functions of gc that tell what is frozen


def freeze_gc(preloaded: PreloadedModules) -> None:
    """Exclude existing objects from garbage collection in all kernels, until code queries the collector for objects."""
    mine = "gc" not in sys.modules
    collector: Any = preloaded.modules.get("gc") or importlib.import_module("gc")
    if mine:
        preloaded.modules["gc"] = collector
        sys.modules.pop("gc", None)
    collector.collect()
    collector.freeze()
    plain = {name: getattr(collector, name) for name in LOOKED_AT}

    def looked_at(name: str) -> Any:
        def look(*arguments: Any, **options: Any) -> Any:
            if vars(collector)[name] is look:
                vars(collector).update(plain)
                collector.unfreeze()
            return plain[name](*arguments, **options)

        return look

    vars(collector).update({name: looked_at(name) for name in plain})
