"""`python -m jupyter_mlops VERB`: the command line, in the interpreter that is named."""

from __future__ import annotations

from jupyter_mlops.cli import entry

if __name__ == "__main__":
    entry()
