"""From a notebook to production without leaving it."""

__version__ = "0.1.0"
