"""The kernel's side of a run: what the main line and its helpers ask of the kernels they use.

This file needs the standard library alone and is sent to the kernel as source, so the kernel's
environment need not have jupyter_mlops. It speaks JSON: `serve(request)` answers with a dictionary.

    hello    what it has to know of the run, and who this kernel is; the first request may bring it along
    sync     bring variables, process state and imports to what the main line has
    begin    a block of cells is about to run: remember what is there
    finish   the block ran: what it wrote, and if asked, pickled into a file that another kernel can map
    revert   give up on a block that did not count

A *group* is a set of variables that share mutable objects or memory; it is pickled and loaded as one, so that
two names for one object stay two names for one object. A group that can't be pickled faithfully is *live*:
it stays in this kernel. `Live` is raised wherever a copy would not be the same thing.
"""

from __future__ import annotations

import builtins
import collections
import copyreg
import ctypes
import datetime
import dis
import enum
import gc
import hashlib
import importlib
import io
import json
import marshal
import math
import mmap
import operator
import os
import pickle
import re
import sys
import time
import types
import weakref
from typing import Any, ClassVar

MODULE = "_jupyter_mlops_agent"
PAGE = mmap.ALLOCATIONGRANULARITY
OUT_OF_BAND = 1 << 16  # bytes from which a buffer gets pages of its own in the file
HASHED = 1 << 25  # bytes up to which a buffer is known by its content
LOOKED_AT = 100_000  # objects inside of one that can't be pickled
STREAM_LIMIT = 1 << 29  # bytes of one pickle stream

HIDDEN = frozenset(
    "In Out get_ipython exit quit open _ __ ___ _i _ii _iii _ih _oh _dh _exit_code __name__ __doc__ __package__ "
    "__loader__ __spec__ __builtin__ __builtins__ __session__ __warningregistry__ __annotations__ "
    "_pydevd_bundle".split()
)
HISTORY = re.compile(r"_i?\d+")
ATOMIC = (str, bytes, int, float, complex, bool, type(None), tuple, frozenset, range, slice, types.BuiltinFunctionType)
# Their values hold nothing that a notebook has made which could be mistaken for them.
PLAIN = frozenset(
    {str, bytes, int, float, complex, bool, type(None), tuple, list, dict, set, frozenset, types.ModuleType,
     types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType}
)  # fmt: skip
UNSHARED = (str, bytes, int, float, complex, type(None), range, types.BuiltinFunctionType, types.ModuleType)
PICKLED_BY = frozenset("__reduce__ __reduce_ex__ __getstate__ __setstate__ __del__ __new__ __getattribute__".split())
FILLED = (dict, list, set, frozenset, collections.deque)
MADE_BY = frozenset({"__init__", "__prepare__"})
CALLED = frozenset({"__eq__", "__hash__", "__init_subclass__"})
FILLED_BY = frozenset("__iter__ __len__ __setitem__ items append extend add".split())
OPAQUE_GLOBALS = frozenset(
    {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__main__", "__import__"}
)
IDENTIFIER = re.compile(r"[^\W\d]\w*")


class Live(Exception):
    """A copy of this object would not be the same thing: it stays in its kernel."""


class TooCostly(Live):
    """Pickling takes more time or room than it is worth."""


class AheadDenied(BaseException):
    """A step that runs ahead may not act on the outside world."""


# ------------------------------------------------------------------------------------------------
# Making objects again: what pickles of ours refer to


def make_cell() -> Any:
    return types.CellType()


def set_cell(cell: Any, state: Any) -> None:
    if state is not None:
        cell.cell_contents = state[0]


def make_function(space: Any, code: Any, source: str, name: str, closure: Any) -> Any:
    globals_ = AGENT.user_ns if space is None else importlib.import_module(space).__dict__
    built = marshal.loads(code)
    if source is not None:
        built = _rename(built, AGENT.register_source(*source))
    return types.FunctionType(built, globals_, name, None, closure)


def set_function(function: Any, state: Any) -> None:
    function.__defaults__, function.__kwdefaults__, attributes, function.__qualname__ = state[:4]
    function.__module__, function.__doc__, function.__annotations__ = state[4:7]
    function.__dict__.update(attributes)


def make_view(root: Any, offset: Any, shape: Any, strides: Any, dtype: Any, writeable: Any) -> Any:
    import numpy

    flat = root.reshape(-1, order="A").view("u1") if root.dtype != numpy.dtype("u1") or root.ndim != 1 else root
    view = numpy.ndarray(shape, dtype=dtype, buffer=flat, offset=offset, strides=strides)
    view.flags.writeable = writeable
    return view


def make_strided(values: Any, strides: Any, offset: Any, size: Any, writeable: Any) -> Any:
    import numpy

    made = numpy.ndarray(values.shape, values.dtype, numpy.empty(size, "u1"), offset, strides)
    made[...] = values
    made.flags.writeable = writeable
    return made


def make_frozen(make: Any, args: Any) -> Any:
    made = make(*args)
    made.flags.writeable = False
    return made


def make_manager(kind: Any, block: Any, axis: Any) -> Any:
    return kind(block, axis)


def import_module(name: str) -> Any:
    return importlib.import_module(name)


def _rename(code: Any, filename: Any) -> Any:
    consts = tuple(_rename(c, filename) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=filename, co_consts=consts)


# ------------------------------------------------------------------------------------------------
# Pickling


def _globals_of(code: Any, seen: Any = None) -> Any:
    """Global names that a code object and the code inside it load, store or delete."""
    names = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
            names.add(instruction.argval)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= _globals_of(const)
        elif isinstance(const, str) and len(const) < 2000:
            names |= {"'" + word for word in IDENTIFIER.findall(const)}
    return names


def _has_effects(code: Any) -> Any:
    """Whether a function leaves more than its result: pickles call some methods, and it must not show."""
    stores = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "DELETE_GLOBAL", "DELETE_ATTR", "DELETE_SUBSCR")
    return bool({"print", "append", "add", "update"} & set(code.co_names)) or any(
        instruction.opname in stores for instruction in dis.get_instructions(code)
    )


def _of_user(function: Any) -> Any:
    return getattr(function, "__globals__", None) is AGENT.user_ns


def _finalized() -> Any:
    """Addresses of the objects that a `weakref.finalize` waits for."""
    kind: Any = weakref.finalize
    return {id(info.weakref()) for info in list(kind._registry.values())}


def _is_watched(obj: Any) -> Any:
    """Whether a weak reference to this object calls a function of the notebook when it goes."""
    if weakref.getweakrefcount(obj) == 0:
        return False
    callbacks = (getattr(reference, "__callback__", None) for reference in weakref.getweakrefs(obj))
    return any(map(_of_user, callbacks))


def _resolves(obj: Any) -> Any:
    """Whether an object is found again under its module and name, and isn't of the notebook."""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if name is None or module is None or module == "__main__" or module not in sys.modules:
        return False
    found = sys.modules[module]
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        return False
    return found is obj


def _of_notebook(cls: Any) -> bool:
    return getattr(cls, "__module__", None) == "__main__"


class _Buffers(list):  # type: ignore[type-arg]
    """The large buffers of a pickle. Apart from the pickler, lest it keep itself, and all it saw, alive."""

    def keep(self, buffer: Any) -> Any:
        raw = buffer.raw()
        if raw.nbytes < OUT_OF_BAND:
            return True
        self.append(raw)
        return False


def _pickler_base() -> Any:
    try:
        import cloudpickle
    except Exception:
        return pickle.Pickler
    return cloudpickle.Pickler


def _extents(array: Any) -> Any:
    """Lowest and highest address of an array's memory, the upper one exclusive."""
    low = high = array.__array_interface__["data"][0]
    for size, stride in zip(array.shape, array.strides):
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return low, high + array.itemsize


class _Limited(io.BytesIO):
    """A stream that refuses to grow past a size or a moment."""

    def __init__(self, deadline: Any) -> None:
        super().__init__()
        self.deadline = deadline

    def write(self, data: Any) -> Any:
        if self.tell() > STREAM_LIMIT:
            raise TooCostly("pickles to more than 512 MB of small objects")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise TooCostly("takes longer to pickle than it is worth")
        return super().write(data)


