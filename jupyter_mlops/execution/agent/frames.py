"""How the blocks and indexes of pandas are pickled: with arrays that belong to them alone, unless others share them."""

from __future__ import annotations

import sys
from typing import Any

from .memory import extents
from .remake import make_block, make_manager


def reduce_block(pickler: Any, block: Any) -> Any:
    """A pandas block gets its own array object: the shared memory is copied on write and not visible."""
    numpy = sys.modules["numpy"]
    if type(block).__name__ == "SingleBlockManager":
        return make_manager, (type(block), block.blocks[0], block.axes[0])
    values = getattr(block, "values", None)
    if values is None or not hasattr(block, "mgr_locs"):
        return None
    function, args = block.__reduce__()[:2]
    arguments = (own_values(pickler, numpy, values, "block"), *args[1:])
    if id(values) not in pickler.views or not hasattr(block, "refs"):
        return function, arguments
    pickler.agent.packing.keep.append(block.refs)
    return make_block, (function, arguments, pickler.sharers.setdefault(id(block.refs), []))


def reduce_index(pickler: Any, index: Any) -> Any:
    """The same for the values of a pandas index, which is read-only."""
    function, args = index.__reduce__()[:2]
    state = args[1] if len(args) == 2 else None
    if not isinstance(state, dict) or not hasattr(state.get("data"), "copy"):
        return None
    data = own_values(pickler, sys.modules["numpy"], state["data"], "index")
    return function, (args[0], {**state, "data": data})


def own_values(pickler: Any, numpy: Any, values: Any, holder: str) -> Any:
    if type(values) is not numpy.ndarray or values.dtype.hasobject:
        copy = values.copy()
        pickler.agent.packing.keep.append(copy)
        return copy
    view = values.view()
    low, high = extents(view) if view.size else (0, 0)
    pickler.agent.packing.keep.append(view)
    if values.size:
        pickler.arrays.append((low, high, values, holder))
    if id(values) in pickler.views:
        view = values
    else:
        pickler.exempt.append(id(view))
    return view
