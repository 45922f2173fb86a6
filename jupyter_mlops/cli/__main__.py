"""`python -m jupyter_mlops.cli`."""

from jupyter_mlops.cli import entry

entry()