def _pickler_classes() -> Any:
    base = _pickler_base()
    empty: dict[Any, Any] = {}
    views = (type(empty.keys()), type(empty.values()), type(empty.items()))
    dict_views: Any = (*views, types.MappingProxyType, memoryview)

    class Pickler(base):  # type: ignore[misc, valid-type]
        """Pickles what comes back as the same thing, and raises Live for the rest."""

        def __init__(self, agent: Any, views: Any = (), deadline: Any = None) -> None:
            self.stream = _Limited(deadline)
            self.buffers = _Buffers()
            self.agent = agent
            self.views = views
            self.refs: set[Any] = set()
            self.arrays: list[Any] = []
            self.exempt: list[Any] = []
            self.axes: set[Any] = set()
            self.owners: dict[int, Any] = {}
            self.atoms: dict[int, Any] = {}
            self.numbers: dict[int, int] = {}
            self.twice = False
            self.doubtful = False  # whether only loading tells if it can be loaded
            super().__init__(self.stream, protocol=5, buffer_callback=self.buffers.keep)

        def reducer_override(self, obj: Any) -> Any:
            kind = type(obj)
            if kind is types.FunctionType:
                return NotImplemented if _resolves(obj) else self.reduce_function(obj)
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
                if _of_notebook(obj):
                    self.check_class(obj)
                    if "__slots__" in obj.__dict__:
                        return self.reduce_slotted(obj)
                return super().reducer_override(obj) if base is not pickle.Pickler else NotImplemented
            self.check_instance(obj, kind)
            module = kind.__module__ or ""
            numpy = sys.modules.get("numpy")
            if numpy is not None and hasattr(numpy, "ndarray") and issubclass(kind, numpy.ndarray):
                return self.reduce_array(numpy, obj, kind)
            if module.startswith("pandas.core.internals") and self.agent.pandas_copies_on_write():
                if self.agent.axes_apart:
                    self.axes.update(map(id, getattr(obj, "axes", ())))
                reduced = self.reduce_block(obj)
                if reduced is not None:
                    return reduced
            elif self.is_index(obj, module):
                reduced = self.reduce_index(obj)
                if reduced is not None:
                    return reduced
            return super().reducer_override(obj) if base is not pickle.Pickler else NotImplemented

        def is_index(self, obj: Any, module: str) -> bool:
            if module.split(".")[0] != "pandas" or not self.agent.pandas_copies_on_write():
                return False
            return isinstance(obj, sys.modules["pandas"].Index)

        def check_class(self, cls: Any) -> None:
            self.refs.update(self.agent.class_refs(cls))
            if base is pickle.Pickler:
                raise Live("a class of the notebook, and the kernel has no cloudpickle")
            asked = PICKLED_BY | (FILLED_BY if issubclass(cls, FILLED) else frozenset())
            asked |= MADE_BY if issubclass(cls, type) else frozenset()
            for name, method in list(cls.__dict__.items()):
                function = getattr(method, "__func__", method)
                if getattr(function, "__globals__", None) is not self.agent.user_ns:
                    continue
                if name in asked or (name in CALLED and _has_effects(function.__code__)):
                    raise Live(f"class {cls.__name__} has a {name} of its own")
                self.doubtful = self.doubtful or name == "__getattr__"

        def check_instance(self, obj: Any, kind: Any) -> None:
            module = kind.__module__ or ""
            if module == "__main__":
                for cls in kind.__mro__:
                    if _of_notebook(cls):
                        self.check_class(cls)
            if isinstance(obj, dict_views):
                raise Live("a view of another object")
            if isinstance(obj, io.IOBase) and not (kind is io.StringIO or kind is io.BytesIO):
                raise Live("an open file")
            if isinstance(obj, BaseException):
                if obj.__traceback__ is not None:
                    raise Live("an exception with its traceback")
                self.doubtful = True
            if _of_user(copyreg.dispatch_table.get(kind)):
                raise Live("the notebook says how it is pickled")
            if id(obj) in self.agent.finalized or _is_watched(obj):
                raise Live("somebody is told when it goes")
            if module.startswith("multiprocessing."):
                raise Live("shared with other processes")
            if kind.__name__ == "_lru_cache_wrapper" and not _resolves(obj):
                raise Live("a function with a cache of its own")
            if kind is weakref.finalize:
                raise Live("it waits for another object to go")
            if module.startswith("matplotlib"):
                artist = sys.modules.get("matplotlib.artist")
                if artist is not None and isinstance(obj, artist.Artist):
                    raise Live("part of a figure")
            elif module == "statsmodels.base.data":
                self.check_formula(obj)
            elif module.startswith(("ipywidgets", "IPython.core.interactiveshell", "ipykernel", "asyncio", "torch")):
                self.check_special(obj, kind, module)

        def check_formula(self, data: Any) -> None:
            """statsmodels evaluates a formula anew when it loads a model, and would look for its names elsewhere."""
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
                code = _rename(code, "<cell>")
            state = (
                function.__defaults__,
                function.__kwdefaults__,
                dict(function.__dict__),
                function.__qualname__,
                function.__module__,
                function.__doc__,
                function.__annotations__,
            )
            made = (space, marshal.dumps(code, 2), source, function.__name__, function.__closure__)
            return make_function, made, state, None, None, set_function

        def reduce_slotted(self, cls: Any) -> Any:
            """cloudpickle leaves slots out when it makes a class again, which would give instances a `__dict__`."""
            slots = cls.__dict__["__slots__"]
            names = [slots] if isinstance(slots, str) else list(slots)
            reduced = super().reducer_override(cls) if base is not pickle.Pickler else NotImplemented
            if not isinstance(reduced, tuple) or reduced[0].__name__ != "_make_skeleton_class":
                return reduced
            if any(name.startswith("__") and not name.endswith("__") for name in names):
                raise Live(f"class {cls.__name__} has private slots")
            made = list(reduced[1])
            made[3] = {**made[3], "__slots__": tuple(names)}
            return (reduced[0], tuple(made), *reduced[2:])

        def reduce_array(self, numpy: Any, array: Any, kind: Any) -> Any:
            if kind is not numpy.ndarray:
                if isinstance(array, numpy.memmap):
                    raise Live("an array mapped from a file of the notebook's own")
                if not array.dtype.hasobject and array.size:
                    self.arrays.append((*_extents(array), array, True))
                return NotImplemented
            if array.dtype.hasobject or array.size == 0:
                return NotImplemented
            self.note_owner(array)
            if id(array) not in self.exempt:
                low, high = _extents(array)
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
            """A slice with steps comes back with the steps, unless it is a small part of something large."""
            low, high = _extents(array)
            if high - low > max(HASHED, 8 * array.nbytes):
                return NotImplemented
            values = array.copy(order="C")
            self.agent.keep.append(values)
            self.exempt.append(id(values))
            offset = array.__array_interface__["data"][0] - low
            return make_strided, (values, array.strides, offset, high - low, bool(array.flags.writeable))

        def note_owner(self, array: Any) -> None:
            """Memory that isn't an array's own: a bytearray may have a name too, the rest can't be told."""
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
            elif kind is mmap.mmap and not self.agent.is_mapped(array.__array_interface__["data"][0]):
                raise Live("an array over a mapped file")

        def reduce_view(self, numpy: Any, array: Any) -> Any:
            root = array
            while isinstance(root.base, numpy.ndarray):
                root = root.base
            if root is array:
                return NotImplemented if array.nbytes >= OUT_OF_BAND else array.__reduce__()
            contiguous = root.flags.c_contiguous or root.flags.f_contiguous
            if type(root) is not numpy.ndarray or not contiguous or root.dtype.hasobject:
                raise Live("a view of memory that can't be handed on")
            offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
            flags = bool(array.flags.writeable)
            return make_view, (root, offset, array.shape, array.strides, array.dtype, flags)

        def reduce_block(self, block: Any) -> Any:
            """A pandas block gets an array object of its own: what it shares is copied on write, not seen."""
            numpy = sys.modules["numpy"]
            if type(block).__name__ == "SingleBlockManager":
                return make_manager, (type(block), block.blocks[0], block.axes[0])
            values = getattr(block, "values", None)
            if values is None or not hasattr(block, "mgr_locs"):
                return None
            function, args = block.__reduce__()[:2]
            return function, (self.own_values(numpy, values), *args[1:])

        def reduce_index(self, index: Any) -> Any:
            """The same for the values of a pandas index, which can't be written to."""
            function, args = index.__reduce__()[:2]
            state = args[1] if len(args) == 2 else None
            if not isinstance(state, dict) or not hasattr(state.get("data"), "copy"):
                return None
            data = self.own_values(sys.modules["numpy"], state["data"])
            return function, (args[0], {**state, "data": data})

        def own_values(self, numpy: Any, values: Any) -> Any:
            if type(values) is not numpy.ndarray or values.dtype.hasobject:
                made = values.copy()
                self.agent.keep.append(made)
                return made
            made = values.view()
            low, high = _extents(made) if made.size else (0, 0)
            self.agent.keep.append(made)
            if values.size:
                self.arrays.append((low, high, values, "block"))
            if id(values) in self.views:
                made = values
            else:
                self.exempt.append(id(made))
            return made

    class Exact(Pickler):
        """Tells apart numbers that are equal, or not even that: the same NaN is found in a list by what it is."""

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
            if self.agent.identity_seen and kind in (int, float) and not _single(obj):
                self.twice = self.twice or id(obj) in self.atoms
                self.atoms[id(obj)] = obj
            return None

    return Pickler, Exact


NAN = "\1nan"  # marks a NaN in the pickles of Exact
NANS = (NAN.encode(), b"G\x7f\xf8\0\0\0\0\0\0", b"G\xff\xf8\0\0\0\0\0\0")


def _single(obj: Any) -> Any:
    """Whether Python has one object for this value in all places."""
    if type(obj) is int:
        return -6 < obj < 257
    return obj is None or isinstance(obj, (bool, types.BuiltinFunctionType)) or (obj in ("", b"", ()) and True)


class Unpickler(pickle.Unpickler):
    """Loads what Exact pickled."""

    def __init__(self, stream: Any, buffers: Any) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self.nans: dict[str, float] = {}

    def persistent_load(self, pid: str) -> Any:
        where = pid.split(" ")[1]
        if where in ("math", "numpy"):
            return importlib.import_module(where).nan
        return self.nans.setdefault(pid, float("nan"))


def loads(stream: Any, buffers: Any) -> Any:
    try:
        return pickle.loads(stream, buffers=buffers)
    except pickle.UnpicklingError as error:
        if "persistent" not in str(error):
            raise
    return Unpickler(stream, buffers).load()


# ------------------------------------------------------------------------------------------------
# Process state. A resource's value is what differs from its default, so that a library which was
# not imported and one that was only imported are alike.

NUMPY_PRINT = {
    "edgeitems": 3, "threshold": 1000, "floatmode": "maxprec", "precision": 8, "suppress": False, "linewidth": 75,
    "nanstr": "nan", "infstr": "inf", "sign": "-", "formatter": None, "legacy": False, "override_repr": None,
}  # fmt: skip
NUMPY_ERR = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
INLINE_TRAITS = ("figure_formats", "rc", "close_figures", "print_figure_kwargs")
RELOADING = ("enabled", "check_all", "autoload_obj", "verbose")
SHELL_TRAITS = ("ast_node_interactivity", "colors", "autocall", "automagic", "separate_in")
VOLATILE_ENVIRON = re.compile(
    r"(JPY_|JUPYTER|TERM|COLUMNS|LINES|PWD$|OLDPWD$|SHLVL$|_$|SSH_|XDG_|PYTEST_|PYDEVD|DBUS|WINDOWID|TMUX|LS_COLORS"
    r"|CLICOLOR|FORCE_COLOR|PAGER|GIT_PAGER|MPLBACKEND|PYTHONHASHSEED)"
)


LEVELS = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG", 0: "NOTSET"}


def _module(name: str) -> Any:
    return sys.modules.get(name)


def get_random() -> Any:
    return sys.modules["random"].getstate() if _module("random") else None


def set_random(value: Any) -> None:
    if value is not None:
        import random

        random.setstate(value)


def get_numpy_random() -> Any:
    numpy = _module("numpy.random")
    return numpy.get_state(legacy=False) if numpy is not None and hasattr(numpy, "get_state") else None


def set_numpy_random(value: Any) -> None:
    if value is not None:
        importlib.import_module("numpy.random").set_state(value)


def get_torch_random() -> Any:
    torch = _module("torch")
    return torch.get_rng_state().numpy().tobytes() if torch is not None and hasattr(torch, "get_rng_state") else None


def set_torch_random(value: Any) -> None:
    if value is not None:
        torch = importlib.import_module("torch")
        torch.set_rng_state(torch.frombuffer(bytearray(value), dtype=torch.uint8))


def _hide_ours() -> None:
    """The seed was given by us, for this process alone: processes that a cell starts have none, as ever."""
    if os.environ.pop("JUPYTER_MLOPS_HASHSEED", None):
        os.environ.pop("PYTHONHASHSEED", None)
    if os.environ.pop("JUPYTER_MLOPS_PYDEVD", None):
        os.environ.pop("PYDEVD_DISABLE_FILE_VALIDATION", None)


def get_environ() -> Any:
    now, then = dict(os.environ), AGENT.base_environ
    return {k: now.get(k) for k in sorted(now.keys() | then.keys()) if now.get(k) != then.get(k)}


