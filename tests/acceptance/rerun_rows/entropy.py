"""Entropy: what no two runs share, wherever it is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from tests.acceptance.rerun import RerunRow

BOTH = frozenset({"draw", "out"})


def draws(
    name: str,
    source: str,
    needs: tuple[str, ...] = (),
    files: Mapping[str, str] | None = None,
    prepared: str = "pass",
) -> RerunRow:
    """A row whose step `draw` binds `value` to something new in every run, which the step `out` prints.

    :param prepared: the source of the step before it.
    """
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    before = "\n".join(f"        {line}" for line in prepared.strip().splitlines())
    return RerunRow(name, f"""
        # %% step:before
{before}
        # %% step:draw
{lines}
        # %% step:out
        print(value)
    """, needs=needs, files=files or {}, not_kept=BOTH, moves=frozenset({"out"}), volatile=BOTH)  # fmt: skip


DATA = """
from sklearn.datasets import make_blobs
X, y = make_blobs(300, centers=5, cluster_std=6.0, random_state=0)
"""

ROWS = [
    # ../shared/cases: an unseeded draw in a local module
    RerunRow("unseeded-draw-in-a-local-module", """
        # %% imports
        import helpers
        # %% step:rng
        print(helpers.draw())
    """, needs=("numpy",), files={"helpers.py": """
        import numpy as np
        def draw(): return int(np.random.default_rng().integers(10**9))
    """}, not_kept=frozenset({"rng"}), moves=frozenset({"rng"}), volatile=frozenset({"rng"})),
    draws("entropy-os-urandom", "import os\nvalue = os.urandom(8).hex()"),
    draws("entropy-os-getrandom", "import os\nvalue = os.getrandom(8).hex()"),
    draws("entropy-dev-urandom", 'value = open("/dev/urandom", "rb").read(8).hex()'),
    draws("entropy-proc-uuid", 'value = open("/proc/sys/kernel/random/uuid").read()'),
    draws("entropy-uuid1", "import uuid\nvalue = uuid.uuid1()"),
    draws("entropy-uuid4", "from uuid import uuid4\nvalue = str(uuid4())[:8]"),
    draws("entropy-secrets", "import secrets\nvalue = secrets.token_hex(8)"),
    draws("entropy-secrets-choice", "import secrets\nvalue = [secrets.choice(range(100)) for _ in range(9)]"),
    draws("entropy-random-unseeded", "import random\nvalue = random.random()"),
    draws("entropy-random-instance", "import random\nvalue = random.Random().random()"),
    draws("entropy-system-random", "import random\nvalue = random.SystemRandom().random()"),
    draws("entropy-random-seeded-with-none", "import random\nrandom.seed()\nvalue = random.random()"),
    draws("entropy-shuffle", "import random\nvalue = list(range(30))\nrandom.shuffle(value)"),
    draws("entropy-random-generator-of-an-earlier-step", "value = rng.random()",
          prepared="import random\nrng = random.Random()"),
    draws("entropy-default-rng", "import numpy as np\nvalue = np.random.default_rng().random()", ("numpy",)),
    draws("entropy-default-rng-none", "import numpy as np\nSEED = None\nvalue = np.random.default_rng(SEED).random()",
          ("numpy",)),
    draws("entropy-random-state-unseeded", "import numpy as np\nvalue = np.random.RandomState().rand()", ("numpy",)),
    draws("entropy-seed-sequence", "import numpy as np\nvalue = np.random.SeedSequence().entropy", ("numpy",)),
    draws("entropy-bit-generator", "from numpy.random import PCG64, Generator\nvalue = Generator(PCG64()).random()",
          ("numpy",)),
    draws("entropy-numpy-global-unseeded", "import numpy as np\nvalue = np.random.rand(2)", ("numpy",)),
    draws("entropy-numpy-default-rng-of-an-earlier-step", "value = rng.normal()", ("numpy",),
          prepared="import numpy as np\nrng = np.random.default_rng()"),
    draws("entropy-default-rng-in-a-default-argument", """
import numpy as np
def noise(n, rng=np.random.default_rng()): return rng.normal(size=n)
value = noise(2)
""", ("numpy",)),
    draws("entropy-default-rng-in-a-module-of-a-package", "from sim.noise import noise\nvalue = noise(2)", ("numpy",), {
        "sim/__init__.py": "",
        "sim/noise.py": """
            import numpy as np
            _RNG = np.random.default_rng()
            def noise(n): return _RNG.normal(size=n)
        """,
    }),
    draws("entropy-uuid-in-a-local-module", "from ids import new\nvalue = new()", files={"ids.py": """
        import uuid
        def new(): return uuid.uuid4().hex
    """}),
    draws("entropy-default-factory", """
