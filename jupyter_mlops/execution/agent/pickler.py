"""Pickles objects whose copies are equivalent, and refuses others."""

from __future__ import annotations

import builtins
import collections
import copyreg
import io
import marshal
import math
import mmap
import pickle
import sys
import time
import types
import weakref
from typing import Any

from . import figures, frames
from .memory import HASHED, OUT_OF_BAND, extents
from .objects import IDENTIFIER, has_effects, is_of_notebook, is_single, is_watched, of_user, resolves
from .remake import (
    NAN,
    NANS,
    import_module,
    loads,
    make_builtin,
    make_cell,
    make_frozen,
    make_function,
    make_strided,
    make_view,
    rename,
    set_cell,
    set_function,
)

STREAM_LIMIT = 1 << 29  # bytes of one pickle stream
PICKLED_BY = frozenset("__reduce__ __reduce_ex__ __getstate__ __setstate__ __del__ __new__ __getattribute__".split())
FILLED = (dict, list, set, frozenset, collections.deque)
MADE_BY = frozenset({"__init__", "__prepare__"})
CALLED = frozenset({"__eq__", "__hash__", "__init_subclass__"})
FILLED_BY = frozenset("__iter__ __len__ __setitem__ items append extend add".split())


class Live(Exception):
    """A copy of this object would not be equivalent: it stays in its kernel."""


class TooCostly(Live):
    """Pickling takes more time or space than the result is worth."""


class Buffers(list):  # type: ignore[type-arg]
    """The large buffers of a pickle. Separate from the pickler, so that they do not keep it, and its memo, alive."""

    def keep(self, buffer: Any) -> Any:
        raw = buffer.raw()
        if raw.nbytes < OUT_OF_BAND:
            return True
        self.append(raw)
        return False


class Limited(io.BytesIO):
    """A stream that refuses to grow beyond a size or a time."""

    def __init__(self, deadline: Any) -> None:
        super().__init__()
        self.deadline = deadline

    def write(self, data: Any) -> Any:
        if self.tell() > STREAM_LIMIT:
            raise TooCostly("pickles to more than 512 MB of small objects")
        if self.deadline is not None and time.process_time() > self.deadline:
            raise TooCostly("takes longer to pickle than it is worth")
        return super().write(data)


def pickler_base() -> Any:
    try:
        import cloudpickle
    except Exception:
        return pickle.Pickler
    return cloudpickle.Pickler


BASE = pickler_base()
empty: dict[Any, Any] = {}
views = (type(empty.keys()), type(empty.values()), type(empty.items()))
DICT_VIEWS: Any = (*views, types.MappingProxyType, memoryview)


