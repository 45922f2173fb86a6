"""What stays kept: clocks, folders and generators that can't reach a result cost no cache."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow, next_second, touch, write

WORK, BOTH = frozenset({"work"}), frozenset({"work", "out"})


def stays(
    name: str,
    source: str,
    needs: tuple[str, ...] = (),
    masks: tuple[str, ...] = (),
    imports: str = "",
) -> RerunRow:
    """A row whose step `work` binds `value`, which the step `out` prints: a second later both are still kept."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return RerunRow(name, f"""
        # %% imports
        {imports or "import math"}
        # %% step:work
{lines}
        # %% step:out
        print(value)
    """, needs=needs, masks=masks, change=next_second, kept=BOTH)  # fmt: skip


BAR = (r"[^\n]*\|[^\n]*",)
TOOK = (r"took [\d.]+ ?m?s",)
DATA = """
from sklearn.datasets import make_blobs
X, y = make_blobs(100, centers=3, random_state=0)
"""

ROWS = [
    stays("kept-tqdm-loop", "from tqdm import tqdm\nvalue = sum(i for i in tqdm(range(50)))", ("tqdm",), BAR),
    stays("kept-tqdm-auto", "value = [i for i in tqdm(range(5), leave=False)]", ("tqdm",), BAR,
          "from tqdm.std import tqdm"),
    stays("kept-tqdm-of-pandas", """
import pandas as pd
from tqdm.std import tqdm
tqdm.pandas()
value = pd.Series([1, 2]).progress_apply(lambda x: x + 1).sum()
""", ("tqdm", "pandas"), BAR),
    stays("kept-logging-default-format", 'import logging\nlogging.warning("begun")\nvalue = 1'),
    stays("kept-logging-of-a-module-s-logger", """
import logging
log = logging.getLogger("app")
log.setLevel(logging.INFO)
log.info("nobody hears it")
value = log.name
"""),
    stays("kept-sleep", "import time\ntime.sleep(0.01)\nvalue = 1"),
    stays("kept-timing-that-is-printed", """
import time
began = time.perf_counter()
value = sum(range(1000))
print(f"took {time.perf_counter() - began:.3f} s")
del began
""", masks=TOOK),
    stays("kept-timing-by-time-time", """
import time
t0 = time.time()
value = sum(range(1000))
print("took %.1f s" % (time.time() - t0))
del t0
""", masks=TOOK),
    stays("kept-random-seeded", "import random\nrandom.seed(1)\nvalue = random.random()"),
    stays("kept-random-instance-seeded", "import random\nvalue = random.Random(1).random()"),
    stays("kept-random-instance-seeded-with-a-text", 'import random\nvalue = random.Random("abc").random()'),
    stays("kept-numpy-seeded", "import numpy as np\nnp.random.seed(1)\nvalue = np.random.rand()", ("numpy",)),
    stays("kept-default-rng-seeded", "import numpy as np\nvalue = np.random.default_rng(1).random()", ("numpy",)),
    stays("kept-default-rng-seed-in-a-variable",
          "import numpy as np\nSEED = 7\nvalue = np.random.default_rng(SEED).random()", ("numpy",)),
    stays("kept-random-state-seeded", "import numpy as np\nvalue = np.random.RandomState(1).rand()", ("numpy",)),
    stays("kept-generator-of-a-bit-generator",
          "from numpy.random import PCG64, Generator\nvalue = Generator(PCG64(1)).random()", ("numpy",)),
    stays("kept-seed-sequence-spawned", """
import numpy as np
value = [np.random.default_rng(s).random() for s in np.random.SeedSequence(1).spawn(2)]
""", ("numpy",)),
    stays("kept-uuid5", 'import uuid\nvalue = uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")'),
    stays("kept-uuid-of-a-text", 'import uuid\nvalue = uuid.UUID("12345678123456781234567812345678")'),
    stays("kept-hashlib", 'import hashlib\nvalue = hashlib.sha256(b"x").hexdigest()'),
    stays("kept-scipy-rvs-seeded", "from scipy import stats\nvalue = stats.norm.rvs(size=2, random_state=1)",
          ("scipy",)),
    stays("kept-the-name-of-its-own-folder", """
import os
import tempfile
tempfile.gettempdir()
value = os.path.exists("nothing.txt"), os.path.abspath("nothing.txt")
print(value)
"""),
    stays("kept-copies-of-seeded-generators", """
