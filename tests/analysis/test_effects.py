"""What cells do outside the namespace, as far as their text tells."""

from __future__ import annotations

import pytest

from jupyter_mlops.analysis.effects import effects, merge_effects

NP = "import numpy as np\n"
WRITES_STATE = {
    "random": ("import random\nrandom.random()", "random"),
    "random, imported from": ("from random import shuffle\nshuffle(x)", "random"),
    "numpy, the old way": (f"{NP}np.random.rand(3)", "numpy.random"),
    "numpy, a generator of its own": (f"{NP}rng = np.random.default_rng(1)\nrng.normal()", ""),
    "a random.Random of its own": ("import random\nr = random.Random(3)\nr.random()", ""),
    "environment": ("import os\nos.environ['A'] = '1'", "environ"),
    "environment deleted": ("import os\ndel os.environ['A']", "environ"),
    "environment by its magic": ("%env A=1", "environ"),
    "working folder": ("import os\nos.chdir('x')", "cwd"),
    "working folder by its magic": ("%cd x", "cwd"),
    "module path": ("import sys\nsys.path.append('lib')", "sys.path"),
    "warnings": ("import warnings\nwarnings.filterwarnings('ignore')", "warnings"),
    "logging": ("import logging\nlogging.basicConfig(level=10)", "logging"),
    "a logger's level": ("import logging\nlogging.getLogger('a').setLevel(10)", "logging"),
    "rcParams": ("import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 50", "matplotlib"),
    "rcParams updated": ("import matplotlib as mpl\nmpl.rcParams.update({'a': 1})", "matplotlib"),
    "style": ("import matplotlib.pyplot as plt\nplt.style.use('ggplot')", "matplotlib"),
    "seaborn": ("import seaborn as sns\nsns.set_theme()", "matplotlib"),
    "pandas options": ("import pandas as pd\npd.set_option('display.precision', 2)", "pandas"),
    "pandas options by attribute": ("import pandas as pd\npd.options.display.max_rows = 5", "pandas"),
    "numpy's printing": (f"{NP}np.set_printoptions(precision=2)", "numpy"),
    "scikit-learn": ("from sklearn import set_config\nset_config(display='text')", "sklearn"),
    "decimal": ("from decimal import getcontext\ngetcontext().prec = 5", "decimal"),
    "locale": ("import locale\nlocale.setlocale(locale.LC_ALL, 'C')", "locale"),
    "extension": ("%load_ext autoreload", "extensions"),
    "a patched module": ("import mylib\nmylib.rate = 3", "patches"),
    "recursion limit": ("import sys\nsys.setrecursionlimit(50)", "shell"),
    "nothing": ("x = [1]\nx.append(2)", ""),
}
SEEDS = {
    "at the top": ("import random\nrandom.seed(1)\nrandom.random()", "random"),
    "after a draw": ("import random\nrandom.random()\nrandom.seed(1)", ""),
    "without a value": ("import random\nrandom.seed()", ""),
    "under a condition": ("import random\nif x:\n    random.seed(1)", ""),
    "numpy": (f"{NP}np.random.seed(42)", "numpy.random"),
}
VOLATILE = {
    "clock": "import time\ntime.time()",
    "now": "from datetime import datetime\ndatetime.now()",
    "pandas now": "import pandas as pd\npd.Timestamp.now()",
    "uuid": "import uuid\nuuid.uuid4()",
    "process id": "import os\nos.getpid()",
    "unseeded generator": f"{NP}np.random.default_rng()",
    "unseeded by None": f"{NP}np.random.default_rng(None)",
    "timing magic": "%prun x",
    "timing cell": "t = %timeit -o x",
}
NOT_VOLATILE = {
    "seeded": f"{NP}np.random.default_rng(3)",
    "own function called time": "def time(): pass\ntime()",
    "a date": "from datetime import datetime\ndatetime(2020, 1, 1)",
}
OUTSIDE = {
    "requests": ("import requests\nrequests.get(u)", "network"),
    "a URL read": ("import pandas as pd\npd.read_csv('https://a.org/x.csv')", "network"),
    "shell": ("!ls", "process"),
    "subprocess": ("import subprocess\nsubprocess.run(['ls'])", "process"),
    "bash cell": ("%%bash\nls", "process"),
    "data sets downloaded": ("import nltk\nnltk.download('punkt')", "network"),
}
FILES = {
    "read": ("open('a.txt').read()", "a.txt", ""),
    "written": ("open('a.txt', 'w').write('x')", "", "a.txt"),
    "appended": ("with open('a.txt', mode='a') as f:\n    pass", "", "a.txt"),
    "pandas": ("import pandas as pd\npd.read_csv('a.csv').to_csv('b.csv')", "a.csv", "b.csv"),
    "a path": ("from pathlib import Path\nPath('a.txt').read_text()\nPath('b.txt').write_text('x')", "a.txt", "b.txt"),
    "numpy": (f"{NP}np.save('a.npy', np.load('b.npy'))", "b.npy", "a.npy"),
    "a cell that writes a file": ("%%writefile lib.py\nx = 1", "", "lib.py"),
    "a figure": ("import matplotlib.pyplot as plt\nplt.savefig('a.png')", "", "a.png"),
}
LOOKS = {
    "exists": "import os\nos.path.exists('a')",
    "glob": "from glob import glob\nglob('*.csv')",
    "a path": "from pathlib import Path\nPath('a').exists()",
    "unseen": "import polars as pl\npl.read_csv(x)",
}
INTERACTIVE = ["input('?')", "breakpoint()", "%matplotlib notebook", "%debug", "import pdb\npdb.set_trace()"]