def set_environ(value: Any) -> None:
    wanted = {**AGENT.base_environ, **value}
    for key in list(os.environ):
        if wanted.get(key) is None:
            del os.environ[key]
    for key, text in wanted.items():
        if text is not None and os.environ.get(key) != text:
            os.environ[key] = text


def get_path() -> Any:
    return list(sys.path) if sys.path != AGENT.base_path else []


def set_path(value: Any) -> None:
    sys.path[:] = value or AGENT.base_path


def get_argv() -> Any:
    return list(sys.argv) if sys.argv != AGENT.base_argv else []


def set_argv(value: Any) -> None:
    sys.argv[:] = value or AGENT.base_argv


def _zone() -> Any:
    return time.tzname, time.timezone, time.altzone


def get_zone() -> Any:
    return _zone() if _zone() != AGENT.base_zone else ()


def set_zone(value: Any) -> None:
    if hasattr(time, "tzset"):
        time.tzset()  # environ was set before


def get_cwd() -> Any:
    try:
        return os.getcwd() if os.getcwd() != AGENT.base_cwd else ""
    except OSError:
        return "<gone>"


def set_cwd(value: Any) -> None:
    os.chdir(value or AGENT.base_cwd)


def _filters_version() -> Any:
    warnings = sys.modules["warnings"]
    machinery: Any = warnings
    probe: dict[str, Any] = {}
    show = machinery._showwarnmsg
    machinery._showwarnmsg = lambda message: None
    try:
        warnings.warn_explicit("probe", UserWarning, "probe", 1, registry=probe)
    except Exception:
        return None
    finally:
        machinery._showwarnmsg = show
    return probe.get("version")


def _pattern(matched: Any) -> Any:
    return (matched.pattern, matched.flags) if isinstance(matched, re.Pattern) else matched


def _compiled(pattern: Any) -> Any:
    return re.compile(*pattern) if isinstance(pattern, tuple) else pattern


