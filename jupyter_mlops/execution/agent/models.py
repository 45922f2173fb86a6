"""Models that a step leaves: their artifact, and what a server has to know of them.

An artifact is a plain pickle, which `pickle.load` reads without this package. A model with classes or functions of the
notebook, or of files beside it, is pickled by cloudpickle, by value. Code of the notebook is not called, apart from
what pickling calls.
"""

from __future__ import annotations

import os
import pickle
import platform
import sys
import types
from typing import Any

from .signature import methods_of, signature_of

PROTOCOL = 5
STANDARD = frozenset(getattr(sys, "stdlib_module_names", ())) | {"builtins", "copyreg", "_codecs"}


class LocalCode(Exception):
    """The pickle would refer to code that only this kernel, or this folder, has."""


class ReferencePickler(pickle.Pickler):
    """A pickler that records the modules that its stream refers to, and refuses local code.

    :param local: names of modules beside the notebook.
    """

    def __init__(self, file: Any, local: Any) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self.local = set(local) | {"__main__"}
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        for holder in (obj, type(obj)):
            module = getattr(holder, "__module__", None) if isinstance(holder, type) or callable(obj) else None
            if isinstance(module, str):
                if module in self.local or module.split(".")[0] in self.local:
                    raise LocalCode(module)
                self.modules.add(module.split(".")[0])
        return NotImplemented


def keep_models(agent: Any, request: Any) -> Any:
    """Keep the models of a block.

    request: names, folder (where their artifacts go), signatures (name -> what the notebook declares).
    """
    return {name: _kept(agent, name, request) for name in request["names"]}


def _kept(agent: Any, name: str, request: Any) -> Any:
    """The facts of one model; `why` if it can't be kept."""
    if name not in agent.user_ns:
        return {"why": "no variable has this name when the step ends"}
    value = agent.user_ns[name]
    path = os.path.join(request["folder"], f"model-{os.getpid()}-{name}.part")
    local = list(agent.local_modules())
    try:
        kind, modules = _write(value, path, local)
    except Exception as error:  # whatever __reduce__ and __getstate__ raise
        if os.path.exists(path):
            os.unlink(path)
        return {"why": f"it can't be pickled: {type(error).__name__}: {str(error)[:500]}"}
    packages = _packages(modules)
    facts = {
        "file": path,
        "bytes": os.path.getsize(path),
        "format": kind,
        "class": f"{type(value).__module__}.{type(value).__qualname__}",
        "framework": _framework(value, packages),
        "python": platform.python_version(),
        "packages": dict(packages.values()),
        "methods": methods_of(value),
    }
    declared = request.get("signatures", {}).get(name)
    try:
        facts["signature"] = declared or signature_of(value, agent.user_ns)
    except Exception as error:  # an unusual model is kept without a signature
        facts["signature"] = {"kind": "any", "inputs": [], "outputs": []}
        facts["note"] = f"its signature is unknown: {type(error).__name__}: {str(error)[:200]}"
    return facts


def _write(value: Any, path: str, local: Any) -> Any:
    """Write the artifact. Returns its format, and the modules that loading it imports."""
    try:
        with open(path, "wb") as file:
            pickler = ReferencePickler(file, local)
            pickler.dump(value)
        return "pickle", pickler.modules
    except (LocalCode, AttributeError, pickle.PicklingError) as error:
        return "cloudpickle", _write_by_value(value, path, local, error)


def _write_by_value(value: Any, path: str, local: Any, cause: Exception) -> Any:
    """Write the artifact with the source of local code in it."""
    try:
        import cloudpickle
    except ImportError:
        raise pickle.PicklingError(
            f"it has code of the notebook ({cause}), and cloudpickle is not installed in the kernel's environment"
        ) from None
    loaded = [sys.modules[name] for name in local if name in sys.modules]
    modules: set[str] = set()

    class Recorder(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            module = getattr(obj, "__name__", "") if isinstance(obj, types.ModuleType) else type(obj).__module__
            if isinstance(module, str) and module != "__main__":
                modules.add(module.split(".")[0])
            return super().reducer_override(obj)

    for module in loaded:
        cloudpickle.register_pickle_by_value(module)
    try:
        with open(path, "wb") as file:
            Recorder(file, protocol=PROTOCOL).dump(value)
    finally:
        for module in loaded:
            cloudpickle.unregister_pickle_by_value(module)
    return {"cloudpickle", *modules} - {name.split(".")[0] for name in local}


def _packages(modules: Any) -> Any:
    """Top-level module -> name and version of its distribution, for modules that are not of the standard library."""
    from importlib import metadata

    wanted_modules = sorted(set(modules) - STANDARD - {"__main__"})
    distributions: Any = {}
    if wanted_modules and hasattr(metadata, "packages_distributions"):
        distributions = metadata.packages_distributions()
    packages = {}
    for module in wanted_modules:
        for name in distributions.get(module, [module]):
            try:
                packages[module] = (name, metadata.version(name))
                break
            except metadata.PackageNotFoundError:
                continue
    return packages


def _framework(value: Any, packages: Any) -> Any:
    """Name and version of the package that the model's class, or the nearest of its bases, comes from."""
    for base in type(value).__mro__:
        module = base.__module__.split(".")[0]
        if module in packages:
            return {"name": packages[module][0], "version": packages[module][1]}
        if module not in STANDARD and module != "__main__":
            package = _packages([module]).get(module)
            if package is not None:
                return {"name": package[0], "version": package[1]}
    return None