import copy
import numpy as np
copies = [copy.deepcopy(np.random.RandomState(1)), copy.deepcopy(np.random.default_rng(1))]
value = [copies[0].rand(), copies[1].random()]
""", ("numpy",)),
    stays("kept-sklearn-that-counts-cores", """
from joblib.externals.loky.backend import context
context.physical_cores_cache = None
from joblib import cpu_count
value = cpu_count(only_physical_cores=True) > 0
""", ("joblib",)),
    stays("kept-triangulation", """
import numpy as np
from scipy.spatial import ConvexHull, Delaunay
points = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.6]])
value = len(Delaunay(points).simplices), float(ConvexHull(points).volume)
""", ("scipy",)),
    stays("kept-sklearn-fit-with-random-state", DATA + """
from sklearn.ensemble import RandomForestClassifier
model = RandomForestClassifier(3, random_state=0).fit(X, y)
value = model.score(X, y)
""", ("sklearn",)),
    stays("kept-sklearn-fit-without-randomness", DATA + """
from sklearn.linear_model import LogisticRegression
value = LogisticRegression().fit(X, y).score(X, y)
""", ("sklearn",)),
    stays("kept-sklearn-two-jobs", DATA + """
from sklearn.ensemble import RandomForestClassifier
value = RandomForestClassifier(4, random_state=0, n_jobs=2).fit(X, y).score(X, y)
""", ("sklearn",)),
    stays("kept-sklearn-cross-validation", DATA + """
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier
value = cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=3).mean()
""", ("sklearn",)),
    stays("kept-sklearn-grid-search", DATA + """
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
value = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=2).fit(X, y).best_params_
""", ("sklearn",)),
    stays("kept-sklearn-data-of-the-package", "from sklearn.datasets import load_iris\nvalue = load_iris().data.mean()",
          ("sklearn",)),
    stays("kept-sklearn-frame-of-the-package", """
from sklearn.datasets import load_wine
value = load_wine(as_frame=True).frame.shape
""", ("sklearn", "pandas")),
    stays("kept-statsmodels-fit", """
import statsmodels.api as sm
value = sm.OLS([1.0, 2.0, 3.5], sm.add_constant([1.0, 2.0, 3.0])).fit().params.round(3)
""", ("statsmodels",)),
    stays("kept-matplotlib-plot", """
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()
value = 1
""", ("matplotlib",)),
    stays("kept-matplotlib-subplots-saved-nowhere", """
fig, ax = plt.subplots()
ax.hist([1, 2, 2, 3])
ax.set_title("counts")
plt.close(fig)
value = len(ax.patches)
del fig, ax
""", ("matplotlib",), imports="import matplotlib.pyplot as plt"),
    stays("kept-matplotlib-style", """
plt.style.use("ggplot")
value = plt.rcParams["axes.grid"]
""", ("matplotlib",), imports="import matplotlib.pyplot as plt"),
    stays("kept-pandas-plot", """
import matplotlib.pyplot as plt
import pandas as pd
pd.DataFrame({"x": [1, 3, 2]}).plot()
plt.show()
value = 1
""", ("matplotlib", "pandas")),
    stays("kept-dates-of-texts", """
import pandas as pd
value = pd.to_datetime(["2020-01-01", "2021-06-01"]).year.tolist()
""", ("pandas",)),
    stays("kept-date-range", 'import pandas as pd\nvalue = pd.date_range("2020-01-01", periods=3)', ("pandas",)),
    stays("kept-time-series-resampled", """
import pandas as pd
index = pd.date_range("2020-01-01", periods=6, freq="12h")
value = pd.Series(range(6), index).resample("D").sum().tolist()
""", ("pandas",)),
    stays("kept-datetime-of-numbers", 'from datetime import datetime\nvalue = datetime(2020, 1, 1).strftime("%A")'),
    stays("kept-strptime", 'import time\nvalue = time.strptime("2020", "%Y").tm_year'),
    stays("kept-strftime-of-a-given-time", 'import time\nvalue = time.strftime("%Y", time.gmtime(0))'),
    stays("kept-calendar", "import calendar\nvalue = calendar.isleap(2024)"),
    stays("kept-numpy-datetime", 'import numpy as np\nvalue = np.datetime64("2020-01-01") + 1', ("numpy",)),
    stays("kept-tempfile-as-scratch", """
import tempfile
with tempfile.TemporaryFile("w+") as scratch:
    scratch.write("abc")
    scratch.seek(0)
    value = scratch.read()
