"""The modules that a fork server imports ahead: those that a notebook imports, of packages that are safe to fork."""

from __future__ import annotations

from collections.abc import Collection, Iterable

# Packages that start no thread, open no device and hold no lock when they are imported. What isn't named here is
# imported by the kernel itself, as ever: torch, tensorflow, grpc, polars, pyarrow and their like own threads.
SAFE = frozenset(
    "numpy pandas scipy sklearn matplotlib matplotlib_inline seaborn statsmodels patsy PIL joblib threadpoolctl"
    " cloudpickle dateutil pytz tzdata sympy networkx nltk yaml tqdm requests jinja2 bs4 lxml openpyxl"
    " json csv re math random statistics datetime decimal fractions collections itertools functools pathlib os sys"
    " io pickle copy time typing dataclasses enum string textwrap pprint warnings logging glob shutil tempfile"
    " urllib hashlib uuid operator contextlib calendar bisect heapq zipfile gzip ast inspect unittest sqlite3".split()
)


def preload(imports: Iterable[str], safe: Collection[str] = SAFE) -> tuple[str, ...]:
    """The modules to import ahead for notebooks that import these, in order, without repetitions."""
    return tuple(dict.fromkeys(name for name in imports if name.split(".")[0] in safe and not name.startswith(".")))