def get_warnings() -> Any:
    warnings = sys.modules["warnings"]
    filters = [(f[0], _pattern(f[1]), f[2], _pattern(f[3]), f[4]) for f in warnings.filters]
    version, seen = _filters_version(), {}
    for name, module in list(sys.modules.items()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if isinstance(registry, dict) and registry.get("version") == version and len(registry) > 1:
            seen[name] = {k: v for k, v in registry.items() if k != "version"}
    changed = filters != AGENT.base_filters
    # Imports add filters of their own (numpy, pandas): those are replayed with the imports.
    return {"filters": filters if changed else None, "seen": seen, "once": dict(warnings.onceregistry)}


def set_warnings(value: Any) -> None:
    warnings = sys.modules["warnings"]
    wanted = value["filters"] if value["filters"] is not None else AGENT.base_filters
    warnings.filters[:] = [
        (action, _compiled(message), category, _compiled(module), line)
        for action, message, category, module, line in wanted
    ]
    warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else warnings._filters_mutated_lock_held()
    warnings.onceregistry.clear()
    warnings.onceregistry.update(value["once"])
    version = _filters_version()
    for name, module in list(sys.modules.items()):
        space = getattr(module, "__dict__", None)
        if space is None:
            continue
        if name in value["seen"]:
            space.setdefault("__warningregistry__", {}).clear()
            space["__warningregistry__"].update(value["seen"][name], version=version)
        elif isinstance(space.get("__warningregistry__"), dict):
            space["__warningregistry__"].clear()


def _handler(handler: Any) -> Any:
    logging = sys.modules["logging"]
    if type(handler) is logging.NullHandler:
        return None
    stream = getattr(handler, "stream", None)
    name = "stdout" if stream is sys.stdout else "stderr" if stream is sys.stderr else None
    formatter = handler.formatter
    if type(handler) is not logging.StreamHandler or name is None or handler.filters:
        return "live"
    if formatter is not None and type(formatter) is not logging.Formatter:
        return "live"
    style = formatter and (formatter._fmt, formatter.datefmt, type(formatter._style).__name__)
    return name, handler.level, style


def get_logging() -> Any:
    logging = _module("logging")
    if logging is None:
        return None
    loggers = {"": logging.root}
    loggers.update((n, x) for n, x in logging.root.manager.loggerDict.items() if isinstance(x, logging.Logger))
    found = {}
    for name, logger in loggers.items():
        handlers = [h for h in map(_handler, logger.handlers) if h is not None]
        facts = (logger.level, logger.propagate, logger.disabled, handlers)
        default: tuple[Any, ...] = (logging.WARNING if name == "" else 0, True, False, [])
        if facts != AGENT.base_logging.get(name, default):
            found[name] = facts
    levels = {k: v for k, v in logging._levelToName.items() if AGENT.base_levels.get(k, LEVELS.get(k)) != v}
    result = {"loggers": found, "disable": logging.root.manager.disable, "levels": levels}
    return result if found or levels or result["disable"] else None


def set_logging(value: Any) -> None:
    logging = importlib.import_module("logging")
    value = value or {"loggers": {}, "disable": 0, "levels": {}}
    logging.disable(value["disable"])
    for level, name in {**LEVELS, **AGENT.base_levels, **value["levels"]}.items():
        logging.addLevelName(level, name)
    for name, (level, propagate, disabled, handlers) in value["loggers"].items():
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        for handler in [h for h in logger.handlers if _handler(h) not in (None, "live")]:
            logger.removeHandler(handler)
        for stream, at, style in handlers:
            made = logging.StreamHandler(getattr(sys, stream))
            made.setLevel(at)
            if style is not None:
                kinds = {"PercentStyle": "%", "StrFormatStyle": "{", "StringTemplateStyle": "$"}
                made.setFormatter(logging.Formatter(style[0], style[1], kinds[style[2]]))
            logger.addHandler(made)


def get_locale() -> Any:
    locale = _module("locale")
    if locale is None:
        return None
    now = locale.setlocale(locale.LC_ALL)
    return now if now != AGENT.base_locale else None


def set_locale(value: Any) -> None:
    locale = importlib.import_module("locale")
    locale.setlocale(locale.LC_ALL, value or AGENT.base_locale)


def get_decimal() -> Any:
    decimal = _module("decimal")
    if decimal is None:
        return None
    context, default = decimal.getcontext(), decimal.Context()
    return context.copy() if repr(context).split("flags")[0] != repr(default).split("flags")[0] else None


def set_decimal(value: Any) -> None:
    decimal = importlib.import_module("decimal")
    decimal.setcontext(value.copy() if value is not None else decimal.Context())


def get_matplotlib() -> Any:
    matplotlib = _module("matplotlib")
    if matplotlib is None or not hasattr(matplotlib, "rcParamsOrig"):
        return {}
    skip = ("backend", "backend_fallback")
    now, then = dict.items(matplotlib.rcParams), matplotlib.rcParamsOrig
    found = {k: v for k, v in now if k not in skip and repr(v) != repr(dict.get(then, k))}
    colors = _module("matplotlib.colors")
    if colors is not None:
        base = {k: v for k, v in dict.items(colors.colorConverter.colors) if len(k) == 1}
        if base != dict(colors.BASE_COLORS.items()):
            found["<base colours>"] = base
    return found


def set_matplotlib(value: Any) -> None:
    if not value and _module("matplotlib") is None:
        return
    matplotlib = importlib.import_module("matplotlib")
    for key, default in dict.items(matplotlib.rcParamsOrig):
        if key not in ("backend", "backend_fallback"):
            dict.__setitem__(matplotlib.rcParams, key, value.get(key, default))
    if "<base colours>" in value:
        colors = importlib.import_module("matplotlib.colors")
        colors.colorConverter.colors.update(value["<base colours>"])
        colors.colorConverter.cache.clear()


def get_pandas() -> Any:
    config = _module("pandas._config.config")
    if config is None:
        return {}
    found = {}
    for key, option in config._registered_options.items():
        value = config.get_option(key) if key not in config._deprecated_options else option.defval
        if value != option.defval:
            found[key] = value
    return found


def set_pandas(value: Any) -> None:
    config = _module("pandas._config.config")
    if config is None and not value:
        return
    import pandas

    config = sys.modules["pandas._config.config"]
    for key, option in config._registered_options.items():
        if key in config._deprecated_options:
            continue
        wanted = value.get(key, option.defval)
        if config.get_option(key) != wanted:
            pandas.set_option(key, wanted)


def get_numpy() -> Any:
    numpy = _module("numpy")
    if numpy is None or not hasattr(numpy, "get_printoptions"):
        return {}
    found = {k: v for k, v in numpy.get_printoptions().items() if v != NUMPY_PRINT.get(k)}
    errors = {k: v for k, v in numpy.geterr().items() if v != NUMPY_ERR.get(k)}
    return {**found, **({"<errors>": errors} if errors else {})}


def set_numpy(value: Any) -> None:
    if not value and _module("numpy") is None:
        return
    import numpy

    options = {**NUMPY_PRINT, **{k: v for k, v in value.items() if k != "<errors>"}}
    known = numpy.get_printoptions()
    numpy.set_printoptions(**{k: v for k, v in options.items() if k in known})
    numpy.seterr(**{**NUMPY_ERR, **value.get("<errors>", {})})


def get_sklearn() -> Any:
    config = _module("sklearn._config")
    if config is None:
        return {}
    return {k: v for k, v in config.get_config().items() if v != config._global_config.get(k)}


def set_sklearn(value: Any) -> None:
    config = _module("sklearn._config")
    if config is None and not value:
        return
    config = importlib.import_module("sklearn._config")
    config.set_config(**{**config._global_config, **value})


def _reloader() -> Any:
    return getattr(AGENT.shell.magics_manager.registry.get("AutoreloadMagics"), "_reloader", None)


def get_extensions() -> Any:
    loaded = sorted(AGENT.shell.extension_manager.loaded - AGENT.base_extensions)
    reloader = _reloader()
    if reloader is None:
        return loaded
    return [*loaded, {k: getattr(reloader, k) for k in RELOADING if hasattr(reloader, k)}]


def set_extensions(value: Any) -> None:
    for item in value:
        if isinstance(item, str):
            AGENT.shell.extension_manager.load_extension(item)
        else:
            vars(_reloader()).update(item)


def _inline() -> Any:
    config = _module("matplotlib_inline.config")
    return config.InlineBackend.instance(parent=AGENT.shell) if config is not None else None


def get_shell() -> Any:
    shell, inline = AGENT.shell, _inline()
    found = {k: getattr(shell, k) for k in SHELL_TRAITS if getattr(shell, k, None) != AGENT.base_shell.get(k)}
    text = shell.display_formatter.formatters["text/plain"]
    found.update({"text." + k: getattr(text, k) for k in ("float_precision", "pprint", "max_width", "max_seq_length")})
    mode = getattr(shell.InteractiveTB, "mode", "")
    found = {k: v for k, v in found.items() if v != AGENT.base_text.get(k)}
    if mode != AGENT.base_mode:
        found["xmode"] = mode
    if inline is not None:
        for name in INLINE_TRAITS:
            value = getattr(inline, name)
            if value != inline.trait_defaults(name):
                found["inline." + name] = value
    limits = {"recursion": sys.getrecursionlimit(), "gc": gc.isenabled(), "umask": _umask()}
    found.update({k: v for k, v in limits.items() if v != AGENT.base_limits[k]})
    return found


def _umask() -> Any:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def set_shell(value: Any) -> None:
    shell = AGENT.shell
    value = {**AGENT.base_shell, **AGENT.base_text, "xmode": AGENT.base_mode, **AGENT.base_limits, **value}
    text = shell.display_formatter.formatters["text/plain"]
    for key, item in value.items():
        if key in SHELL_TRAITS:
            if getattr(shell, key, None) != item:
                setattr(shell, key, item)
        elif key.startswith("text."):
            if getattr(text, key[5:]) != item:
                setattr(text, key[5:], item)
        elif key == "xmode" and item:
            shell.InteractiveTB.set_mode(mode=item)
        elif key.startswith("inline."):
            importlib.import_module("matplotlib_inline.config")
            setattr(_inline(), key[7:], item)
        elif key == "recursion":
            sys.setrecursionlimit(item)
        elif key == "gc":
            gc.enable() if item else gc.disable()
        elif key == "umask":
            os.umask(item)


# Order of setting: where modules come from first, filters of warnings last (imports add some).
RESOURCES = {
    "environ": (get_environ, set_environ),
    "cwd": (get_cwd, set_cwd),
    "sys.path": (get_path, set_path),
    "sys.argv": (get_argv, set_argv),
    "time zone": (get_zone, set_zone),
    "locale": (get_locale, set_locale),
    "decimal": (get_decimal, set_decimal),
    "extensions": (get_extensions, set_extensions),
    "shell": (get_shell, set_shell),
    "logging": (get_logging, set_logging),
    "numpy": (get_numpy, set_numpy),
    "pandas": (get_pandas, set_pandas),
    "matplotlib": (get_matplotlib, set_matplotlib),
    "sklearn": (get_sklearn, set_sklearn),
    "random": (get_random, set_random),
    "numpy.random": (get_numpy_random, set_numpy_random),
    "torch.random": (get_torch_random, set_torch_random),
    "warnings": (get_warnings, set_warnings),
}
RANDOM = ("random", "numpy.random", "torch.random")
BEFORE_IMPORTS = ("environ", "cwd", "sys.path")


# ------------------------------------------------------------------------------------------------
# What a block does to files and to the world


_IMPORTLIB = os.path.dirname(importlib.__file__) + os.sep


class ImportDraws:
    """Keeps imports from counting as draws of unseeded random numbers.

    pandas draws one number when it is imported, scikit-learn two. Where nothing has seeded the generator nobody can
    tell, but a block that drew unseeded could never be kept. What an import drew is put back; a module that seeds is
    left alone. It wraps the step of the import system whose frames Python itself takes out of tracebacks.
    """

    WRAPPER = (
        "def _find_and_load(name, import_):\n"
        "    noted = before(name)\n"
        "    try:\n"
        "        return original(name, import_)\n"
        "    finally:\n"
        "        after(name, noted)\n"
    )

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.busy = False
        bootstrap: Any = importlib._bootstrap
        space: dict[str, Any] = {"before": self.before, "after": self.after, "original": bootstrap._find_and_load}
        exec(compile(self.WRAPPER, "<frozen importlib._bootstrap>", "exec"), space)
        bootstrap._find_and_load = space["_find_and_load"]

    def before(self, name: str) -> Any:
        if self.busy:
            return None
        self.busy = True
        return {n: v for n, v in ((n, self.untouched(n)) for n in ("random", "numpy.random")) if v is not None}

    def untouched(self, name: str) -> Any:
        value = RESOURCES[name][0]()
        return value if value is not None and not self.agent.random_digest(name)[0] else None

    def after(self, name: str, noted: Any) -> None:
        if name in ("numpy.random", "numpy.random.mtrand") and "numpy.random" not in self.agent.start_random:
            self.note_numpy()
        if noted is None:
            return
        self.busy = False
        try:
            if "numpy.random" not in self.agent.start_random:
                self.note_numpy()
            self.agent.note_import(name)
            for generator, value in noted.items():
                self.put_back(generator, value)
            if "numpy.random" not in noted and self.agent.fresh_numpy is not None:
                self.put_back("numpy.random", self.agent.fresh_numpy)
            self.agent.fresh_numpy = None
        except Exception:
            pass

    def note_numpy(self) -> None:
        value = RESOURCES["numpy.random"][0]()
        if value is not None:
            self.agent.fresh_numpy = value
            self.agent.start_random["numpy.random"] = _random_digest(value)

    def put_back(self, name: str, value: Any) -> None:
        now = RESOURCES[name][0]()
        if now is not None and _only_drew(name, value, now):
            RESOURCES[name][1](value)


def _random_digest(value: Any) -> Any:
    return hashlib.blake2b(pickle.dumps(value, 4), digest_size=16).hexdigest()


def _only_drew(name: str, before: Any, after: Any) -> Any:
    """Whether a generator came from one state to another by a few draws, and not by a seed."""
    if name == "random":
        import random

        made = random.Random()
        made.setstate(before)
        made.getrandbits(32 * 624)
        return after[1][:-1] in (before[1][:-1], made.getstate()[1][:-1]) and after != before
    numpy = sys.modules["numpy"]
    made = numpy.random.RandomState()
    made.set_state(before)
    made.bytes(4 * 624)
    keys = [before["state"]["key"], made.get_state(legacy=False)["state"]["key"]]
    moved = after["state"]["pos"] != before["state"]["pos"]
    return moved and any((after["state"]["key"] == key).all() for key in keys)


class Watch:
    """An audit hook that notes files and outside acts while a block runs, and can forbid them."""

    WRITES = frozenset(
        "os.remove os.rename os.mkdir os.rmdir os.truncate os.link os.symlink os.chmod os.chown os.utime "
        "shutil.copyfile shutil.move shutil.rmtree shutil.copytree shutil.make_archive shutil.unpack_archive".split()
    )
    OUTSIDE: ClassVar[dict[str, str]] = {
        "subprocess.Popen": "process", "os.system": "process", "os.exec": "process", "os.posix_spawn": "process",
        "os.spawn": "process", "os.fork": "process", "os.forkpty": "process", "pty.spawn": "process",
        "socket.connect": "network", "socket.bind": "network", "socket.sendto": "network",
        "socket.getaddrinfo": "network", "socket.gethostbyname": "network", "urllib.Request": "network",
        "http.client.connect": "network", "ftplib.connect": "network", "smtplib.connect": "network",
        "webbrowser.open": "process", "sqlite3.connect": "database", "os.kill": "process", "os.putenv": "",
    }  # fmt: skip
    LISTS = frozenset({"os.listdir", "os.scandir", "glob.glob", "os.walk"})

    def __init__(self) -> None:
        self.on = False
        self.guarded = False
        roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, "/usr", "/proc", "/sys", "/dev", "/etc", "/lib", "/opt"}
        home = os.path.expanduser("~")
        roots |= {os.path.join(home, part) for part in (".cache", ".config", ".ipython", ".jupyter", ".matplotlib")}
        self.ignored = tuple(os.path.realpath(root) + os.sep for root in roots) + tuple(r + os.sep for r in roots)
        self.ignored += (os.path.join(os.path.realpath("/tmp"), "ipykernel_"),)
        self.clear()

    def clear(self) -> None:
        self.read: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        self.outside: list[str] = []
        self.denied: list[str] = []
        self.lists = False
        self.ids = False

    def __call__(self, event: str, args: Any) -> None:
        if not self.on:
            return
        if event == "builtins.id":
            self.ids = self.ids or sys._getframe(1).f_globals is AGENT.user_ns
        elif event == "open":
            self.open(*args)
        elif self.OUTSIDE.get(event):
            if event == "sqlite3.connect" and args and args[0] in (":memory:", ""):
                return
            if not self.importing():
                text = f"{self.OUTSIDE[event]}: {event}"
                self.outside.append(text)
                self.deny(text)
        elif event in self.WRITES:
            for path in args[:2]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    self.write(path, event)
        elif event in self.LISTS and not self.importing():
            self.lists = True

    def importing(self) -> Any:
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(("<frozen importlib", _IMPORTLIB)):
                return True
            if name.startswith("<ipython") or "ipykernel_" in name:
                return False
            frame = frame.f_back
        return False

    def open(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        if mode is not None and isinstance(mode, str):
            writes, both = any(c in mode for c in "wax+"), any(c in mode for c in "a+")
        else:
            flags = flags or 0
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            both = bool(flags & (os.O_RDWR | os.O_APPEND))
        if writes:
            self.write(path, "a" if both else "w")
        else:
            name = self.name(path)
            if name is not None and not name.endswith(".pyc"):
                self.note(name)

    def note(self, name: str) -> None:
        if name not in self.read and name not in self.written:
            try:
                facts = os.stat(name)
            except OSError:
                self.read[name] = None
            else:
                self.read[name] = [facts.st_mtime_ns, facts.st_size, facts.st_ino]

    def write(self, path: Any, how: Any) -> None:
        name = self.name(path)
        if name is None or "__pycache__" in name:
            return
        self.written.setdefault(name, how)
        if self.guarded:
            self.deny("writes " + name)

    def deny(self, what: Any) -> None:
        if self.guarded:
            self.denied.append(what)
            raise AheadDenied(what)

    def name(self, path: str) -> Any:
        try:
            text = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return None
        return None if text.startswith(self.ignored) else text


# ------------------------------------------------------------------------------------------------


class Group:
    """Variables that are pickled, loaded and kept as one."""

    __slots__ = ("names", "digest", "live", "refs", "types", "stream", "buffers")

    def __init__(
        self, names: Any, digest: Any, live: Any, refs: Any, types_: Any, stream: Any = b"", buffers: Any = ()
    ) -> None:
        self.names, self.digest, self.live, self.refs = names, digest, live, refs
        self.types, self.stream, self.buffers = types_, stream, buffers


class _Picked:
    """One variable, pickled by itself: what it shares, and why it can't be handed on."""

    __slots__ = ("stream", "buffers", "refs", "objects", "arrays", "owners", "live", "costly")

    def __init__(self) -> None:
        self.stream = b""
        self.buffers: list[Any] = []
        self.refs: set[str] = set()
        self.objects: dict[int, Any] = {}
        self.arrays: list[Any] = []
        self.owners: dict[int, Any] = {}
        self.live, self.costly = "", False


# What IPython itself sets, and what is state of the process.
OWN_HOOKS = {
    "builtins": frozenset({"input", "getpass", "display", "get_ipython", "help"}),
    "sys": frozenset(
        "excepthook displayhook stdout stderr stdin argv path last_type last_value last_traceback last_exc ps1 ps2"
        " path_importer_cache".split()
    ),
    "time": frozenset({"tzname", "timezone", "altzone", "daylight"}),
}


class Agent:
    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.user_ns = shell.user_ns
        self.groups: dict[Any, Any] = {}
        self.axes_apart = self.memory_seen = self.identity_seen = False
        self.heavy: set[Any] = set()
        self.keep: list[Any] = []
        self.finalized: set[int] = set()
        self.mapped: list[Any] = []
        self.stored: dict[Any, Any] = {}
        self.facts: dict[Any, Any] = {}
        self.raws: dict[str, Any] = {}
        self.own_files: dict[str, bool] = {}
        self.prints: dict[str, Any] = {}
        self.cells: list[Any] = []
        self.start_random: dict[Any, Any] = {}
        self.fresh_numpy = None
        self.snapshots: dict[Any, Any] = {}
        self.seeding: dict[Any, Any] = {}
        self.watch = Watch()
        self.imported: set[Any] = set()
        self.hidden = HIDDEN | {n for n in self.user_ns if n.startswith("_") and n not in ("__warningregistry__",)}
        self.base_environ = dict(os.environ)
        self.base_cwd = os.getcwd()
        self.base_path = list(sys.path)
        self.base_extensions = set(shell.extension_manager.loaded)
        self.base_locale = None
        self.base_logging: dict[Any, Any] = {}
        self.base_levels: dict[Any, Any] = {}
        self.base_argv = list(sys.argv)
        self.base_zone = _zone()
        self.base_filters: list[Any] = []
        self.base_limits = {"recursion": sys.getrecursionlimit(), "gc": gc.isenabled(), "umask": _umask()}
        self.base_shell = {k: getattr(shell, k, None) for k in SHELL_TRAITS}
        text = shell.display_formatter.formatters["text/plain"]
        self.base_text = {
            "text." + k: getattr(text, k) for k in ("float_precision", "pprint", "max_width", "max_seq_length")
        }
        self.base_mode = getattr(shell.InteractiveTB, "mode", "")
        self.base_streams = (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook)
        self.base_magics = {id(f) for kind in shell.magics_manager.magics.values() for f in kind.values()}
        self.base_transformers = _transformers(shell)

    def start(self) -> None:
        """Take the defaults of this process, once the agent itself is installed."""
        _hide_ours()
        self.base_environ = dict(os.environ)
        locale = importlib.import_module("locale")
        self.base_locale = locale.setlocale(locale.LC_ALL)
        found = get_logging()
        self.base_logging = dict(found["loggers"]) if found else {}
        self.base_levels = dict(found["levels"]) if found else {}
        self.base_filters = get_warnings()["filters"] or []
        for name in RANDOM:
            digest = self.random_digest(name)[0]
            if digest:
                self.start_random[name] = digest
        for name, module in list(sys.modules.items()):
            if not name.startswith("_") and hasattr(module, "__dict__"):
                self.prints[name] = dict(zip(held := vars(module), map(id, held.values())))
        ImportDraws(self)
        history = getattr(self.shell, "history_manager", None)
        if history is not None:
            history.enabled = False  # the person's history is not written to, nor waited for
        kernel: Any = getattr(self.shell, "kernel", None)
        if hasattr(kernel, "_execute_sleep"):
            kernel._execute_sleep = 0  # before each reply, for outputs to get ahead of it: they are waited for anyway
        sys.addaudithook(self.watch)
        self.shell.events.register("pre_run_cell", self.before_cell)

    # -- what pickling asks

    def pandas_copies_on_write(self) -> Any:
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return False
        if int(pandas.__version__.split(".")[0]) >= 3:
            return True
        try:
            return pandas.options.mode.copy_on_write is True
        except Exception:
            return False

    def code_facts(self, code: Any) -> Any:
        """The global names of a function of the notebook, and the text of its cell."""
        known = self.facts.get(code)
        if known is None:
            import linecache

            names = _globals_of(code)
            if names & OPAQUE_GLOBALS:
                names.add("*")
            entry: Any = linecache.cache.get(code.co_filename)
            source = None
            if entry is not None and entry[1] is None:
                number = getattr(self.shell.compile, "_filename_map", {}).get(code.co_filename, 0)
                source = ("".join(entry[2]), number, self.raws.get(code.co_filename))
            known = self.facts[code] = (frozenset(names), source)
        return known

    def class_refs(self, cls: Any) -> Any:
        names = set()
        for value in vars(cls).values():
            for function in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
                if isinstance(function, types.FunctionType):
                    names |= self.code_facts(function.__code__)[0]
        return names

    def register_source(self, text: str, number: Any, raw: Any) -> Any:
        """The file name that a cell gets: it is made from the text as it was typed, magics and all."""
        name = self.shell.compile.cache(text, number, raw or text)
        self.raws[name] = raw
        return name

    def note_raw(self, info: Any) -> None:
        raw = getattr(info, "raw_cell", None)
        if raw is not None:
            name = self.shell.compile.get_code_name(raw, raw, self.shell.execution_count)
            self.raws[name] = raw

    # -- names

    def names(self) -> Any:
        return [n for n in list(self.user_ns) if n not in self.hidden and not HISTORY.fullmatch(n)]

    def value(self, name: str) -> Any:
        if not name.startswith("@"):
            return self.user_ns[name]
        kind, path, attribute = name[1:].split("|")
        if kind == "module":
            return self.module_data(path)
        return _attribute(_resolve(path), attribute)

    def assign(self, name: str, value: Any) -> None:
        if not name.startswith("@"):
            self.user_ns[name] = value
            return
        kind, path, attribute = name[1:].split("|")
        if kind == "module":
            module = importlib.import_module(path)
            for key, item in value.items():
                owner, _, part = key.rpartition(".")
                setattr(getattr(module, owner) if owner else module, part, item)
        elif isinstance(value, _Gone):
            delattr(_resolve(path), attribute)
        else:
            setattr(_resolve(path), attribute, value)

    def local_modules(self) -> Any:
        """Modules of the person's own: not of the standard library, not installed."""
        found = {}
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if not path:
                continue
            own = self.own_files.get(path)
            if own is None:
                own = self.is_own_file(path)
                if os.path.isabs(path):
                    self.own_files[path] = own
            if own and name not in ("__main__", MODULE) and not name.startswith(("ipykernel", "IPython")):
                found[name] = os.path.abspath(path)
        return found

    def is_own_file(self, path: str) -> bool:
        """Whether a module's file is neither of the standard library nor installed."""
        if "site-packages" in path or "dist-packages" in path or not path.endswith(".py"):
            return False
        return not os.path.abspath(path).startswith((*self.watch.ignored, _STDLIB))

    def module_data(self, name: str) -> Any:
        skip = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
        found: dict[str, Any] = {}
        for key, value in vars(sys.modules[name]).items():
            if isinstance(value, type) and value.__module__ == name and not issubclass(value, enum.Enum):
                found.update((f"{key}.{part}", item) for part, item in _class_data(value).items())
            elif not key.startswith("__") and not isinstance(value, skip):
                found[key] = value
        return found

    # -- pickling variables

    def pick(self, name: str, deadline: Any, views: Any = ()) -> Any:
        picked, made = _Picked(), (EXACT if self.identity_seen else PICKLER)(self, views, deadline)
        value = self.value(name)
        if name.startswith("@module|"):
            value = self.module_part(value, deadline)
        try:
            made.dump([value])
            if not self.identity_seen and _has_nan(made.stream.getvalue()):
                made = EXACT(self, views, deadline)
                made.dump([value])
        except Exception as error:
            picked.live = str(error) if isinstance(error, Live) else f"{type(error).__name__}: {error}"
            picked.costly = isinstance(error, TooCostly)
        else:
            picked.stream = made.stream.getvalue()
            if b"__main__" in picked.stream and _names_main(picked.stream):
                picked.live = "refers to something that only this kernel has"
            elif not _sets_keep_order(made):
                picked.live = "a set whose order a copy would not keep"
            elif made.doubtful and not _loads_again(picked.stream, made.buffers):
                picked.live = "it can be pickled, but not loaded"
            elif made.twice or (self.identity_seen and isinstance(value, str) and value.isidentifier()):
                picked.live = "one object in several places, in a notebook that asks what is the same"
        picked.buffers, picked.refs, picked.arrays, picked.owners = made.buffers, made.refs, made.arrays, made.owners
        if isinstance(value, str) and len(value) < 10000:
            picked.refs |= {"'" + word for word in IDENTIFIER.findall(value)}
        memo = made.memo.copy()
        apart = made.axes - {id(value)}
        picked.objects = {k: item[1] for k, item in memo.items() if k not in apart and self.shares(item[1])}
        picked.objects.pop(id(None), None)
        picked.objects.update(made.atoms)
        if picked.live:
            self.look_inside(value, picked)
        if self.shares(value):
            picked.objects[id(value)] = value
        return picked

    def look_inside(self, value: Any, picked: Any) -> None:
        """What an object that wasn't pickled to its end holds, and may share with others."""
        numpy = sys.modules.get("numpy")
        seen = {id(self), id(self.shell), id(self.user_ns), id(sys.modules), id(builtins.__dict__), id(picked)}
        waiting = [value]
        while waiting and len(seen) < LOOKED_AT:
            obj = waiting.pop()
            if id(obj) in seen or isinstance(obj, UNSHARED):
                continue
            seen.add(id(obj))
            if isinstance(obj, (type, types.FunctionType)):
                if _resolves(obj):
                    continue
                picked.refs |= self.direct_refs(obj)
            if type(obj) is dict and "__builtins__" in obj:
                continue  # the globals of a module
            if self.shares(obj):
                picked.objects[id(obj)] = obj
            if numpy is not None and isinstance(obj, numpy.ndarray) and obj.size and not obj.dtype.hasobject:
                picked.arrays.append((*_extents(obj), obj, False))
            waiting += gc.get_referents(obj)

    def is_mapped(self, address: Any) -> Any:
        """Whether this is memory of a file that was handed on."""
        return any(low <= address < high for low, high, _, _ in self.mapped)

    def shares(self, obj: Any) -> Any:
        """Whether it would show if this object were two."""
        if isinstance(obj, types.ModuleType):
            return False
        if isinstance(obj, ATOMIC):
            return self.identity_seen and not _single(obj)
        if isinstance(obj, (type, types.FunctionType)):
            return not _resolves(obj)
        kind = type(obj)
        if "function" in kind.__name__ and _resolves(obj):
            return False
        if kind is re.Pattern or (isinstance(obj, (enum.Enum, datetime.tzinfo)) and _resolves(kind)):
            return False  # loading gives the one object again
        pandas = sys.modules.get("pandas")
        if pandas is not None:
            if isinstance(obj, pandas.api.extensions.ExtensionDtype):
                return False
            if kind is list and any(obj is c._metadata for c in (pandas.DataFrame, pandas.Series)):
                return False
        if kind.__module__ == "numpy" and "dtype" in kind.__name__.lower():
            return False
        return not (kind.__module__.startswith("numpy.dtypes") or kind.__module__.startswith("pandas.core.dtypes"))

    def module_part(self, data: Any, deadline: Any) -> Any:
        kept = {}
        for key, value in data.items():
            try:
                PICKLER(self, (), deadline).dump([value])
            except Exception:
                continue
            kept[key] = value
        return kept

    def partition(self, names: Any, picked: Any) -> Any:
        """Unite the names whose objects or memory are shared. Returns lists of names and shared arrays."""
        parent = {name: name for name in names}

        def find(name: str) -> Any:
            while parent[name] != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        owner: dict[int, str] = {}
        arrays: list[Any] = []
        stuck: dict[str, str] = {}
        for name in names:
            for key, obj in picked[name].objects.items():
                if key in owner:
                    parent[find(name)] = find(owner[key])
                    if self.identity_seen and isinstance(obj, ATOMIC):
                        stuck[name] = "one object under two names, in a notebook that asks what is the same"
                else:
                    owner[key] = name
            arrays += [(low, high, obj, exempt, name) for low, high, obj, exempt in picked[name].arrays]
        for name in names:
            for key in picked[name].owners:
                if key in owner:
                    parent[find(name)] = find(owner[key])
                    stuck[name] = "an array over the memory of a bytearray"
        views: set[int] = set()
        for cluster in _overlapping(arrays):
            plain = [a for a in cluster if a[3] is False]
            blocks = {(a[4], id(a[2])) for a in cluster if a[3] == "block"}
            if self.memory_seen and len({a[4] for a in cluster}) > 1:
                stuck.update((a[4], "memory that is shared, in a notebook that asks what is") for a in cluster)
                for item in cluster[1:]:
                    parent[find(item[4])] = find(cluster[0][4])
                continue
            if not plain or len({id(a[2]) for a in cluster}) < 2:
                if any(a[3] is True for a in cluster) and len({id(a[2]) for a in cluster}) > 1:
                    stuck.update((a[4], "memory that several share") for a in cluster)
                continue
            for item in cluster[1:]:
                parent[find(item[4])] = find(cluster[0][4])
            if len(blocks) > 1 or any(a[3] is True for a in cluster):
                stuck.update((a[4], "memory shared by several frames and an array") for a in cluster)
            else:
                views |= {id(a[2]) for a in cluster} | {id(_owner(a[2])) for a in cluster}
                for item in cluster:
                    if item[3] == "block" and item[2].base is not None:
                        views.add(id(item[2].base))
        united: dict[Any, Any] = {}
        for name in names:
            united.setdefault(find(name), []).append(name)
        return list(united.values()), views, stuck

    def groups_of(self, names: Any, deadline: Any) -> Any:
        """Pickle these variables into groups, reaching on to what their functions name."""
        self.keep = []
        self.finalized = _finalized()
        try:
            picked = {name: self.pick(name, deadline) for name in names}
            parts, views, stuck = self.partition(names, picked)
            made = []
            for part in parts:
                live = {n: picked[n].live or stuck.get(n, "") for n in part}
                live = {n: reason for n, reason in live.items() if reason}
                refs = set().union(*(picked[n].refs for n in part))
                kinds = {n: _kind(self.value(n)) for n in part}
                if live:
                    made.append(Group(part, "", live, refs, kinds))
                    self.heavy.update(n for n in part if picked[n].costly)
                elif len(part) == 1 and not (views & {id(a[2]) for a in picked[part[0]].arrays}):
                    made.append(self.group(part, picked[part[0]].stream, picked[part[0]].buffers, refs, kinds))
                else:
                    made.append(self.joint(part, views, refs, kinds, deadline))
            return made
        finally:
            self.keep = []

    def joint(self, part: Any, views: Any, refs: Any, kinds: Any, deadline: Any) -> Any:
        pickler: Any = None
        values = [self.value(n) for n in part]
        values = [self.module_part(v, deadline) if n.startswith("@module|") else v for n, v in zip(part, values)]
        try:
            for kind in (PICKLER, EXACT):
                pickler = kind(self, views, deadline)
                pickler.dump(values)
                if not _has_nan(pickler.stream.getvalue()):
                    break
        except Exception as error:
            return Group(part, "", {part[0]: str(error)}, refs, kinds)
        stream = pickler.stream.getvalue()
        if not _sets_keep_order(pickler):
            return Group(part, "", {part[0]: "a set whose order a copy would not keep"}, refs, kinds)
        return self.group(part, stream, pickler.buffers, refs, kinds)

    def group(self, part: Any, stream: Any, buffers: Any, refs: Any, kinds: Any) -> Any:
        known = [(raw, self.buffer_id(raw)) for raw in buffers]
        digest = hashlib.blake2b(stream, digest_size=20)
        for _, ident in known:
            digest.update(ident.encode())
        digest.update("\0".join(part).encode())
        return Group(part, digest.hexdigest(), {}, refs, kinds, stream, known)

    def buffer_id(self, raw: Any) -> Any:
        if raw.nbytes <= HASHED:
            return hashlib.blake2b(raw, digest_size=20).hexdigest()
        address = _address(raw)
        for low, high, path, offsets in self.mapped:
            if low <= address and address + raw.nbytes <= high:
                known = offsets.get(address - low)
                same = known and known[0] == raw.nbytes
                if same and (_clean(address, address + raw.nbytes) or _same_bytes(raw, path, address - low)):
                    return known[1]
        known = self.stored.get((address, raw.nbytes))
        if known is not None and _same_bytes(raw, *known[:2]):
            return known[2]
        return "u" + os.urandom(16).hex()

    # -- process state

    def random_digest(self, name: str) -> Any:
        """Digest and value of a random generator's state; "" where nothing touched it since the kernel began."""
        value = RESOURCES[name][0]()
        if value is None:
            return "", None
        digest = _random_digest(value)
        return ("", None) if digest == self.start_random.get(name) else (digest, value)

    def pristine(self) -> Any:
        """Generators that were seeded, by somebody or by nobody, and not drawn from."""
        found = []
        at: Any
        for name, at in (("random", lambda v: v[1][-1]), ("numpy.random", lambda v: v["state"]["pos"])):
            value = RESOURCES[name][0]()
            if value is not None and at(value) == 624:
                found.append(name)
        return found

    def state(self) -> Any:
        """Digest and payload of each resource; "" is its default."""
        found, stuck = {}, {}
        for name, (get, _) in RESOURCES.items():
            try:
                if name in RANDOM:
                    digest, value = self.random_digest(name)
                    found[name] = (digest, pickle.dumps(value, 4) if digest else None)
                    continue
                value = get()
                if not value or (name == "warnings" and value == {"filters": None, "seen": {}, "once": {}}):
                    found[name] = ("", None)
                    continue
                if name == "logging" and any("live" in facts[3] for facts in value["loggers"].values()):
                    raise Live("logging handlers")
                stream = pickle_plain(self, value)
                digest = hashlib.blake2b(stream, digest_size=16).hexdigest()
                found[name] = (digest, stream)
            except Exception as error:
                stuck[name] = f"{type(error).__name__}: {error}"
                found[name] = ("live-" + os.urandom(8).hex(), None)
        return found, stuck

    def stuck(self) -> Any:
        """State that can't be handed to another kernel, and why."""
        found = {}
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and pyplot.get_fignums():
            found["figures"] = "an open figure"
        if (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook) != self.base_streams:
            found["streams"] = "sys.stdout, sys.stderr or a hook is replaced"
        threading = sys.modules.get("threading")
        for thread in threading.enumerate() if threading else ():
            if getattr(getattr(thread, "_target", None), "__globals__", None) is self.user_ns:
                found["threads"] = "a running thread"
        asyncio = sys.modules.get("asyncio")
        try:
            tasks = asyncio.all_tasks() if asyncio else ()
        except RuntimeError:
            tasks = ()
        for task in tasks:
            frame = getattr(task.get_coro(), "cr_frame", None)
            if frame is not None and frame.f_globals is self.user_ns:
                found["tasks"] = "a pending task"
        for formatter in self.shell.display_formatter.formatters.values():
            for printers in (getattr(formatter, "type_printers", {}), getattr(formatter, "deferred_printers", {})):
                if any(getattr(f, "__globals__", None) is self.user_ns for f in printers.values()):
                    found["formatters"] = "a display formatter of the notebook"
        for kind in self.shell.magics_manager.magics.values():
            functions = [f for f in kind.values() if isinstance(f, (types.FunctionType, types.MethodType))]
            if any(
                getattr(f, "__globals__", None) is self.user_ns for f in functions
            ):  # others may be lazy: a look would import them
                found["magics"] = "a magic of the notebook"
        if _transformers(self.shell) != self.base_transformers:
            found["transformers"] = "an input transformer"
        for callbacks in self.shell.events.callbacks.values():
            if any(getattr(f, "__globals__", None) is self.user_ns for f in callbacks):
                found["events"] = "a callback of the notebook"
        signal: Any = sys.modules.get("signal")
        for number in ("SIGALRM", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT") if signal else ():
            handler = signal.getsignal(getattr(signal, number)) if hasattr(signal, number) else None
            if getattr(handler, "__globals__", None) is self.user_ns:
                found["signals"] = "a signal handler of the notebook"
        if getattr(self.shell, "custom_exceptions", None):
            found["exceptions"] = "an exception handler of the notebook"
        mock: Any = sys.modules.get("unittest.mock")
        if mock is not None and getattr(mock._patch, "_active_patches", None):
            found["mocks"] = "a mock.patch that was not stopped"
        for name in self.local_modules():
            cached = (v for v in vars(sys.modules[name]).values() if type(v).__name__ == "_lru_cache_wrapper")
            if any(function.cache_info().currsize for function in cached):
                found["caches"] = f"a cache that a function of {name} has filled"
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "geterrcall") and numpy.geterrcall() is not None:
            found["numpy"] = "a function that numpy calls at errors"
        if any(_of_notebook(type(finder)) for finder in sys.meta_path):
            found["importers"] = "an importer of the notebook"
        if any(map(_of_user, copyreg.dispatch_table.values())):
            found["copyreg"] = "a way to pickle that the notebook told copyreg"
        if sys.gettrace() is not None and getattr(sys.gettrace(), "__globals__", None) is self.user_ns:
            found["trace"] = "a trace function"
        return found

    # -- attributes patched onto modules and classes

    def patchable(self) -> Any:
        """Modules and classes whose attributes a notebook may have replaced, by a path that finds them again."""
        found: dict[str, Any] = {"builtins": builtins}
        for value in list(self.user_ns.values()):
            if isinstance(value, types.ModuleType) and value.__name__ not in ("__main__", MODULE):
                found[value.__name__] = value
                for key, item in list(vars(value).items()):
                    if isinstance(item, type) and not key.startswith("_") and _resolves(item):
                        found[item.__module__ + ":" + item.__qualname__] = item
            elif isinstance(value, type) and _resolves(value):
                found[value.__module__ + ":" + value.__qualname__] = value
            elif type(value).__module__ != "__main__" and _resolves(type(value)):
                kind = type(value)
                found[kind.__module__ + ":" + kind.__qualname__] = kind
        for name in self.local_modules():
            for item in list(vars(sys.modules[name]).values()):
                if isinstance(item, type) and _resolves(item):
                    found[item.__module__ + ":" + item.__qualname__] = item
        return found

    def note_import(self, name: str) -> None:
        """What a module and its classes hold when it was just imported."""
        parts = name.split(".")
        for number in range(len(parts)):
            path = ".".join(parts[: number + 1])
            module = sys.modules.get(path)
            if path in self.prints or not isinstance(module, types.ModuleType):
                continue
            held = list(vars(module).items())
            self.prints[path] = {k: id(v) for k, v in held}
            for key, item in held:
                if isinstance(item, type) and not key.startswith("_") and _resolves(item):
                    place = item.__module__ + ":" + item.__qualname__
                    self.prints.setdefault(place, {k: id(v) for k, v in vars(item).items()})

    def fingerprints(self) -> Any:
        return {path: {k: id(v) for k, v in vars(target).items()} for path, target in self.patchable().items()}

    def patches(self, before: Any) -> Any:
        """Names of pseudo-variables for attributes that were replaced, added by the notebook, or removed."""
        found = []
        local = self.local_modules()
        for path, target in self.patchable().items():
            if isinstance(target, types.ModuleType) and target.__name__ in local:
                continue
            then = before.get(path) or self.prints.get(path)
            for key, value in list(vars(target).items()):
                if key.startswith("__") and key.endswith("__") and not self.of_notebook(value):
                    continue
                if key in OWN_HOOKS.get(path, ()):
                    continue
                changed = then is not None and key in then and then[key] != id(value)
                added = then is not None and key not in then and isinstance(target, type) and not _resolves(value)
                if ((changed or added) and not key.startswith("_")) or self.of_notebook(value):
                    found.append(f"@patch|{path}|{key}")
        return found

    def of_notebook(self, value: Any) -> Any:
        if type(value) in PLAIN:
            return False
        if type(value) is types.FunctionType and not value.__dict__:
            return value.__globals__ is self.user_ns
        for item in (value, *(_held(value, name) for name in ("__func__", "fget", "__wrapped__"))):
            if type(item) is types.FunctionType and item.__globals__ is self.user_ns:
                return True
            if isinstance(item, type) and _of_notebook(item):
                return True
        if isinstance(value, types.ModuleType):
            return False
        held = _held(value, "__dict__")
        held = list(held.values()) if isinstance(held, dict) and not isinstance(value, type) else ()
        return _of_notebook(type(value)) or any(
            (isinstance(h, type) and _of_notebook(h)) or _held(h, "__globals__") is self.user_ns for h in held
        )

    # -- requests

    def hello(self, request: Any) -> Any:
        self.axes_apart = bool(request.get("axes_apart"))
        self.memory_seen = bool(request.get("memory_seen"))
        self.identity_seen = bool(request.get("identity_seen"))
        if "cwd" in request:
            self.move(request["cwd"], request["began_with"], request["environ"])
        return {
            "pid": os.getpid(),
            "python": sys.version,
            "executable": sys.executable,
            "cloudpickle": _pickler_base() is not pickle.Pickler,
        }

    def move(self, cwd: str, began_with: Any, environ: Any) -> None:
        """Be as if this kernel had been started here, with these environment variables.

        What the kernel itself set when it began (MPLBACKEND, PAGER, …) stays.
        """
        os.chdir(cwd)
        self.base_cwd = os.getcwd()
        self.shell.starting_dir = self.base_cwd
        self.user_ns["_dh"][:] = [type(place)(self.base_cwd) for place in self.user_ns["_dh"][:1]]
        own = {k: v for k, v in os.environ.items() if began_with.get(k) != v}
        for key in set(os.environ) - set(environ) - set(own):
            del os.environ[key]
        os.environ.update({**environ, **own})
        _hide_ours()
        self.base_environ = dict(os.environ)

    def sync(self, request: Any) -> Any:
        """Bring this kernel to the state of the main line.

        request: imports [module], state {resource: [digest, payload hex]}, groups [manifest], delete [name],
        modules_path, count (execution count of the next cell).
        """
        self.watch.on = False
        missing: list[str] = []
        state = request.get("state", {})
        self.set_state({k: v for k, v in state.items() if k in BEFORE_IMPORTS})
        self.import_all(request.get("imports", ()), missing)
        for name in request.get("delete", ()):
            self.user_ns.pop(name, None)
            self.groups.pop(name, None)
        started = time.monotonic()
        unloaded = []
        for manifest in request.get("groups", ()):
            try:
                self.load(manifest)
            except Exception as error:
                unloaded.append([manifest["names"], f"{type(error).__name__}: {error}"])
        self.set_state({k: v for k, v in state.items() if k not in BEFORE_IMPORTS})
        self.import_all(request.get("ahead", ()), missing)
        if request.get("count"):
            self.shell.execution_count = request["count"]
        return {"seconds": time.monotonic() - started, "missing": missing, "unloaded": unloaded}

    def import_all(self, names: Any, missing: Any) -> None:
        for name in names:
            if name not in self.imported:
                self.imported.add(name)
                try:
                    importlib.import_module(name)
                except Exception as error:
                    missing.append([name, f"{type(error).__name__}: {error}"])

    def set_state(self, state: Any) -> None:
        now = None
        for name, (_, put) in RESOURCES.items():
            if name not in state:
                continue
            digest, payload = state[name]
            if name in RANDOM and not digest:
                continue
            now = now or self.state()[0]
            if now[name][0] == digest and name != "warnings":
                continue
            put(pickle.loads(bytes.fromhex(payload)) if payload else RESOURCE_DEFAULTS.get(name, {}))

    def load(self, manifest: Any) -> None:
        start, length = manifest["stream"]
        stream: Any
        buffers: Any
        with open(manifest["file"], "rb") as handle:
            if manifest["buffers"]:
                mapping = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
                view = memoryview(mapping)
                buffers = [view[offset : offset + size] for offset, size, _ in manifest["buffers"]]
                stream = view[start : start + length]
                low = _address(view)
                offsets = {offset: (size, ident) for offset, size, ident in manifest["buffers"]}
                self.mapped.append((low, low + len(view), manifest["file"], offsets))
            else:
                handle.seek(start)
                stream, buffers = handle.read(length), ()
        values = loads(stream, buffers)
        group = Group(manifest["names"], manifest["digest"], {}, set(manifest["refs"]), manifest["types"])
        for name, value in zip(manifest["names"], values):
            self.assign(name, value)
            self.groups[name] = group

    def begin(self, request: Any) -> Any:
        """request: guarded, seeds {ordinal of cell: [resource]}."""
        self.before_names = {n: id(self.user_ns[n]) for n in self.names()}
        self.before_prints = self.fingerprints()
        self.before_state, _ = self.state()
        self.seeding = {int(k): v for k, v in request.get("seeds", {}).items()}
        self.ordinal = -1
        self.seeded: set[str] = set()
        self.watch.clear()
        self.watch.guarded = bool(request.get("guarded"))
        self.watch.on = True
        self.started = time.monotonic()
        return {"names": sorted(self.before_names)}

    def before_cell(self, info: Any = None) -> None:
        self.note_raw(info)
        if not self.watch.on:
            return
        self.ordinal += 1
        for name in self.seeding.get(self.ordinal, ()):
            if self.random_digest(name)[0] == self.before_state[name][0]:
                self.seeded.add(name)

    def finish(self, request: Any) -> Any:
        """What the block did.

        request: touched [name], "*" for all, or null to leave variables out, file (path to store changed groups
        in, or null), budget (seconds that pickling may take, or null), state (whether to report it).
        """
        self.watch.on = self.watch.guarded = False
        began = time.monotonic()
        budget = request.get("budget")
        deadline = None if budget is None else began + budget
        names = self.names()
        changed, gone = [], []
        if request["touched"] is not None:
            candidates = self.candidates(request["touched"], names, deadline)
            changed, gone = self.changes(candidates, deadline)
        answer = {
            "deleted": sorted(set(self.before_names) - set(names)) + gone,
            "names": names,
            "groups": [],
            "live": [],
            "failed": "",
        }
        groups = [g for g in changed if not g.live]
        large = sum(raw.nbytes for g in groups for raw, _ in g.buffers)
        worth = request.get("worth")
        if request.get("file") and groups and (worth is None or large < 1 << 28 or large / 1e9 < worth):
            try:
                answer["groups"] = self.write(request["file"], groups)
            except OSError as error:
                answer["failed"] = str(error)
                answer["groups"] = [self.manifest(g, None, [0, 0], []) for g in groups]
        else:
            answer["groups"] = [self.manifest(g, None, [0, 0], []) for g in groups]
        for group in self.groups.values():
            group.stream, group.buffers = b"", ()
        answer["live"] = [
            {"names": g.names, "digest": g.digest, "why": g.live, "types": g.types, "refs": sorted(g.refs)}
            for g in changed
            if g.live
        ]
        state, stuck = self.state()
        before = self.before_state
        answer["state_before"] = {k: v[0] for k, v in before.items()}
        answer["state"] = {k: [d, p.hex() if p else None] for k, (d, p) in state.items() if d != before[k][0]}
        answer["stuck"] = {**stuck, **self.stuck()}
        answer["seeded"], answer["pristine"] = sorted(self.seeded), self.pristine()
        watch = self.watch
        answer["read"] = dict(watch.read.items())
        answer["written"], answer["outside"] = dict(watch.written), sorted(set(watch.outside))
        answer["denied"], answer["lists"] = watch.denied, watch.lists
        answer["modules"] = self.local_modules()
        answer["metrics"] = self.metrics(request.get("metrics", ()))
        answer["seconds"] = time.monotonic() - began
        return answer

    def metrics(self, names: Any) -> Any:
        """The numbers among these variables; those of a dictionary by `name.key`."""
        import numbers

        found: dict[str, int | float | str] = {}
        for name in names:
            value = self.user_ns.get(name)
            items = value.items() if isinstance(value, dict) else [(None, value)]
            for key, item in items:
                plain: Any = item.item() if getattr(item, "shape", None) == () and hasattr(item, "item") else item
                if not isinstance(plain, numbers.Real) or isinstance(plain, bool):
                    continue
                number, label = float(plain), name if key is None else f"{name}.{key}"
                if isinstance(plain, numbers.Integral):
                    found[label] = int(operator.index(plain))
                else:
                    found[label] = number if math.isfinite(number) else str(number)
        return found

    def candidates(self, touched: Any, names: Any, deadline: Any) -> Any:
        present = set(names)
        patches = self.patches(self.before_prints)
        modules = [f"@module|{n}|" for n in self.local_modules()]
        if touched == "*":
            chosen = set(names)
        else:
            chosen = {n for n in touched if n in present}
            chosen |= {n for n in names if self.before_names.get(n) != id(self.user_ns[n])}
        chosen |= set(patches) | set(modules) | {n for n in self.groups if n.startswith("@patch")}
        waiting = list(chosen)
        while waiting:
            name = waiting.pop()
            reached = set()
            group = self.groups.get(name)
            if group is not None:
                reached |= set(group.names)
                reached |= self.follow(group.refs, present)
            value = self.user_ns.get(name) if not name.startswith("@") else None
            if group is None and value is not None:
                reached |= self.follow(self.direct_refs(value), present)
            for other in reached - chosen:
                if other in present or other.startswith("@"):
                    chosen.add(other)
                    waiting.append(other)
        order = {n: i for i, n in enumerate(names)}
        return sorted(chosen, key=lambda n: (order.get(n, len(order)), n))

    def follow(self, refs: Any, present: Any) -> Any:
        if "*" in refs:
            return set(present)
        return {r.lstrip("'") for r in refs} & present

    def direct_refs(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType) and value.__globals__ is self.user_ns:
            return self.code_facts(value.__code__)[0]
        if isinstance(value, type) and _of_notebook(value):
            return self.class_refs(value)
        return frozenset()

    def changes(self, candidates: Any, deadline: Any) -> Any:
        """The groups among these variables that are not what they were."""
        chosen = list(candidates)
        while True:
            gone = [n for n in chosen if n.startswith("@patch") and not self.has(n)]
            here = [n for n in chosen if n not in gone]
            made = self.groups_of(here, deadline)
            refs = set().union(*(g.refs for g in made)) if made else set()
            more = (self.follow(refs, set(self.names())) - set(chosen)) if refs else set()
            more |= {
                n for g in made for m in g.names if m in self.groups for n in self.groups[m].names if n not in chosen
            }
            more = {n for n in more if n.startswith("@") or n in self.user_ns}
            if not more:
                break
            chosen += sorted(more)
        changed = []
        for group in made:
            if self.watch.ids and not group.live and self.is_new(group):
                group.live = dict.fromkeys(group.names[:1], "made where id() was called: it may hold addresses")
            if group.live:
                group.digest = "live-" + os.urandom(12).hex()
                changed.append(group)
            elif self.is_new(group):
                changed.append(group)
            for name in group.names:
                self.groups[name] = group
        for name in gone:
            self.groups.pop(name, None)
        for name in set(self.groups) - set(self.names()):
            if not name.startswith("@"):
                del self.groups[name]
        return changed, gone

    def is_new(self, group: Any) -> Any:
        return any(self.groups.get(n) is None or self.groups[n].digest != group.digest for n in group.names)

    def has(self, name: str) -> Any:
        try:
            self.value(name)
        except (AttributeError, KeyError):
            return False
        return True

    def manifest(self, group: Any, path: str | None, stream: Any, buffers: Any) -> Any:
        return {
            "names": group.names, "digest": group.digest, "types": group.types, "refs": sorted(group.refs),
            "file": path, "stream": stream, "buffers": buffers,
        }  # fmt: skip

    def write(self, path: str, groups: Any) -> Any:
        made = []
        with open(path, "wb", buffering=0) as handle:
            at = 0
            for group in groups:
                buffers = []
                for raw, ident in group.buffers:
                    at += _write(handle, bytes(-at % PAGE))
                    buffers.append([at, raw.nbytes, ident])
                    if raw.nbytes > HASHED:
                        self.stored[_address(raw), raw.nbytes] = (path, at, ident)
                    at += _write(handle, raw)
                made.append(self.manifest(group, path, [at, len(group.stream)], buffers))
                at += _write(handle, group.stream)
                group.stream, group.buffers = b"", ()
        return made


RESOURCE_DEFAULTS: dict[str, Any] = {
    "warnings": {"filters": None, "seen": {}, "once": {}}, "sys.path": [], "sys.argv": [], "cwd": "", "locale": None,
    "decimal": None, "logging": None, "extensions": [],
}  # fmt: skip
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


def _transformers(shell: Any) -> Any:
    """How many transformers of each kind there are."""
    manager = getattr(shell, "input_transformer_manager", None)
    kinds = [getattr(manager, n, ()) for n in ("cleanup_transforms", "line_transforms", "token_transformers")]
    return [len(kind) for kind in (shell.ast_transformers, getattr(shell, "input_transformers_post", ()), *kinds)]


class _Gone:
    """An attribute that was removed."""


def _resolve(path: str) -> Any:
    module, _, name = path.partition(":")
    found = importlib.import_module(module)
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def _class_data(cls: Any) -> Any:
    """What a class holds besides its code."""
    skip = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, staticmethod, classmethod, property)
    return {
        key: value
        for key, value in vars(cls).items()
        if not key.startswith(("__", "_abc_")) and not isinstance(value, skip) and not hasattr(type(value), "__get__")
    }


