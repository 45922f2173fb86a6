"""The clock, however it is read: a second later the second run shows a later time."""

from __future__ import annotations

from collections.abc import Mapping

from tests.acceptance.rerun import RerunRow, next_second

READ, OUT = frozenset({"read"}), frozenset({"read", "out"})


def reads(name: str, source: str, needs: tuple[str, ...] = (), files: Mapping[str, str] | None = None) -> RerunRow:
    """A row whose step `read` binds `value` to what the clock shows in seconds, which the step `out` prints."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return RerunRow(name, f"""
        # %% step:read
{lines}
        # %% step:out
        print(value)
    """, needs=needs, files=files or {}, python_only=not source.startswith("%"), change=next_second,
        not_kept=OUT, moves=frozenset({"out"}), volatile=OUT)  # fmt: skip


def looks(name: str, cells: str, needs: tuple[str, ...] = (), files: Mapping[str, str] | None = None) -> RerunRow:
    """A row whose step `read` looks at the clock, with a result that is seldom another one a second later."""
    return RerunRow(name, cells, needs=needs, files=files or {}, change=next_second, not_kept=READ)


ROWS = [
    # ../shared/cases: the clock asked for by a text
    RerunRow("clock-by-a-word", r"""
        # %% imports
        import pandas as pd
        import numpy as np
        # %% step:ts
        today = pd.Timestamp("today")
        # %% step:out
        print(today)
    """, needs=("pandas",), change=next_second, not_kept=frozenset({"ts", "out"}), moves=frozenset({"out"}),
        volatile=frozenset({"out"})),
    reads("clock-pandas-timestamp-now-word", 'import pandas as pd\nvalue = pd.Timestamp("now")', ("pandas",)),
    reads("clock-pandas-timestamp-now-called", "import pandas as pd\nvalue = pd.Timestamp.now()", ("pandas",)),
    reads("clock-pandas-to-datetime-now", 'import pandas as pd\nvalue = pd.to_datetime("now")', ("pandas",)),
    reads("clock-pandas-to-datetime-list", 'import pandas as pd\nvalue = pd.to_datetime(["today"])[0]', ("pandas",)),
    reads("clock-pandas-word-in-a-variable", """
import pandas as pd
WHEN = "to" + "day"
value = pd.Timestamp(WHEN)
""", ("pandas",)),
    reads("clock-pandas-date-range-end-now", """
import pandas as pd
value = pd.date_range(end=pd.Timestamp("now"), periods=2, freq="s")[-1]
""", ("pandas",)),
    reads("clock-numpy-datetime64-now", 'import numpy as np\nvalue = np.datetime64("now")', ("numpy",)),
    reads("clock-numpy-array-of-now", 'import numpy as np\nvalue = np.array(["now"], dtype="datetime64[s]")',
          ("numpy",)),
    reads("clock-datetime-now", "from datetime import datetime\nvalue = datetime.now()"),
    reads("clock-datetime-now-utc", "from datetime import datetime, timezone\nvalue = datetime.now(timezone.utc)"),
    reads("clock-time-time", "import time\nvalue = time.time()"),
    reads("clock-time-ns", "import time\nvalue = time.time_ns()"),
    reads("clock-monotonic", "import time\nvalue = time.monotonic()"),
    reads("clock-gettime", "import time\nvalue = time.clock_gettime(time.CLOCK_REALTIME)"),
    reads("clock-localtime", "import time\nvalue = time.localtime()[:6]"),
    reads("clock-gmtime", "import time\nvalue = time.gmtime()"),
    reads("clock-ctime", "import time\nvalue = time.ctime()"),
    reads("clock-asctime", "import time\nvalue = time.asctime()"),
    reads("clock-strftime-seconds", 'import time\nvalue = time.strftime("%H:%M:%S")'),
    reads("clock-perf-counter-as-data", "import time\nvalue = time.perf_counter()"),
    looks("clock-strftime-year", """
        # %% step:read
        import time
        print(time.strftime("%Y"))
    """),
    looks("clock-date-today", """
        # %% imports
        from datetime import date
        # %% step:read
        print(date.today().isoformat())
    """),
    looks("clock-date-today-in-a-title", """
        # %% imports
        from datetime import date
        # %% step:read
        title = f"Report of {date.today():%d %B %Y}"
        # %% step:out
        print(title)
    """),
    looks("clock-pandas-normalized-today", """
        # %% imports
        import pandas as pd
        # %% step:read
        ages = (pd.Timestamp("today").normalize() - pd.to_datetime(["2020-01-01"])).days
        print(ages[0])
    """, ("pandas",)),
    looks("clock-compared-to-a-deadline", """
        # %% imports
        import time
        # %% step:read
        expired = time.time() > 4_000_000_000
        # %% step:out
        print(expired)
    """),
    reads("clock-email-formatdate", "import email.utils\nvalue = email.utils.formatdate()"),
    reads("clock-http-date", "from wsgiref.handlers import format_date_time\nimport time\n"
                             "value = format_date_time(time.time())"),
    reads("clock-http-cookie-expires", "from http.cookiejar import time2netscape\nvalue = time2netscape()"),
    reads("clock-logging-asctime", """