import uuid
from dataclasses import dataclass, field
@dataclass
class Item:
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
value = Item().key
"""),
    draws("entropy-frame-sample", "value = frame.sample(5).index.tolist()", ("pandas",),
          prepared='import pandas as pd\nframe = pd.DataFrame({"x": range(1000)})'),
    draws("entropy-scipy-rvs", "from scipy import stats\nvalue = stats.norm.rvs(size=2)", ("scipy",)),
    draws("entropy-scipy-rvs-own-generator", """
import numpy as np
from scipy import stats
value = stats.norm.rvs(size=2, random_state=np.random.default_rng())
""", ("scipy",)),
    draws("entropy-scipy-bootstrap", """
import numpy as np
from scipy.stats import bootstrap
value = bootstrap((np.arange(50.0),), np.mean, n_resamples=200).confidence_interval
""", ("scipy",)),
    draws("entropy-sklearn-split", """
from sklearn.model_selection import train_test_split
value = train_test_split(list(range(1000)))[1][:5]
""", ("sklearn",)),
    draws("entropy-sklearn-forest", """
from sklearn.ensemble import RandomForestClassifier
value = RandomForestClassifier(3).fit(X, y).feature_importances_
""", ("sklearn",), prepared=DATA),
    draws("entropy-sklearn-shuffle-split-of-an-earlier-step", "value = [test[:5] for _, test in folds.split(X)]",
          ("sklearn",), prepared=DATA + "from sklearn.model_selection import ShuffleSplit\nfolds = ShuffleSplit(2)"),
    draws("entropy-sklearn-make-data", """
from sklearn.datasets import make_classification
value = make_classification(20)[0][0, :3]
""", ("sklearn",)),
    RerunRow("entropy-sklearn-after-a-seed", """
        # %% step:seed
        import numpy as np
        np.random.seed(3)
        # %% step:draw
        from sklearn.model_selection import train_test_split
        print(train_test_split(list(range(100)))[1][:5])
    """, needs=("sklearn",), kept=frozenset({"seed", "draw"})),
    draws("entropy-tempfile-name", "import tempfile, os\nhandle, value = tempfile.mkstemp()\nos.close(handle)\n"
                                   "os.remove(value)"),
    draws("entropy-tempfile-folder", """
import tempfile
with tempfile.TemporaryDirectory() as folder:
    value = folder
"""),
    draws("entropy-tempfile-mktemp", "import tempfile\nvalue = tempfile.mktemp()"),
    RerunRow("path-below-the-folder-of-temporary-files", """
        # %% step:write
        import os, tempfile
        value = os.path.join(tempfile.gettempdir(), "a-name-that-never-changes.txt")
        with open(value, "w") as file:
            file.write("1")
        # %% step:out
        print(value)
    """, kept=frozenset({"write", "out"})),
    RerunRow("entropy-id-of-an-object", """
        # %% step:draw
        value = id(object())
        # %% step:out
        print(value)
    """, not_kept=frozenset({"draw"}), volatile=BOTH),
    RerunRow("entropy-default-repr", """
        # %% step:draw
        print(hash(object()))
    """, not_kept=frozenset({"draw"}), volatile=frozenset({"draw"})),
    RerunRow("hash-of-a-text-with-another-hash-seed", """
        # %% step:draw
        print(hash("x"))
    """, env={"PYTHONHASHSEED": "1"}, env_after={"PYTHONHASHSEED": "2"}, not_kept=frozenset({"draw"}),
        moves=frozenset({"draw"}), volatile=frozenset({"draw"})),
    RerunRow("order-of-a-set-with-another-hash-seed", """
        # %% step:draw
        names = list({f"name {i}" for i in range(20)})
        # %% step:out
        print(names)
    """, env={"PYTHONHASHSEED": "1"}, env_after={"PYTHONHASHSEED": "2"}, not_kept=BOTH,
        moves=frozenset({"out"}), volatile=frozenset({"out"})),
    RerunRow("hash-of-a-text-with-the-pipeline-s-hash-seed", """
        # %% step:draw
        value = hash("x")
        # %% step:out
        print(value, list({f"name {i}" for i in range(20)}))
    """, kept=BOTH),
    RerunRow("hash-of-a-text-with-a-random-hash-seed", """
        # %% step:draw
        value = hash("x")
        # %% step:out
        print(value)
    """, env={"PYTHONHASHSEED": "random"}, not_kept=BOTH, moves=frozenset({"out"}), volatile=BOTH),
    RerunRow("entropy-branches-beside-a-pure-one", """
        # %% step:pure
        total = sum(range(1000))
        # %% step:draw
        import uuid
        key = uuid.uuid4().hex
        # %% step:out
        print(total)
    """, kept=frozenset({"pure", "out"}), not_kept=frozenset({"draw"})),
]  # fmt: skip