def _attribute(target: Any, name: str) -> Any:
    return vars(target)[name]


def _held(value: Any, name: str) -> Any:
    """An attribute, or None, without asking a `__getattr__` of the object's own: that of ctypes loads a library."""
    try:
        return object.__getattribute__(value, name)
    except Exception:
        return None


def _owner(array: Any) -> Any:
    while type(getattr(array, "base", None)).__name__ == "ndarray":
        array = array.base
    return array


def _overlapping(arrays: Any) -> Any:
    """Clusters of arrays whose memory overlaps."""
    cluster: list[Any] = []
    high = -1
    for item in sorted(arrays, key=lambda a: (a[0], a[1])):
        if cluster and item[0] >= high:
            if len(cluster) > 1:
                yield cluster
            cluster, high = [], -1
        cluster.append(item)
        high = max(high, item[1])
    if len(cluster) > 1:
        yield cluster


def _kind(value: Any) -> Any:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__qualname__
    )


def _has_nan(stream: Any) -> Any:
    return any(mark in stream for mark in NANS)


def _names_main(stream: Any) -> Any:
    """Whether a pickle refers to something in `__main__` by its name."""
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


def _sets_keep_order(pickler: Any) -> Any:
    """Whether the sets in a pickle come back in the order that they have here."""
    stream = pickler.stream.getvalue()
    if (b"\x8f" not in stream and b"\x91" not in stream) or len(stream) > 1 << 24:
        return True
    found = [item for _, item in pickler.memo.copy().values() if isinstance(item, (set, frozenset)) and len(item) > 1]
    return all(all(map(_hash_lasts, item)) and list(type(item)(list(item))) == list(item) for item in found)