class Pickler(BASE):  # type: ignore[misc, valid-type]
    """Pickles objects whose copies are equivalent, and raises Live for others."""

    def __init__(self, agent: Any, views: Any = (), deadline: Any = None) -> None:
        self.stream = Limited(deadline)
        self.buffers = Buffers()
        self.agent = agent
        self.views = views
        self.refs: set[Any] = set()
        self.arrays: list[Any] = []
        self.exempt: list[Any] = []
        self.axes: set[Any] = set()
        self.sharers: dict[int, list[Any]] = {}  # id of pandas' record of sharing blocks -> what stands for it
        self.owners: dict[int, Any] = {}
        self.atoms: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.twice = False
        self.doubtful = False  # whether only loading tells if it can be loaded
        super().__init__(self.stream, protocol=5, buffer_callback=self.buffers.keep)

    def reducer_override(self, obj: Any) -> Any:  # noqa: C901 (one branch for each kind of object)
        kind = type(obj)
        if kind in weakref.ProxyTypes:
            raise Live("a weak reference")
        if kind is types.FunctionType:
            return NotImplemented if resolves(obj) else self.reduce_function(obj)
        if kind is types.BuiltinFunctionType and obj.__module__ == "builtins":
            hidden = vars(builtins).get(obj.__name__) is not obj and self.agent.base_builtins.get(obj.__name__) is obj
            return (make_builtin, (obj.__name__,)) if hidden else NotImplemented
        if kind is types.CellType:
            try:
                state = (obj.cell_contents,)
            except ValueError:
                state = None
            return make_cell, (), state, None, None, set_cell
        if isinstance(obj, types.ModuleType) and kind is types.ModuleType:
            if obj.__spec__ is None or obj.__name__ == "__main__" or sys.modules.get(obj.__name__) is not obj:
                raise Live("a module that can't be imported by name")
            return import_module, (obj.__name__,)
        if isinstance(obj, type):
            if is_of_notebook(obj):
                self.check_class(obj)
                if "__slots__" in obj.__dict__:
                    return self.reduce_slotted(obj)
            return super().reducer_override(obj) if BASE is not pickle.Pickler else NotImplemented
        self.check_instance(obj, kind)
        module = kind.__module__ or ""
        reduced = self.reduce_figure(obj)
        if reduced is not NotImplemented:
            return reduced
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "ndarray") and issubclass(kind, numpy.ndarray):
            return self.reduce_array(numpy, obj, kind)
        if module.startswith("pandas.core.internals") and self.agent.pandas_copies_on_write():
            if self.agent.axes_apart:
                self.axes.update(map(id, getattr(obj, "axes", ())))
            reduced = frames.reduce_block(self, obj)
            if reduced is not None:
                return reduced
        elif self.is_index(obj, module):
            reduced = frames.reduce_index(self, obj)
            if reduced is not None:
                return reduced
        return super().reducer_override(obj) if BASE is not pickle.Pickler else NotImplemented

    def is_index(self, obj: Any, module: str) -> bool:
        if module.split(".")[0] != "pandas" or not self.agent.pandas_copies_on_write():
            return False
        return isinstance(obj, sys.modules["pandas"].Index)

    def check_class(self, cls: Any) -> None:
        self.refs.update(self.agent.class_refs(cls))
        if BASE is pickle.Pickler:
            raise Live("a class of the notebook, and the kernel has no cloudpickle")
        methods = PICKLED_BY | (FILLED_BY if issubclass(cls, FILLED) else frozenset())
        methods |= MADE_BY if issubclass(cls, type) else frozenset()
        for name, method in list(cls.__dict__.items()):
            function = getattr(method, "__func__", method)
            if getattr(function, "__globals__", None) is not self.agent.user_ns:
                continue
            if name in methods or (name in CALLED and has_effects(function.__code__)):
                raise Live(f"class {cls.__name__} has its own {name}")
            self.doubtful = self.doubtful or name == "__getattr__"

    def check_instance(self, obj: Any, kind: Any) -> None:
        module = kind.__module__ or ""
        if module == "__main__":
            for cls in kind.__mro__:
                if is_of_notebook(cls):
                    self.check_class(cls)
        if isinstance(obj, DICT_VIEWS):
            raise Live("a view of another object")
        if isinstance(obj, io.IOBase) and not (kind is io.StringIO or kind is io.BytesIO):
            raise Live("a closed file" if kind.__module__ == "_io" and obj.closed else "an open file")
        if isinstance(obj, BaseException):
            if obj.__traceback__ is not None:
                raise Live("an exception with its traceback")
            self.doubtful = True
        if of_user(copyreg.dispatch_table.get(kind)):
            raise Live("the notebook says how it is pickled")
        if id(obj) in self.agent.packing.finalized or is_watched(obj):
            raise Live("a callback runs when it is deleted")
        if module.startswith("multiprocessing."):
            raise Live("shared with other processes")
        if kind.__name__ == "_lru_cache_wrapper" and not resolves(obj):
            raise Live("a function with its own cache")
        if kind is weakref.finalize:
            raise Live("it waits for another object to be deleted")
        if module == "statsmodels.base.data":
            self.check_formula(obj)
        elif module.startswith(("ipywidgets", "IPython.core.interactiveshell", "ipykernel", "asyncio", "torch")):
            self.check_special(obj, kind, module)

    def check_formula(self, data: Any) -> None:
        """statsmodels evaluates a formula again when it loads a model, and would look up its names in another
        namespace.
        """
        words = set(IDENTIFIER.findall(str(data.__dict__.get("formula", ""))))
        used = sorted(words & set(self.agent.names()))
        if used:
            self.refs.update(used)
            raise Live(f"a model whose formula may use {used[0]}")

    def check_special(self, obj: Any, kind: Any, module: Any) -> None:
        if module.startswith("ipywidgets"):
            raise Live("a widget")
        if not module.startswith("torch"):
            raise Live("part of the running kernel")
        if kind.__name__ in ("Tensor", "Parameter"):
            if obj.grad_fn is not None or obj.device.type != "cpu":
                raise Live("a tensor with a gradient graph or on a device")
            low = obj.untyped_storage().data_ptr()
            self.arrays.append((low, low + obj.untyped_storage().nbytes(), obj, True))

    def reduce_figure(self, obj: Any) -> Any:
        try:
            return figures.reduce(obj) if "matplotlib" in sys.modules else NotImplemented
        except figures.Unpicklable as error:
            raise Live(str(error)) from None

    def reduce_function(self, function: Any) -> Any:
        space = None
        if function.__globals__ is not self.agent.user_ns:
            space = function.__globals__.get("__name__")
            if space not in sys.modules or sys.modules[space].__dict__ is not function.__globals__:
                raise Live("a function of a namespace that can't be imported")
        else:
            names, source = self.agent.code_facts(function.__code__)
            self.refs.update(names)
        code = function.__code__
        source = self.agent.code_facts(code)[1]
        if source is not None:
            code = rename(code, "<cell>")
        state = (
            function.__defaults__,
            function.__kwdefaults__,
            dict(function.__dict__),
            function.__qualname__,
            function.__module__,
            function.__doc__,
            function.__annotations__,
        )
        arguments = (space, marshal.dumps(code, 2), source, function.__name__, function.__closure__)
        return make_function, arguments, state, None, None, set_function

    def reduce_slotted(self, cls: Any) -> Any:
        """cloudpickle leaves slots out when it recreates a class, which would give instances a `__dict__`."""
        slots = cls.__dict__["__slots__"]
        names = [slots] if isinstance(slots, str) else list(slots)
        reduced = super().reducer_override(cls) if BASE is not pickle.Pickler else NotImplemented
        if not isinstance(reduced, tuple) or reduced[0].__name__ != "_make_skeleton_class":
            return reduced
        if any(name.startswith("__") and not name.endswith("__") for name in names):
            raise Live(f"class {cls.__name__} has private slots")
        parts = list(reduced[1])
        parts[3] = {**parts[3], "__slots__": tuple(names)}
        return (reduced[0], tuple(parts), *reduced[2:])

    def reduce_array(self, numpy: Any, array: Any, kind: Any) -> Any:
        if kind is not numpy.ndarray:
            if isinstance(array, numpy.memmap):
                raise Live("an array mapped from a file of the notebook's own")
            if not array.dtype.hasobject and array.size:
                self.arrays.append((*extents(array), array, True))
            return NotImplemented
        if array.dtype.hasobject or array.size == 0:
            return NotImplemented
        self.note_owner(array)
        if id(array) not in self.exempt:
            low, high = extents(array)
            self.arrays.append((low, high, array, False))
        if id(array) in self.views:
            return self.reduce_view(numpy, array)
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            return self.reduce_strided(array)
        if not array.dtype.isnative:
            return array.__reduce_ex__(5)  # the older way turns the bytes round
        if not array.flags.writeable:
            return make_frozen, array.__reduce_ex__(5)[:2]
        if array.nbytes < OUT_OF_BAND:
            return array.__reduce__()
        return NotImplemented

    def reduce_strided(self, array: Any) -> Any:
        """A slice with steps is pickled with its steps, unless it is a small part of something large."""
        low, high = extents(array)
        if high - low > max(HASHED, 8 * array.nbytes):
            return NotImplemented
        values = array.copy(order="C")
        self.agent.packing.keep.append(values)
        self.exempt.append(id(values))
        offset = array.__array_interface__["data"][0] - low
        return make_strided, (values, array.strides, offset, high - low, bool(array.flags.writeable))

    def note_owner(self, array: Any) -> None:
        """Memory that does not belong to the array: a bytearray may have a name too; other owners are unknown."""
        owner = array
        while not isinstance(owner, (bytearray, bytes, mmap.mmap, pickle.PickleBuffer)):
            inner = owner.obj if isinstance(owner, memoryview) else getattr(owner, "base", None)
            if inner is None:
                break
            owner = inner
        kind = type(owner)
        if kind is bytearray:
            self.owners[id(owner)] = owner
        elif kind.__module__ in ("ctypes", "_ctypes", "array") or kind.__name__ == "_BytesIOBuffer":
            raise Live("an array over memory of another object")
        elif kind is mmap.mmap and not self.agent.packing.is_mapped(array.__array_interface__["data"][0]):
            raise Live("an array over a mapped file")

    def reduce_view(self, numpy: Any, array: Any) -> Any:
        root = array
        while isinstance(root.base, numpy.ndarray):
            root = root.base
        if root is array:
            return NotImplemented if array.nbytes >= OUT_OF_BAND else array.__reduce__()
        contiguous = root.flags.c_contiguous or root.flags.f_contiguous
        if type(root) is not numpy.ndarray or not contiguous or root.dtype.hasobject:
            raise Live("a view of memory that can't be transferred")
        offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        flags = bool(array.flags.writeable)
        return make_view, (root, offset, array.shape, array.strides, array.dtype, flags)


