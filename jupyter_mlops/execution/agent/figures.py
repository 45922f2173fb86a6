"""Figures of matplotlib: pickles them so that copies are equivalent, and lists those that pyplot has open.

matplotlib's own pickles leave out what a notebook may see again: the kind of canvas, callbacks, what is redrawn when an
artist changes. They also contain addresses and counters, which differ without a change.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import weakref
from typing import Any

from .objects import resolves

OPEN = "@figures|matplotlib.pyplot|open"  # the pseudo-variable that holds the open figures
OF_A_MANAGER = frozenset({"key_press_handler", "button_press_handler"})  # callbacks that every manager connects
MADE_BY_A_MANAGER = ("FigureManagerBase.__init__.", "Gcf._set_new_active_manager.")
GROUPER = frozenset({"_mapping", "_ordering", "_next_order"})


class Unpicklable(Exception):
    """No copy of this would be equivalent."""


def reduce(obj: Any) -> Any:
    """The reduction of an object that may be part of a figure; NotImplemented for pickle's default."""
    artist, transforms = sys.modules.get("matplotlib.artist"), sys.modules.get("matplotlib.transforms")
    bases, cbook = sys.modules.get("matplotlib.backend_bases"), sys.modules.get("matplotlib.cbook")
    if artist is not None and isinstance(obj, artist.Artist):
        return _reduce_artist(obj)
    if transforms is not None and isinstance(obj, transforms.TransformNode):
        return _reduce_transform(obj, transforms.TransformNode)
    if cbook is not None and type(obj) is cbook.CallbackRegistry:
        return _reduce_registry(obj)
    if cbook is not None and type(obj) is cbook.Grouper and vars(obj).keys() == GROUPER:
        return _reduce_grouper(obj)
    if bases is not None and isinstance(obj, (bases.FigureCanvasBase, bases.FigureManagerBase)):
        raise Unpicklable("the canvas of a figure")
    return NotImplemented


def _reduce_artist(obj: Any) -> Any:
    reduced = obj.__reduce_ex__(4)
    if not isinstance(reduced, tuple) or len(reduced) < 3:
        return NotImplemented
    state, extra = reduced[2], {"_stale": obj._stale}
    if obj.stale_callback is not None:
        if not resolves(obj.stale_callback):
            raise Unpicklable("a figure that calls a function when it changes")
        extra["stale_callback"] = obj.stale_callback
    canvas = None
    figure = sys.modules.get("matplotlib.figure")
    if figure is not None and isinstance(obj, figure.Figure):
        state = {k: v for k, v in state.items() if k != "_restore_to_pylab"}
        canvas = _canvas_facts(obj)
    return reduced[0], reduced[1], (state, extra, canvas), None, None, set_artist


def _canvas_facts(figure: Any) -> Any:
    """The class of a figure's canvas, the number of its manager if it has one, and whether a backend is in use."""
    bases = importlib.import_module("matplotlib.backend_bases")
    canvas = figure.canvas
    manager = canvas.manager
    if not resolves(type(canvas)) or type(canvas).required_interactive_framework is not None:
        raise Unpicklable("a figure in a window")
    if manager is not None and type(manager) is not bases.FigureManagerBase:
        raise Unpicklable("a figure in a window")
    pyplot = sys.modules.get("matplotlib.pyplot")
    active = getattr(pyplot, "_backend_mod", None) is not None
    return type(canvas), None if manager is None else [manager.num], active


def set_artist(obj: Any, state: Any) -> None:
    """Restore an artist; a figure gets a canvas and a manager of the same kind."""
    facts, extra, canvas = state
    put = getattr(obj, "__setstate__", None)
    if put is not None:
        put(facts)
    else:
        obj.__dict__.update(facts)
    obj.__dict__.update(extra)
    if canvas is not None:
        kind, number, active = canvas
        if active:  # a notebook's backend has IPython show figures once it is in use
            importlib.import_module("matplotlib.pyplot")._get_backend_mod()
        if number is not None:
            kind.new_manager(obj, number[0])
        elif kind is not type(obj.canvas):
            kind(obj)
        obj.__dict__.update(extra)


def _reduce_transform(obj: Any, base: Any) -> Any:
    if type(obj).__getstate__ is not base.__getstate__:
        return NotImplemented
    state = {k: v for k, v in vars(obj).items() if k != "_parents"}
    children = [v for v in state.values() if isinstance(v, base) and _is_parent(obj, v)]
    return new_object, (type(obj),), (state, children), None, None, set_transform