del scratch
"""),
    stays("kept-tempfile-folder-as-scratch", """
import pathlib, tempfile
def through_a_file(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "scratch.txt")
        path.write_text(text)
        return path.read_text()
value = through_a_file("abc")
"""),
    stays("kept-lock-with-a-timeout", """
import threading
def locked():
    lock = threading.Lock()
    with lock:
        return lock.acquire(timeout=0.01)
value = locked()
"""),
    stays("kept-queue-with-a-timeout", """
import queue
def first():
    items = queue.Queue()
    items.put(3)
    return items.get(timeout=1)
value = first()
"""),
    stays("kept-pool-of-threads", """
from concurrent.futures import ThreadPoolExecutor
def doubled(numbers):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda x: 2 * x, numbers, timeout=10))
value = doubled([1, 2, 3])
"""),
    stays("kept-event-awaited", """
import threading
def waited():
    event = threading.Event()
    threading.Timer(0.01, event.set).start()
    return event.wait(5)
value = waited()
"""),
    stays("kept-await-sleep", "await asyncio.sleep(0.01)\nvalue = 1", imports="import asyncio"),
    stays("kept-await-with-a-timeout", """
async def answer():
    await asyncio.sleep(0)
    return 42
value = await asyncio.wait_for(answer(), 5)
""", imports="import asyncio"),
    stays("kept-warning", 'import warnings\nwarnings.warn("careful")\nvalue = 1'),
    stays("kept-gc", "import gc\n_ = gc.collect()\nvalue = 1"),
    stays("kept-json", "import json\nvalue = json.loads('{\"a\": 1}')"),
    stays("kept-csv", 'import csv, io\nvalue = list(csv.reader(io.StringIO("a,b")))'),
    stays("kept-regular-expression", 'import re\nvalue = re.findall(r"\\d+", "1 22")'),
    stays("kept-decimal", 'from decimal import Decimal\nvalue = Decimal("1") / 3'),
    stays("kept-lru-cache", """
from functools import lru_cache
@lru_cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
value = fib(20)
"""),
    stays("kept-regular-loop-over-a-set", "value = sorted({3, 1, 2})"),
    stays("kept-groupby", """
import pandas as pd
value = pd.DataFrame({"a": [1, 1, 2], "b": [1, 2, 3]}).groupby("a")["b"].sum().to_dict()
""", ("pandas",)),
    stays("kept-in-memory-sqlite", """
import sqlite3
def total():
    db = sqlite3.connect(":memory:")
    db.execute("create table t (x int)")
    db.executemany("insert into t values (?)", [(1,), (2,)])
    found = db.execute("select sum(x) from t").fetchone()[0]
    db.close()
    return found
value = total()
"""),
    stays("kept-display-of-html", "display(HTML('<b>x</b>'))\nvalue = 1",
          imports="from IPython.display import HTML, display"),
    stays("kept-pprint", "from pprint import pformat\nvalue = pformat({'a': [1, 2]})"),
    stays("kept-joblib-threads", """
