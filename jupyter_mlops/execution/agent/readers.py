"""The caller that asked for the time, for entropy or for a file, determined by the Python frames at that moment.

What a cell or a local module asks for may affect a result. What a library asks for, to measure durations, to stamp its
log or to generate an id, does not: the tables list these libraries and the reasons. A library that is in no table
counts.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from typing import Any

from . import here
from .here import MODULE

# Libraries whose clock readings show in no result, other than as durations and time stamps of their own.
CLOCK_READERS = {
    "waits and time-outs": "threading queue asyncio selectors concurrent multiprocessing subprocess socket socketserver"
    " ssl sched signal select tornado zmq anyio trio nest_asyncio nest_asyncio2 gevent filelock portalocker",
    "talk between kernel and client": "IPython ipykernel jupyter_client jupyter_core comm ipywidgets traitlets"
    " nbclient nbformat papermill debugpy ipyparallel",
    "progress bars": "tqdm rich alive_progress progressbar enlighten fastprogress keras tf_keras",
    "time stamps of log records": "logging loguru structlog absl wandb mlflow tensorboard",
    "time stamps in texts": "statsmodels.iolib statsmodels.stats linearmodels pandas.io.formats.style",
    "time stamps in files": "zipfile tarfile gzip PIL fontTools openpyxl xlsxwriter h5py nbconvert reportlab",
    "their own durations": "timeit cProfile profile pstats joblib sklearn scipy xgboost lightgbm catboost optuna skopt"
    " polars hyperopt numba llvmlite matplotlib matplotlib_inline seaborn dask distributed torch tensorflow jax jaxlib"
    " transformers sentence_transformers lightning pytorch_lightning pymc arviz pyro numpyro gensim spacy"
    " nltk umap hdbscan shap prophet cmdstanpy pystan networkx plotly kaleido altair bokeh psutil hypothesis pytest",
    "geometry in compiled code, observed in its next call": "skimage numpy._core._methods numpy.core._methods",
    "names of scratch files": "tempfile",
    "times of metrics": "jupyter_mlops.metric_log",
    "age of caches": "linecache cachetools cachecontrol fsspec diskcache ",
}
# What looks for modules. (`importlib.metadata` and `importlib.resources` read files for their caller.)
IMPORTERS = (
    "importlib._",
    "importlib.util",
    "importlib.abc",
    "importlib.machinery",
    "pkgutil",
    "zipimport",
    "pkg_resources",
    "runpy",
)
# Libraries that draw entropy for ids, keys and scratch names.
ENTROPY_READERS = {
    "ids of displays, widgets and messages": "IPython ipykernel jupyter_client comm ipywidgets traitlets tqdm plotly"
    " altair vega vegafusion bokeh holoviews panel hvplot folium branca ipyleaflet pythreejs bqplot ipympl"
    " itables great_tables qgrid k3d pydeck xarray mpld3 pyvis pandas.io.formats.style matplotlib matplotlib_inline"
    " sklearn.utils._estimator_html_repr sklearn.utils._repr_html sklearn.callback",
    "names of scratch files and processes": "tempfile multiprocessing concurrent joblib loky subprocess filelock"
    " dask.utils",
    "keys of connections": "ssl asyncio socket http urllib email zmq tornado",
    "their own tables": "importlib numba llvmlite",
    "generators that get the state of another next": "numpy.random._pickle",
}
# Libraries that ask for the process they run in for themselves.
IDENTITY_READERS = {
    "names in log records": "logging loguru structlog",
    "their own processes and files": "tempfile concurrent subprocess asyncio socketserver multiprocessing.util"
    " multiprocessing.context multiprocessing.pool multiprocessing.queues multiprocessing.synchronize",
    "talk between kernel and client": "IPython ipykernel jupyter_client zmq tornado",
}
IDENTITY = frozenset(name for names in IDENTITY_READERS.values() for name in names.split())
CLOCK = frozenset(name for names in CLOCK_READERS.values() for name in names.split())
ENTROPY = frozenset(name for names in ENTROPY_READERS.values() for name in names.split())

CELL = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")
SHELL = "IPython.core.interactiveshell"  # runs the code of cells
STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


def site_folders() -> tuple[str, ...]:
    """Where packages are installed: only what lies below one of these is a package's."""
    import site

    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    for get in ("getsitepackages", "getusersitepackages"):
        try:
            extra = getattr(site, get)()
        except (AttributeError, OSError):
            continue
        folders += [extra] if isinstance(extra, str) else extra
    folders += [os.path.join(STDLIB, name) for name in ("site-packages", "dist-packages")]
    folders.append("/usr/lib/python3/dist-packages")
    # Environments that build on others (by a .pth file, by PYTHONPATH) have these folders on the path.
    folders += [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
    real = [*folders, *map(os.path.realpath, folders)]
    return tuple(dict.fromkeys(os.path.join(folder, "") for folder in real if folder))


SITES = site_folders()


class Caller:
    """The caller.

    :param kind: "cell", "local" (a local module), "library", or "import" (the import system itself).
    :param name: of the module, "" for a cell.
    """

    __slots__ = ("kind", "name")

    def __init__(self, kind: str, name: str = "") -> None:
        self.kind, self.name = kind, name

    @property
    def personal(self) -> bool:
        """Whether the answer may affect a result."""
        return self.kind in ("cell", "local")

    def among(self, names: Any) -> bool:
        """Whether the set contains this library, or a package that it is part of."""
        parts = self.name.split(".")
        return any(".".join(parts[:length]) in names for length in range(1, len(parts) + 1))


def caller(frame: Any, names: Any = frozenset()) -> Caller:
    """The caller, searched from the innermost frame outwards. Modules of the standard library act for their callers.

    :param names: libraries to look for: one of them between the call and the notebook's code counts, even if it calls
        another library.
    """
    inner = frame
    while inner is not None and str(inner.f_globals.get("__name__")).startswith(MODULE):
        inner = inner.f_back
    reads_metadata = inner is not None and str(inner.f_globals.get("__name__")).startswith("importlib.metadata")
    asker = _caller(frame, names)
    # Libraries look up the versions of installed packages, which the digest of the environment covers.
    return Caller("import", "importlib") if reads_metadata and not asker.personal else asker


def _caller(frame: Any, names: Any) -> Caller:
    first: Any = None
    while frame is not None:
        space = frame.f_globals
        name = space.get("__name__") or ""
        if space is here.AGENT.user_ns:
            return first or Caller("cell")
        file = frame.f_code.co_filename
        if name == "__main__" and (is_installed(file) or os.path.basename(os.path.dirname(file)) == "forkserver"):
            return first or Caller("library", "ipykernel")  # what started the kernel
        if file.startswith(("<frozen importlib", "<frozen zipimport")) or name.startswith(IMPORTERS):
            return Caller("import", "importlib")
        if name == SHELL and frame.f_code.co_name == "run_code":
            return first or Caller("cell")  # the cell itself has just ended
        if name == SHELL and frame.f_code.co_name == "_modified_open":
            frame = frame.f_back  # what cells know as `open`
            continue
        if name and names and Caller("library", name).among(names):
            return Caller("library", name)
        if not (file.startswith("<") or name.startswith(MODULE) or is_standard(file)):
            if not is_installed(file):
                return first or Caller("cell" if is_cell(file) else "local", name)
            first = first or Caller("library", name or file)
        frame = frame.f_back
    return first or Caller("library")


def importer(frame: Any) -> Caller:
    """The importing code: the innermost frame outside of the import system."""
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        file = frame.f_code.co_filename
        if not (file.startswith(("<frozen importlib", "<frozen zipimport")) or name.startswith((MODULE, *IMPORTERS))):
            break
        frame = frame.f_back
    return caller(frame)


def asked_for_module(frame: Any) -> str:
    """The module that `importlib.util.find_spec` or `pkgutil.find_loader` looks for in this frame; "" if the frame is
    of neither.
    """
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        if name in ("importlib.util", "pkgutil") and frame.f_code.co_name in ("find_spec", "find_loader"):
            module = frame.f_locals.get("fullname") or frame.f_locals.get("name")
            return module if isinstance(module, str) else ""
        if not (frame.f_code.co_filename.startswith("<frozen importlib") or name.startswith((MODULE, *IMPORTERS))):
            return ""
        frame = frame.f_back
    return ""


def asking(frame: Any) -> Any:
    """The frame that called the standard library: the innermost one outside of it."""
    while frame.f_back is not None and is_standard(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_cell(file: str) -> bool:
    """Whether IPython gave this name to a cell."""
    return file.startswith("<ipython") or CELL.search(file) is not None


def is_standard(file: str) -> bool:
    return file.startswith(STDLIB) and not is_installed(file)


def is_installed(file: str) -> bool:
    """Whether this file belongs to an installed package."""
    return file.startswith(SITES)