def table(rows: dict[str, tuple[str, ...]], *names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("source", *names), rows.values(), ids=rows.keys())


def each(rows: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", rows.values(), ids=rows.keys())


@table(WRITES_STATE, "resources")
def test_state_that_is_changed(source: str, resources: str) -> None:
    assert effects(source).state_writes == set(resources.split())


@table(SEEDS, "resources")
def test_what_is_seeded_for_certain(source: str, resources: str) -> None:
    assert effects(source).seeds == set(resources.split())


@each(VOLATILE)
def test_volatile(source: str) -> None:
    assert effects(source).volatile


@each(NOT_VOLATILE)
def test_not_volatile(source: str) -> None:
    assert not effects(source).volatile


@table(OUTSIDE, "kind")
def test_outside(source: str, kind: str) -> None:
    assert any(why.startswith(kind) for why in effects(source).outside), effects(source).outside


@table(FILES, "read", "written")
def test_files(source: str, read: str, written: str) -> None:
    found = effects(source)
    assert set(written.split()) == set(found.files_written)
    assert set(read.split()) <= set(found.files_read)


@each(LOOKS)
def test_looking_at_files(source: str) -> None:
    assert effects(source).looks_at_files


@pytest.mark.parametrize("source", INTERACTIVE)
def test_interactive(source: str) -> None:
    assert effects(source).interactive


def test_modules_bound_by_an_earlier_cell() -> None:
    assert effects("r.random()", {"r": "random"}).state_writes == {"random"}
    assert effects("shuffle(x)", {"shuffle": "random.shuffle"}).state_writes == {"random"}


def test_a_library_told_to_change_itself() -> None:
    assert effects("import lib\nlib.configure(debug=True)").modules_changed == {"lib"}
    assert not effects("import matplotlib.pyplot as plt\nplt.show()").modules_changed


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("from sklearn.inspection import DecisionBoundaryDisplay as D\nD.from_estimator(model, X)", False),
        ("from lib import Model\nModel.fit_defaults(X)", True),
        ("from scipy import stats\nstats.probplot(x, plot=ax)", False),
        ("import scipy.fft\nscipy.fft.set_global_backend('x')", True),
        ("import scipy.fft\nscipy.fft.register_backend('x')", True),
        ("import statsmodels.api as sm\nsm.qqplot(x)", False),
        ("import networkx as nx\nnx.set_node_attributes(graph, 1, 'x')", False),
        ("import networkx as nx\nnx.add_path(graph, [1, 2])", False),
        ("import lib\nlib.scatter_matrix(x)", False),
        ("import lib\nlib.load()", True),
    ],
)
def test_calls_that_stand_as_a_statement(source: str, changes: bool) -> None:
    assert bool(effects(source).modules_changed) is changes


def test_seeds_of_several_cells_count_only_when_nothing_drew_before() -> None:
    seed, draw = "import random\nrandom.seed(1)", "random.random()"
    known = {"random": "random"}
    assert merge_effects([effects(seed), effects(draw, known)]).seeds == {"random"}
    assert not merge_effects([effects(draw, known), effects(seed)]).seeds