def _hash_lasts(item: Any) -> Any:
    """Whether a hash is the same in every process of this seed, and not an address."""
    if isinstance(item, (tuple, frozenset)):
        return all(map(_hash_lasts, item))
    made: Any = type(item).__hash__
    return made is not object.__hash__ and not (item is None and sys.version_info < (3, 12))


def _loads_again(stream: Any, buffers: Any) -> Any:
    try:
        loads(stream, buffers)
    except Exception:
        return False
    return True


def _address(raw: Any) -> Any:
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(raw))
    except (TypeError, ValueError):
        numpy = sys.modules.get("numpy")
        return numpy.frombuffer(raw, "u1").__array_interface__["data"][0] if numpy else 0


def _clean(low: Any, high: Any) -> Any:
    """Whether no page of a private mapping was written to (Linux)."""
    try:
        with open("/proc/self/smaps") as handle:
            lines = handle.read().splitlines()
    except OSError:
        return False
    inside = covered = False
    for line in lines:
        head = line.split(" ", 1)[0]
        if "-" in head and not head.endswith(":"):
            start, _, end = head.partition("-")
            inside = int(start, 16) < high and int(end, 16) > low
            covered = covered or inside
        elif inside and line.startswith("Anonymous:") and int(line.split()[1]):
            return False
    return covered


