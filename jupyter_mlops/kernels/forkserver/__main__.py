"""Runs the fork server: loads the files of this folder, which are no modules of the kernels that it forks."""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
import types

FOLDER = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "_jupyter_mlops_forkserver"  # while the files are loaded
PARTS = (
    "recorders", "module_state", "fingerprints", "kernel_facade", "preloaded_modules", "preload", "garbage_collection",
    "process_title", "child", "server", "main",
)  # fmt: skip


def load() -> types.ModuleType:
    """Load the files in the order in which they need one another. Returns the last one.

    They are all `__main__`, as code is that starts a kernel, and `sys.modules` does not keep them: a kernel imports its
    own modules under these names.
    """
    package = types.ModuleType(PACKAGE)
    package.__path__ = []
    modules = {PACKAGE: package}
    sys.modules.update(modules)
    for part in PARTS:
        name = f"{PACKAGE}.{part}"
        module = types.ModuleType("__main__")
        module.__package__ = PACKAGE
        module.__file__ = os.path.join(FOLDER, f"{part}.py")
        modules[name] = sys.modules[name] = module
        code = importlib.machinery.SourceFileLoader(name, module.__file__).get_code(name)
        assert code is not None
        exec(code, vars(module))
    for name in modules:
        del sys.modules[name]
    return modules[name]


if __name__ == "__main__":
    if sys.path and sys.path[0] == FOLDER:
        del sys.path[0]
    load().main(int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
