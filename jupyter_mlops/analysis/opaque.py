"""Names that give code access to the whole namespace or to IPython's history of it."""

from __future__ import annotations

import builtins
import re

BUILTINS: frozenset[str] = frozenset(dir(builtins)) | {"get_ipython", "display", "__file__", "__name__", "__doc__"}
OPAQUE_NAMES = frozenset({"eval", "exec", "compile", "globals", "locals", "__main__", "__import__"})
OPAQUE_WITHOUT_ARGUMENTS = frozenset({"vars", "dir"})
OPAQUE_ATTRIBUTES = frozenset(
    {"currentframe", "_getframe", "f_globals", "f_locals", "user_ns", "user_global_ns", "user_module", "get_objects",
     "run_module", "run_path", "_current_frames", "set_trace"}
)  # fmt: skip
OPAQUE_PAIRS = frozenset(
    {
        ("sys", "modules"),
        ("inspect", "stack"),
        ("inspect", "trace"),
        ("importlib", "reload"),
        ("sys", "last_type"),
        ("sys", "last_value"),
        ("sys", "last_traceback"),
        ("sys", "last_exc"),
    }
) | frozenset((module, name) for module in ("builtins", "__builtins__") for name in OPAQUE_NAMES)
HISTORY = re.compile(r"_{1,3}|_\d+|_i{1,3}|_i\d+|In|Out|_ih|_oh|_dh|_exit_code")