from joblib import Parallel, delayed
value = Parallel(n_jobs=2, prefer="threads")(delayed(abs)(-x) for x in range(3))
""", ("joblib",)),
    RerunRow("kept-default-argument-that-nobody-asks", """
        # %% step:work
        import csv
        def rows(path="table.csv"):
            with open(path) as file: return list(csv.reader(file))
        value = rows()
        # %% step:out
        print(value)
    """, files={"table.csv": "a,b"}, change=write("unrelated.csv", "c"), kept=BOTH),
    RerunRow("kept-plot-of-an-earlier-frame", """
        # %% imports
        import matplotlib.pyplot as plt
        import pandas as pd
        # %% step:load
        frame = pd.read_csv("data.csv")
        # %% step:work
        ax = frame.plot(x="x", y="y")
        plt.show()
        # %% step:out
        print(frame["y"].sum())
    """, needs=("matplotlib", "pandas"), files={"data.csv": "x,y\n1,2\n2,3\n"}, change=next_second,
        kept=frozenset({"load", "work", "out"})),
    RerunRow("kept-file-that-is-written-each-time-alike", """
        # %% step:work
        with open("made.txt", "w") as file: _ = file.write("x")
        # %% step:out
        print(open("made.txt").read())
    """, change=next_second, kept=BOTH),
    RerunRow("kept-log-of-a-local-module", """
        # %% step:work
        from tools import f
        value = f(2)
        # %% step:out
        print(value)
    """, files={"tools.py": """
        import logging
        log = logging.getLogger(__name__)
        def f(x):
            log.debug("f of %s", x)
            return x
    """}, change=next_second, kept=BOTH),
    RerunRow("kept-timing-decorator-of-a-local-module", """
        # %% step:work
        from tools import f
        value = f(2)
        # %% step:out
        print(value)
    """, files={"tools.py": """
        import functools, time
        def timed(function):
            @functools.wraps(function)
            def inner(*args):
                began = time.perf_counter()
                result = function(*args)
                print(f"took {time.perf_counter() - began:.3f} s")
                return result
            return inner
        @timed
        def f(x): return x
    """}, masks=TOOK, change=next_second, kept=BOTH),
    # -- widgets
    RerunRow("kept-widgets-that-no-later-step-uses", """
        # %% imports
        import ipywidgets as widgets
        from IPython.display import display
        # %% step:read
        text = open("text.txt").read(); print(text)
        # %% step:slider
        slider = widgets.IntSlider(value=3); seen = []
        slider.observe(lambda change: seen.append(change["new"]), "value")
        slider.value = 4; display(slider); print(seen)
        # %% step:box
        box = widgets.HBox([widgets.Text("x"), widgets.Button(description="go")]); display(box); print("box")
        # %% step:output
        held = widgets.Output()
        with held: print("in it")
        display(held); print("out of it")
        # %% step:bar
        bar = widgets.IntProgress(max=3); display(bar)
        for n in range(3): bar.value += 1
        print(bar.value)
        # %% step:again
        print(text * 2)
    """, needs=("ipywidgets",), files={"text.txt": "a"}, change=write("text.txt", "b"),
             masks=(r"[0-9a-f]{32}",), kept=frozenset({"slider", "box", "output", "bar"}),
             not_kept=frozenset({"read", "again"}),
             moves=frozenset({"read", "again"})),
    RerunRow("kept-beside-a-widget-that-a-later-step-uses", """
        # %% imports
        import ipywidgets as widgets
        # %% step:slider
        slider = widgets.IntSlider(value=3); print(slider.value)
        # %% step:beside
        print(sum(range(9)))
        # %% step:use
        print(slider.value, open("text.txt").read()); slider.value += 1
        # %% step:after
        print(slider.value)
    """, needs=("ipywidgets",), files={"text.txt": "a"}, change=write("text.txt", "b"),
             not_kept=frozenset({"use"}), moves=frozenset({"use"})),
    RerunRow("kept-download-of-a-file-that-is-there", """
        # %% imports
        import os
        from urllib.request import urlretrieve
        # %% step:load
        def download(url):
            name = os.path.basename(url)
            if not os.path.exists(name): urlretrieve(url, name)
            return name
        text = open(download("https://example.invalid/text.txt")).read()
        # %% step:show
        from IPython.display import IFrame
        IFrame("https://example.invalid/page", 100, 50)
        # %% step:out
        print(text)
    """, files={"text.txt": "a"}, change=next_second, kept=frozenset({"load", "show", "out"})),
    RerunRow("not-kept-download-of-a-file-that-changes", """
        # %% imports
        import os
        from urllib.request import urlretrieve
        # %% step:load
        if not os.path.exists("text.txt"): urlretrieve("https://example.invalid/text.txt", "text.txt")
        text = open("text.txt").read()
        # %% step:out
        print(text)
    """, files={"text.txt": "a"}, change=write("text.txt", "b"), not_kept=frozenset({"load", "out"}),
             moves=frozenset({"out"})),
    RerunRow("not-kept-download-that-happens", """
        # %% imports
        import http.server, threading, urllib.request
        # %% step:server
        class Pages(http.server.BaseHTTPRequestHandler):
            count = 0
            def do_GET(self):
                Pages.count += 1
                self.send_response(200); self.end_headers(); self.wfile.write(b"page")
            def log_message(self, *args): pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # %% step:load
        text = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read()
        # %% step:out
        print(text)
    """, change=next_second, not_kept=frozenset({"load"})),
    RerunRow("kept-data-set-of-a-library-that-has-its-copy", """
        # %% imports
        import seaborn as sns
        # %% step:data
        data = sns.load_dataset("tips")
        # %% step:beside
        print(len("abc"))
        # %% step:out
        print(data)
    """, files={"@site@/seaborn.py": """
        import os
        def load_dataset(name):
            with open(os.path.expanduser("~/" + name + ".csv")) as file: return file.read()
    """, "~/tips.csv": "a,b"}, change=touch("~/tips.csv"), kept=frozenset({"data", "beside", "out"})),
    RerunRow("not-kept-data-set-whose-copy-changes", """
        # %% imports
        import seaborn as sns
        # %% step:data
        data = sns.load_dataset("tips")
        # %% step:out
        print(data)
    """, files={"@site@/seaborn.py": """
        import os
        def load_dataset(name):
            with open(os.path.expanduser("~/" + name + ".csv")) as file: return file.read()
    """, "~/tips.csv": "a,b"}, change=write("~/tips.csv", "c,d"), not_kept=frozenset({"data", "out"}),
             moves=frozenset({"out"})),
    RerunRow("kept-a-file-that-is-emptied-and-opened-for-both", """
        # %% step:work
        with open("made.txt", "w+") as file: file.write("abc"); file.seek(0); text = file.read()
        # %% step:out
        print(open("made.txt").read(), text)
    """, change=next_second, kept=frozenset({"work", "out"})),
    RerunRow("kept-a-figure-that-is-saved", """
        # %% imports
        import matplotlib.pyplot as plt
        # %% step:work
        fig, ax = plt.subplots(); ax.plot([1, 2]); fig.savefig("made.png"); plt.close(fig); value = 1
        # %% step:out
        import os; print(os.path.getsize("made.png") > 0)
    """, needs=("matplotlib", "PIL"), change=next_second, kept=frozenset({"work", "out"})),
    RerunRow("not-kept-a-file-that-is-changed-in-place", """
        # %% step:work
        with open("made.txt", "r+") as file: text = file.read(); file.write("c")
        # %% step:out
        print(text, open("made.txt").read())
    """, files={"made.txt": "a"}, not_kept=frozenset({"work", "out"}), moves=frozenset({"out"})),
    RerunRow("kept-where-names-of-a-random-step-are-bound-anew", """
        # %% imports
        import random
        # %% step:draw
        ax = [random.random()]
        fig = {"axes": ax}
        # %% step:work
        fig = {"axes": []}; ax = fig["axes"]; ax.append(1); total = sum(ax)
        # %% step:out
        print(total, fig)
    """, change=next_second, kept=frozenset({"work", "out"}), not_kept=frozenset({"draw"})),
    RerunRow("not-kept-where-a-loop-over-nothing-binds-no-name", """
        # %% step:first
        k = open("text.txt").read(); rows = []
        # %% step:work
        for k in rows: pass
        # %% step:out
        print(k)
    """, files={"text.txt": "a"}, change=write("text.txt", "b"), not_kept=frozenset({"first", "work", "out"}),
             moves=frozenset({"out"})),
    RerunRow("not-kept-where-a-name-is-bound-to-what-it-was", """
        # %% step:first
        k = int(open("text.txt").read())
        # %% step:work
        k = 5
        # %% step:out
        print(k)
    """, files={"text.txt": "5"}, change=write("text.txt", "6"), kept=frozenset({"out"}),
             not_kept=frozenset({"first"})),
    RerunRow("not-kept-where-another-name-shares-what-is-bound-anew", """
        # %% step:first
        rows = [open("text.txt").read()]; same = rows
        # %% step:work
        rows = [1]
        # %% step:out
        print(rows, same, rows is same)
    """, files={"text.txt": "a"}, change=write("text.txt", "b"), not_kept=frozenset({"first", "out"}),
             moves=frozenset({"out"})),
    RerunRow("not-kept-where-a-function-reads-what-is-bound-anew", """
        # %% functions
        def show(): print(k)
        # %% step:first
        k = open("text.txt").read()
        # %% step:work
        show(); k = 1
        # %% step:out
        show()
    """, files={"text.txt": "a"}, change=write("text.txt", "b"), not_kept=frozenset({"first", "work"}),
             moves=frozenset({"work"})),
    RerunRow("kept-under-one-name-for-the-files-of-all-steps", """
        # %% step:first
        with open("a.txt") as file: print(file.read())
        # %% step:second
        with open("text.txt") as file: text = file.read()
        print(text)
        # %% step:third
        with open("a.txt") as file: lines = list(file)
        print(lines)
        # %% step:last
        print(file.name, file.closed, text)
    """, files={"text.txt": "a", "a.txt": "first"}, change=write("text.txt", "b"), kept=frozenset({"first"}),
             not_kept=frozenset({"second", "last"}), moves=frozenset({"second", "last"})),
]  # fmt: skip
