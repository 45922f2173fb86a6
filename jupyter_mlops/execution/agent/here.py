"""The agent of this kernel, for pickles, hooks and the import system."""

from __future__ import annotations

from typing import Any

MODULE = "_jupyter_mlops_agent"  # what this folder is called in a kernel
AGENT: Any = None