import io, logging
stream = io.StringIO()
handler = logging.StreamHandler(stream)
handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
log = logging.Logger("own")
log.addHandler(handler)
log.warning("begun")
value = stream.getvalue()
"""),
    reads("clock-logging-basic-config-asctime", """
import io, logging
stream = io.StringIO()
logging.basicConfig(stream=stream, format="%(asctime)s %(message)s", force=True)
logging.warning("begun")
value = stream.getvalue()
logging.basicConfig(force=True)
"""),
    reads("clock-logging-record-created", """
import logging
value = logging.makeLogRecord({"msg": "x"}).created
"""),
    reads("clock-sqlite-now", """
import sqlite3
value = sqlite3.connect(":memory:").execute("select datetime('now')").fetchone()[0]
"""),
    reads("clock-sqlite-current-timestamp-default", """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table t (x int, at text default current_timestamp)")
db.execute("insert into t (x) values (1)")
value = db.execute("select at from t").fetchone()[0]
db.close()
del db
"""),
    reads("clock-sqlalchemy-func-now", """
import sqlalchemy as sa
with sa.create_engine("sqlite://").connect() as c:
    value = c.execute(sa.select(sa.func.now())).scalar()
del c
""", ("sqlalchemy",)),
    RerunRow("clock-by-an-alias-of-an-earlier-step", """
        # %% step:alias
        from datetime import datetime
        now = datetime.now
        # %% step:read
        print(now())
    """, change=next_second, not_kept=READ, moves=READ, volatile=READ),
    reads("clock-imported-under-another-name", "from time import time as t\nvalue = t()"),
    reads("clock-module-under-another-name", "import datetime as dt\nvalue = dt.datetime.now().isoformat()"),
    reads("clock-partial", """
import functools, time
stamp = functools.partial(time.strftime, "%H:%M:%S")
value = stamp()
"""),
    reads("clock-methodcaller", """
import datetime, operator
value = operator.methodcaller("now")(datetime.datetime)
"""),
    reads("clock-attrgetter", 'import operator, time\nvalue = operator.attrgetter("time")(time)()'),
    reads("clock-getattr-of-pieces", 'import time\nvalue = getattr(time, "ti" + "me")()'),
    reads("clock-dunder-import", 'value = __import__("time").time()'),
    reads("clock-importlib", 'import importlib\nvalue = importlib.import_module("time").time()'),
    reads("clock-in-a-dict-of-functions", """
import time
SOURCES = {"wall": time.time, "none": lambda: 0}
value = SOURCES["wall"]()
"""),
    reads("clock-map", "import time\nvalue = list(map(time.localtime, [None]))[0][:6]"),
    reads("clock-iter-with-a-sentinel", "import time\nvalue = next(iter(time.time, None))"),
    reads("clock-eval", 'value = eval("__import__(\'time\').time()")'),
    reads("clock-dataclass-default-factory", """
import time
from dataclasses import dataclass, field
@dataclass
class Event:
    at: float = field(default_factory=time.time)
value = Event().at
"""),
    reads("clock-defaultdict", """
from collections import defaultdict
from datetime import datetime
seen = defaultdict(datetime.now)
value = seen["a"]
"""),
    reads("clock-default-argument", """
import time
def stamped(text, at=time.time()):
    return f"{text} {at}"
value = stamped("a")
"""),
    reads("clock-class-attribute", """
import time
class Run:
    started = time.time()
value = Run.started
"""),
    reads("clock-property", """
