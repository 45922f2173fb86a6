"""Steps that read the world: clock, entropy, process and machine, files in every folder, the environment.

What they read differs from run to run. Each row therefore shows a relation that holds in every Run All: two draws
differ, a process is one process, time does not go back, what was written is what is read.
"""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("world-clock-does-not-go-back", """
        # %% step:a
        import time
        began = time.time()
        # %% step:b
        again = time.time()
        # %% step:c
        print(again >= began, time.time() >= again)
    """),
    Row("world-monotonic-clock-of-one-machine", """
        # %% step:a
        import time
        began = time.monotonic_ns()
        # %% step:b
        print(0 <= time.monotonic_ns() - began < 3_600 * 10**9)
    """),
    Row("world-clock-by-a-word", """
        # %% step:a
        import pandas as pd
        first = pd.Timestamp("now")
        # %% step:b
        second = pd.Timestamp("today")
        # %% step:c
        print(second >= first, first.year >= 2024)
    """, needs=("pandas",)),
    Row("world-clock-by-numpy", """
        # %% step:a
        import numpy as np
        first = np.datetime64("now")
        # %% step:b
        print(bool(np.datetime64("now") >= first), first.dtype)
    """, needs=("numpy",)),
    Row("world-clock-by-an-alias", """
        # %% step:a
        from datetime import datetime
        now = datetime.now
        first = now()
        # %% step:b
        second = now()
        # %% step:c
        print(now() >= second >= first, now == datetime.now)
    """),
    Row("world-clock-in-a-default-factory", """
        # %% step:a
        import time
        from dataclasses import dataclass, field
        @dataclass(order=True)
        class Event:
            at: float = field(default_factory=time.time)
        # %% step:b
        first = Event()
        # %% step:c
        second = Event()
        # %% step:d
        print(first <= second, second.at - first.at < 3600)
    """),
    Row("world-clock-in-a-local-module", """
        # %% step:a
        import stamps
        first = stamps.now()
        # %% step:b
        second = stamps.now()
        # %% step:c
        print(second > first, len(stamps.TAKEN))
    """, files={"stamps.py": """
        import time
        TAKEN = []
        def now():
            TAKEN.append(time.perf_counter_ns())
            return TAKEN[-1]
    """}),
    Row("world-clock-by-sqlite", """
        # %% step:a
        import sqlite3
        def now():
            db = sqlite3.connect(":memory:")
            found = db.execute("select datetime('now')").fetchone()[0]
            db.close()
            return found
        first = now()
        # %% step:b
        print(now() >= first, len(first))
    """),
    Row("world-uptime", """
        # %% step:a
        first = float(open("/proc/uptime").read().split()[0])
        # %% step:b
        print(float(open("/proc/uptime").read().split()[0]) >= first)
    """),
    Row("world-two-uuids-differ", """
        # %% step:a
        import uuid
        first = uuid.uuid4()
        # %% step:b
        second = uuid.uuid4()
        # %% step:c
        print(first != second, first.version, second.version)
    """),
    Row("world-two-unseeded-draws-differ", """
        # %% step:a
        import random
        first = random.random()
        # %% step:b
        second = random.random()
        # %% step:c
        print(first != second, first != random.random())
    """),
    Row("world-two-unseeded-generators-differ", """
        # %% imports
        import numpy as np
        # %% step:a
        first = np.random.default_rng().integers(2**62)
        # %% step:b
        second = np.random.default_rng().integers(2**62)
        # %% step:c
        print(bool(first != second))
    """, needs=("numpy",)),
    Row("world-numpy-s-unseeded-state-goes-on", """
        # %% imports
        import numpy as np
        # %% step:a
        first = np.random.rand()
        # %% step:b
        second = np.random.rand()
        # %% step:c
        state = np.random.get_state()
        third = np.random.rand()
        # %% step:d
        np.random.set_state(state)
        print(len({first, second, third}), np.random.rand() == third)
    """, needs=("numpy",)),
    Row("world-unseeded-draws-of-a-local-module-differ", """
        # %% step:a
        import sim
        first = sim.draw()
        # %% step:b
        second = sim.draw()
        # %% step:c
        print(first != second, sim.COUNT)
    """, needs=("numpy",), files={"sim.py": """
        import numpy as np
        _RNG = np.random.default_rng()
        COUNT = 0
        def draw():
            global COUNT
            COUNT += 1
            return float(_RNG.random())
    """}),
    Row("world-urandom-and-secrets", """
        # %% step:a
        import os, secrets
        first, token = os.urandom(16), secrets.token_hex(16)
        # %% step:b
        print(os.urandom(16) != first, secrets.token_hex(16) != token, len(first), len(token))
    """),
    Row("world-sklearn-splits-that-nothing-seeds", """
        # %% step:a
        from sklearn.model_selection import train_test_split
        train, test = train_test_split(list(range(100)))
        # %% step:b
        print(sorted(train + test) == list(range(100)), len(test))
        # %% step:c
        print(train_test_split(list(range(100)))[1] != test)
    """, needs=("sklearn",)),
    Row("world-one-process", """
        # %% step:a
        import os
        first = os.getpid()
        # %% step:b
        second = os.getpid()
        # %% step:c
        print(first == second == os.getpid())
    """),
    Row("world-one-process-by-its-links", """
        # %% step:a
        import os
        first = os.readlink("/proc/self")
        # %% step:b
        print(first == os.readlink("/proc/self") == str(os.getpid()))
    """),
    Row("world-one-machine", """
        # %% step:a
        import getpass, platform, socket
        first = socket.gethostname(), platform.node(), getpass.getuser()
        # %% step:b
        print(first == (socket.gethostname(), platform.node(), getpass.getuser()))
    """),
    Row("world-set-order-of-one-hash-seed", """
        # %% step:a
        names = {f"name {i}" for i in range(20)}
        order = list(names)
        # %% step:b
        print(list(names) == order, hash("x") == hash("".join(["x"])))
    """),
    Row("world-file-in-shared-memory", """
        # %% step:a
        from pathlib import Path
        shared = Path("/dev/shm") / f"world-{Path.cwd().name}.txt"
        _ = shared.write_text("1")
        # %% step:b
        _ = shared.write_text(shared.read_text() + "2")
        # %% step:c
        print(shared.read_text(), shared.stat().st_size)
        # %% step:d
        shared.unlink()
        print(shared.exists())
    """),
    Row("world-file-in-a-cache-folder", """
        # %% step:home
        import os
        os.environ["HOME"] = os.path.join(os.getcwd(), "home")
        # %% step:a
        folder = os.path.expanduser("~/.cache/app")
        os.makedirs(folder)
        # %% step:b
        with open(os.path.join(folder, "v.txt"), "w") as file: _ = file.write("1")
        # %% step:c
        print(open(os.path.join(folder, "v.txt")).read(), os.listdir(folder))
    """),
    Row("world-count-in-a-config-folder-by-a-module", """
        # %% step:home
        import os
        os.environ["HOME"] = os.getcwd()
        # %% step:a
        from counter import bump
        print(bump())
        # %% step:b
        print(bump())
        # %% step:c
        print(open(".config/app/count").read())
    """, files={"counter.py": """
        import os, pathlib
        def bump():
            path = pathlib.Path(os.path.expanduser("~/.config/app/count"))
            path.parent.mkdir(parents=True, exist_ok=True)
            n = int(path.read_text()) + 1 if path.exists() else 1
            path.write_text(str(n))
            return n
    """}),
    Row("world-module-looks-whether-a-file-is-there", """
        # %% step:a
        from looks import ready, size
        print(ready(), size())
        # %% step:b
        with open("flag.txt", "w") as file: _ = file.write("abc")
        # %% step:c
        print(ready(), size())
    """, files={"looks.py": """
        import os
        def ready(): return os.path.exists("flag.txt")
        def size(): return os.stat("flag.txt").st_size if ready() else -1
    """}, may_refuse=frozenset({"tasks of an engine"})),
    Row("world-module-lists-a-folder", """
        # %% step:a
        from looks import names
        print(names())
        # %% step:b
        open("in/b.txt", "w").close()
        # %% step:c
        print(names())
    """, files={"in/a.txt": "x", "looks.py": """
        import os
        def names(): return sorted(entry.name for entry in os.scandir("in"))
    """}, may_refuse=frozenset({"tasks of an engine"})),
    Row("world-absent-file-appears-in-a-later-step", """
        # %% step:a
        def load():
            try:
                with open("override.txt") as file: return file.read()
            except FileNotFoundError:
                return "default"
        print(load())
        # %% step:b
        with open("override.txt", "w") as file: _ = file.write("mine")
        # %% step:c
        print(load())
    """),
    Row("world-link-pointed-elsewhere", """
        # %% step:a
        import os
        os.symlink("a.txt", "latest")
        # %% step:b
        print(open("latest").read(), os.readlink("latest"))
        # %% step:c
        os.remove("latest"); os.symlink("b.txt", "latest")
        # %% step:d
        print(open("latest").read(), os.readlink("latest"))
    """, files={"a.txt": "one", "b.txt": "two"}),
    Row("world-permission-bits", """
        # %% step:a
        import os, stat
        os.chmod("job.sh", 0o644)
        # %% step:b
        print(stat.filemode(os.stat("job.sh").st_mode), os.access("job.sh", os.X_OK))
        # %% step:c
        os.chmod("job.sh", 0o755)
        # %% step:d
        print(stat.filemode(os.stat("job.sh").st_mode), os.access("job.sh", os.X_OK))
    """, files={"job.sh": "true"}),
    Row("world-tempfile-of-an-earlier-step", """
        # %% step:a
        import os, tempfile
        handle, name = tempfile.mkstemp()
        os.close(handle)
        # %% step:b
        with open(name, "w") as file: _ = file.write("abc")
        # %% step:c
        print(os.path.getsize(name), os.path.exists(name))
        # %% step:d
        os.remove(name)
        print(os.path.exists(name))
    """),
    Row("world-names-of-two-tempfiles-differ", """
        # %% step:a
        import tempfile
        with tempfile.NamedTemporaryFile() as first: one = first.name
        del first
        # %% step:b
        with tempfile.NamedTemporaryFile() as second: two = second.name
        del second
        # %% step:c
        print(one != two)
    """),
    Row("world-variable-of-the-environment-by-a-module", """
        # %% step:a
        import os, settings
        print(settings.level())
        # %% step:b
        os.environ["TERM_START"] = "2024"
        # %% step:c
        print(settings.level())
        # %% step:d
        del os.environ["TERM_START"]
        # %% step:e
        print(settings.level())
    """, files={"settings.py": """
        import os
        def level(): return os.getenv("TERM_START", "none")
    """}),
    Row("world-environment-by-the-beginning-of-names", """
        # %% step:a
        import os
        os.environ["GIT_BRANCH"] = "main"
        # %% step:b
        os.environ["GIT_REMOTE"] = "origin"
        # %% step:c
        print({k: os.environ[k] for k in sorted(os.environ) if k in ("GIT_BRANCH", "GIT_REMOTE")})
    """),
    Row("world-time-zone-of-the-environment", """
        # %% step:a
        import os, time
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        # %% step:b
        print(time.strftime("%H:%M", time.localtime(0)))
        # %% step:c
        os.environ["TZ"] = "UTC"
        time.tzset()
        # %% step:d
        print(time.strftime("%H:%M", time.localtime(0)))
    """),
    Row("world-output-of-a-process", """
        # %% step:a
        import subprocess
        _ = subprocess.run("echo one > made.txt", shell=True, check=True)
        # %% step:b
        print(subprocess.run(["cat", "made.txt"], capture_output=True, text=True).stdout)
        # %% step:c
        print(int(subprocess.check_output(["date", "+%s"])) > 1_700_000_000)
    """),
    Row("world-module-rewritten-after-import", """
        # %% step:a
        import helper_mod
        print(helper_mod.f())
        # %% step:b
        with open("helper_mod.py", "w") as file: _ = file.write("def f(): return 22\\n")
        # %% step:c
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("world-display-updated-by-a-later-cell-of-the-step", """
        # %% step:slow
        import time
        time.sleep(0.2); print("slow")
        # %% step:b
        from IPython.display import display
        bar = display("0%", display_id="bar")
        total = 0
        # %%
        for i in range(3):
            total += i
            bar.update(f"{(i+1)*33}%")
        # %%
        print(total)
    """),
]  # fmt: skip