class Exact(Pickler):
    """Distinguishes numbers that are equal or, like NaN, not even equal to themselves: a list finds the same NaN by
    identity.
    """

    def persistent_id(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is float and obj != obj:
            if obj is math.nan:
                return f"{NAN} math"
            if "numpy" in sys.modules and obj is sys.modules["numpy"].nan:
                return f"{NAN} numpy"
            number = self.numbers.setdefault(id(obj), len(self.numbers))
            self.atoms[id(obj)] = obj
            return f"{NAN} {number}"
        if self.agent.identity_seen and kind in (int, float) and not is_single(obj):
            self.twice = self.twice or id(obj) in self.atoms
            self.atoms[id(obj)] = obj
        return None


def has_nan(stream: Any) -> Any:
    return any(mark in stream for mark in NANS)


def names_main(stream: Any) -> Any:
    """Whether a pickle refers to an object in `__main__` by its name."""
    import pickletools

    strings = []
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"):
            strings.append(argument)
        elif (opcode.name == "STACK_GLOBAL" and strings[-2:-1] == ["__main__"]) or (
            opcode.name == "GLOBAL" and str(argument).split(" ")[0] == "__main__"
        ):
            return True
    return False


def sets_keep_order(pickler: Any) -> Any:
    """Whether the sets in a pickle are restored in their current order."""
    stream = pickler.stream.getvalue()
    if (b"\x8f" not in stream and b"\x91" not in stream) or len(stream) > 1 << 24:
        return True
    sets = [item for _, item in pickler.memo.copy().values() if isinstance(item, (set, frozenset)) and len(item) > 1]
    return all(all(map(_hash_lasts, item)) and list(type(item)(list(item))) == list(item) for item in sets)


def _hash_lasts(item: Any) -> Any:
    """Whether a hash is the same in every process with this seed, and not an address."""
    if isinstance(item, (tuple, frozenset)):
        return all(map(_hash_lasts, item))
    hash_method: Any = type(item).__hash__
    return hash_method is not object.__hash__ and not (item is None and sys.version_info < (3, 12))


def loads_again(stream: Any, buffers: Any) -> Any:
    try:
        loads(stream, buffers)
    except Exception:
        return False
    return True


def pickle_plain(agent: Any, value: Any) -> Any:
    """Pickle a value of the process state in one piece."""
    pickler = Pickler(agent, (), None)
    pickler.dump(value)
    if pickler.buffers:
        raise Live("too large")
    return pickler.stream.getvalue()