import time
class Clock:
    @property
    def now(self): return time.time()
value = Clock().now
"""),
    reads("clock-decorator", """
import time
def stamped(function):
    def inner(*args): return function(*args), time.time()
    return inner
@stamped
def double(x): return 2 * x
value = double(2)
"""),
    reads("clock-in-a-comprehension", "import time\nvalue = [time.time() for _ in range(1)]"),
    reads("clock-in-a-generator", """
import time
def ticks():
    while True: yield time.time()
value = next(ticks())
"""),
    reads("clock-in-a-thread", """
import threading, time
found = []
thread = threading.Thread(target=lambda: found.append(time.time()))
thread.start(); thread.join()
value = found[0]
del thread
"""),
    reads("clock-in-a-pool-of-threads", """
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(1) as pool:
    value = pool.submit(time.time).result()
del pool
"""),
    reads("clock-in-a-coroutine", """
import asyncio
async def now():
    await asyncio.sleep(0)
    return asyncio.get_running_loop().time()
value = await now()
"""),
    RerunRow("clock-line-magic-time", """
        # %% step:read
        import time
        %time value = time.time()
        # %% step:out
        print(value)
    """, python_only=False, change=next_second, not_kept=OUT, moves=frozenset({"out"}), volatile=OUT),
    reads("clock-in-a-local-module", "import stamps\nvalue = stamps.now()", files={"stamps.py": """
        import time
        def now(): return time.time()
    """}),
    reads("clock-in-a-local-module-by-a-word", "from stamps import now\nvalue = now()", ("pandas",), {"stamps.py": """
        import pandas as pd
        def now(): return pd.Timestamp("now")
    """}),
    reads("clock-in-a-class-of-a-local-module", "from shop.orders import Order\nvalue = Order(3).at", files={
        "shop/__init__.py": "",
        "shop/orders.py": """
            from dataclasses import dataclass, field
            from datetime import datetime
            @dataclass
            class Order:
                amount: int
                at: datetime = field(default_factory=datetime.now)
        """,
    }),
    reads("clock-at-import-of-a-local-module", "import stamps\nvalue = stamps.STARTED", files={"stamps.py": """
        import time
        STARTED = time.time()
    """}),
    RerunRow("clock-by-a-function-of-an-earlier-step", """
        # %% functions
        import time
        def stamp(text): return f"{text} {time.time()}"
        # %% step:read
        value = stamp("a")
        # %% step:out
        print(value)
    """, change=next_second, not_kept=OUT, moves=frozenset({"out"}), volatile=OUT),
    RerunRow("clock-by-an-object-of-an-earlier-step", """
        # %% step:make
        import time
        class Log:
            def __init__(self): self.lines = []
            def add(self, text): self.lines.append((time.time(), text))
        log = Log()
        # %% step:read
        log.add("a")
        print(log.lines)
    """, change=next_second, not_kept=READ, moves=READ, volatile=READ),
    RerunRow("clock-in-a-file-that-is-written", """
        # %% step:read
        import datetime, pathlib
        _ = pathlib.Path("stamp.txt").write_text(str(datetime.datetime.now()))
        # %% step:out
        print(open("stamp.txt").read())
    """, change=next_second, not_kept=OUT, moves=frozenset({"out"}), volatile=OUT),
    RerunRow("clock-by-the-time-of-a-new-file", """
        # %% step:read
        import os, pathlib
        pathlib.Path("mark").write_text("x")
        value = os.path.getmtime("mark")
        # %% step:out
        print(value)
    """, change=next_second, not_kept=OUT, moves=frozenset({"out"}), volatile=OUT),
    RerunRow("clock-branches-beside-a-pure-one", """
        # %% step:pure
        total = sum(range(1000))
        # %% step:read
        import time
        at = time.time()
        # %% step:out
        print(total)
        # %% step:late
        print(at)
    """, change=next_second, kept=frozenset({"pure", "out"}), not_kept=frozenset({"read", "late"}),
        moves=frozenset({"late"}), volatile=frozenset({"late"})),
    RerunRow("clock-seeds-a-generator", """
        # %% step:read
        import random, time
        random.seed(time.time_ns())
        value = random.random()
        # %% step:out
        print(value)
    """, change=next_second, not_kept=OUT, moves=frozenset({"out"}), volatile=OUT),
]  # fmt: skip