def _same_bytes(raw: Any, path: str, offset: Any) -> Any:
    step = 1 << 22
    try:
        with open(path, "rb") as handle:
            handle.seek(offset)
            for at in range(0, raw.nbytes, step):
                part = raw[at : at + step]
                if handle.read(part.nbytes) != bytes(part):
                    return False
    except OSError:
        return False
    return True


def _write(handle: Any, data: Any) -> Any:
    view, done = memoryview(data), 0
    while done < view.nbytes:
        done += handle.write(view[done : done + (1 << 30)])
    return view.nbytes


def pickle_plain(agent: Any, value: Any) -> Any:
    """Pickle a value of the process state in one piece."""
    made = PICKLER(agent, (), None)
    made.dump(value)
    if made.buffers:
        raise Live("too large")
    return made.stream.getvalue()


AGENT: Any = None
PICKLER: Any = None
EXACT: Any = None


def install(shell: Any) -> Any:
    """Start the agent of this kernel, once."""
    global AGENT, PICKLER, EXACT
    if AGENT is None:
        PICKLER, EXACT = _pickler_classes()
        AGENT = Agent(shell)
        AGENT.start()
        _keep_all_outputs(shell)
    return AGENT


def _keep_all_outputs(shell: Any) -> None:
    """Have no output dropped that can't be sent at once, as ZeroMQ does from the thousandth on."""
    thread = getattr(getattr(shell.kernel, "iopub_socket", None), "io_thread", None)
    if thread is not None:
        import zmq

        thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, 0))


def serve(text: str) -> None:
    """Answer one request, given as JSON, through the payload of the reply."""
    request = json.loads(text)
    watch, AGENT.watch.on = AGENT.watch.on, False
    try:
        if (greeting := request.pop("hello", None)) is not None:
            AGENT.hello(greeting)
        answer = getattr(AGENT, request["verb"])(request)
    except BaseException as error:
        import traceback

        answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        AGENT.watch.on = watch
    AGENT.shell.payload_manager.write_payload({"source": MODULE, "answer": answer}, single=False)