def _is_parent(node: Any, child: Any) -> bool:
    reference = child._parents.get(id(node))
    return reference is not None and reference() is node


def new_object(kind: Any) -> Any:
    """An object without the attributes that `__init__` sets."""
    return kind.__new__(kind)


def set_transform(obj: Any, state: Any) -> None:
    """Restore a transform, and register it with the transforms that it depends on."""
    facts, children = state
    vars(obj).update(facts)
    vars(obj).setdefault("_parents", {})
    for child in children:
        vars(child).setdefault("_parents", {})
    transforms = importlib.import_module("matplotlib.transforms")
    transforms.TransformNode.set_children(obj, *children)


def _reduce_registry(obj: Any) -> Any:
    """Callbacks are kept, unlike in matplotlib's own pickles, so that a colour bar still follows its image."""
    callbacks = {signal: [(cid, ref()) for cid, ref in refs.items()] for signal, refs in obj.callbacks.items()}
    callbacks = {signal: [(cid, f) for cid, f in pairs if not _comes_again(f)] for signal, pairs in callbacks.items()}
    skipped = ("callbacks", "_func_cid_map", "_cid_gen", "_pickled_cids")
    state = {k: v for k, v in vars(obj).items() if k not in skipped}
    number = int(repr(obj._cid_gen)[6:-1])
    return new_object, (type(obj),), (state, callbacks, number, sorted(obj._pickled_cids)), None, None, set_registry


def _comes_again(function: Any) -> bool:
    """Whether there are no callbacks other than those that the figure's manager connects again."""
    if function is None:
        return True
    if not (getattr(function, "__module__", None) or "").startswith("matplotlib."):
        return False
    name = getattr(function, "__qualname__", "")
    if name.startswith("Figure.add_axobserver."):
        return any(_comes_again(cell.cell_contents) for cell in function.__closure__ or ())
    return name in OF_A_MANAGER or name.startswith(MADE_BY_A_MANAGER)


def set_registry(obj: Any, state: Any) -> None:
    """Reconnect the callbacks under their numbers."""
    facts, callbacks, number, pickled = state
    vars(obj).update(facts, callbacks={}, _pickled_cids=set(pickled))
    cbook = importlib.import_module("matplotlib.cbook")
    vars(obj)["_func_cid_map"] = cbook._UnhashDict([]) if hasattr(cbook, "_UnhashDict") else {}
    for signal, pairs in callbacks.items():
        for cid, function in pairs:
            obj._cid_gen = itertools.count(cid)
            obj.connect(signal, function)
    obj._cid_gen = itertools.count(number)


def _reduce_grouper(obj: Any) -> Any:
    order = sorted(obj._ordering.items(), key=lambda pair: pair[1])
    parts = {id(part): part for part in obj._mapping.values()}
    groups = [[member for member, _ in order if member in part] for part in parts.values()]
    groups.sort(key=lambda group: [obj._ordering[member] for member in group])
    return new_object, (type(obj),), (order, groups, obj._next_order), None, None, set_grouper


def set_grouper(obj: Any, state: Any) -> None:
    """Restore a grouper: its members are held weakly, in the order in which they joined it."""
    order, groups, number = state
    obj._ordering = weakref.WeakKeyDictionary(dict(order))
    obj._mapping = weakref.WeakKeyDictionary()
    for group in groups:
        shared = weakref.WeakSet(group)
        for member in group:
            obj._mapping[member] = shared
    obj._next_order = number


def open_figures() -> Any:
    """[number, figure] of each figure that pyplot has open, the current one last. Raises KeyError if there is none."""
    managers = _managers()
    if not managers:
        raise KeyError("no open figure")
    return [[number, manager.canvas.figure] for number, manager in managers.items()]


def set_open_figures(figures: Any) -> None:
    """Register these figures, and no others, as open in pyplot."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    pyplot._get_backend_mod()
    close_figures()
    registry = importlib.import_module("matplotlib._pylab_helpers").Gcf
    for _, figure in figures:
        registry._set_new_active_manager(figure.canvas.manager)


def close_figures() -> None:
    """Register no figure as open in pyplot."""
    _managers().clear()


def _managers() -> Any:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return helpers.Gcf.figs if helpers is not None else {}
