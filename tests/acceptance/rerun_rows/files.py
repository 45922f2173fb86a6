"""Files that a cell, a module or a library opens, in the working folder: another content shows."""

from __future__ import annotations

import os
from pathlib import Path

from tests.acceptance.rerun import RerunRow, all_of, chmod, link, remove, touch, write

READ, BOTH = frozenset({"read"}), frozenset({"read", "out"})
OUT = frozenset({"out"})

ROWS = [
    RerunRow("file-read-by-a-cell", """
        # %% step:read
        text = open("data.txt").read()
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-of-the-same-size-and-time", """
        # %% step:read
        text = open("data.txt").read()
        # %% step:out
        print(text)
    """, files={"data.txt": "one"},
        prepare=lambda place: _dated(place.work / "data.txt"),
        change=all_of(write("data.txt", "two"), lambda place: _dated(place.work / "data.txt")),
        not_kept=BOTH, moves=OUT),
    RerunRow("file-read-by-a-local-module", """
        # %% step:read
        from settings import load
        value = load()
        # %% step:out
        print(value)
    """, files={"settings.py": """
        import json, pathlib
        def load(): return json.loads(pathlib.Path("settings.json").read_text())
    """, "settings.json": '{"a": 1}'}, change=write("settings.json", '{"a": 2}'), not_kept=BOTH, moves=OUT),
    RerunRow("file-read-at-import-of-a-local-module", """
        # %% imports
        from settings import VALUES
        # %% step:out
        print(VALUES)
    """, files={"settings.py": """
        import json, os
        with open(os.path.join(os.path.dirname(__file__), "settings.json")) as file: VALUES = json.load(file)
    """, "settings.json": '{"a": 1}'}, change=write("settings.json", '{"a": 2}'), not_kept=OUT, moves=OUT),
    RerunRow("file-read-by-os-open", """
        # %% step:read
        import os
        handle = os.open("data.txt", os.O_RDONLY)
        text = os.read(handle, 100)
        os.close(handle)
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-read-by-a-descriptor-of-its-folder", """
        # %% step:read
        import os
        folder = os.open("in", os.O_RDONLY)
        handle = os.open("data.txt", os.O_RDONLY, dir_fd=folder)
        text = os.read(handle, 100)
        os.close(handle); os.close(folder)
        # %% step:out
        print(text)
    """, files={"in/data.txt": "one"}, change=write("in/data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-read-after-changing-the-folder", """
        # %% step:go
        import os
        os.chdir("in")
        # %% step:read
        text = open("data.txt").read()
        # %% step:out
        print(text)
    """, files={"in/data.txt": "one"}, change=write("in/data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-read-through-a-name-in-another-file", """
        # %% step:read
        text = open(open("which.txt").read().strip()).read()
        # %% step:out
        print(text)
    """, files={"which.txt": "a.txt", "a.txt": "one", "b.txt": "two"}, change=write("which.txt", "b.txt"),
        not_kept=BOTH, moves=OUT),
    RerunRow("file-read-by-a-thread", """
        # %% step:read
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path
        with ThreadPoolExecutor(2) as pool:
            texts = list(pool.map(lambda name: Path(name).read_text(), ["a.txt", "b.txt"]))
        del pool
        # %% step:out
        print(texts)
    """, files={"a.txt": "one", "b.txt": "two"}, change=write("b.txt", "three"), not_kept=BOTH, moves=OUT),
    RerunRow("file-opened-in-one-step-and-read-in-the-next", """
        # %% step:open
        file = open("data.txt")
        # %% step:out
        print(file.read())
        # %% step:close
        file.close()
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=OUT, moves=OUT),
    RerunRow("file-read-lazily-by-a-generator", """
        # %% step:make
        def lines():
            with open("data.txt") as file:
                yield from file
        source = lines()
        # %% step:out
        print(list(source))
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=OUT, moves=OUT),
    RerunRow("file-by-linecache", """
        # %% step:out
        import linecache
        print(linecache.getline("data.txt", 1))
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=OUT, moves=OUT),
    RerunRow("file-by-fileinput", """
        # %% step:read
        import fileinput
        with fileinput.input(["data.txt"]) as source:
            lines = list(source)
        del source
        # %% step:out
        print(lines)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-mmap", """
        # %% step:read
        import mmap
        with open("data.txt", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            text = bytes(memory)
        del file, memory
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-urlopen", """
        # %% step:read
        import pathlib, urllib.request
        with urllib.request.urlopen(pathlib.Path("data.txt").resolve().as_uri()) as answer:
            text = answer.read()
        del answer
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-a-shell", """
        # %% step:read
        text = !cat data.txt
        # %% step:out
        print(text)
    """, python_only=False, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-a-process", """
        # %% step:read
        import subprocess
        text = subprocess.check_output(["cat", "data.txt"], text=True)
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=write("data.txt", "two"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-the-magic-load", """
        # %% step:out
        %run job.py
    """, python_only=False, files={"job.py": "print('one')"}, change=write("job.py", "print('two')"), not_kept=OUT,
        moves=OUT),
    RerunRow("file-by-runpy", """
        # %% step:out
        import runpy
        print(runpy.run_path("job.py")["x"])
    """, files={"job.py": "x = 1"}, change=write("job.py", "x = 2"), not_kept=OUT, moves=OUT),
    RerunRow("file-executed-as-text", """
        # %% step:out
        exec(open("job.py").read())
        print(x)
    """, files={"job.py": "x = 1"}, change=write("job.py", "x = 2"), not_kept=OUT, moves=OUT),
    RerunRow("absent-file-appears", """
        # %% step:read
        try:
            with open("override.txt") as file: value = file.read()
        except FileNotFoundError:
            value = "default"
        # %% step:out
        print(value)
    """, change=write("override.txt", "mine"), not_kept=BOTH, moves=OUT),
    RerunRow("absent-file-appears-for-a-module", """
        # %% step:read
        from settings import load
        value = load()
        # %% step:out
        print(value)
    """, files={"settings.py": """
        def load():
            try:
                with open("override.txt") as file: return file.read()
            except OSError:
                return "default"
    """}, change=write("override.txt", "mine"), not_kept=BOTH, moves=OUT),
    RerunRow("absent-file-appears-in-an-absent-folder", """
        # %% step:read
        from pathlib import Path
        try:
            value = Path("conf/local/override.txt").read_text()
        except FileNotFoundError:
            value = "default"
        # %% step:out
        print(value)
    """, change=write("conf/local/override.txt", "mine"), not_kept=BOTH, moves=OUT),
    RerunRow("absent-file-appears-for-configparser", """
        # %% step:read
        import configparser
        config = configparser.ConfigParser()
        config.read(["base.ini", "local.ini"])
        value = config.get("a", "x")
        # %% step:out
        print(value)
    """, files={"base.ini": "[a]\nx = 1\n"}, change=write("local.ini", "[a]\nx = 2\n"), not_kept=BOTH, moves=OUT),
    RerunRow("file-disappears", """
        # %% step:read
        import contextlib
        value = "default"
        with contextlib.suppress(FileNotFoundError):
            value = open("override.txt").read()
        # %% step:out
        print(value)
    """, files={"override.txt": "mine"}, change=remove("override.txt"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-a-link-pointed-elsewhere", """
        # %% step:read
        text = open("latest.txt").read()
        # %% step:out
        print(text)
    """, files={"a.txt": "one", "b.txt": "two"}, prepare=link("latest.txt", "a.txt"),
        change=link("latest.txt", "b.txt"), not_kept=BOTH, moves=OUT),
    RerunRow("file-by-a-link-to-a-folder-pointed-elsewhere", """
        # %% step:read
        from pathlib import Path
        text = Path("current/data.txt").read_text()
        # %% step:out
        print(text)
    """, files={"v1/data.txt": "one", "v2/data.txt": "two"}, prepare=link("current", "v1"),
        change=link("current", "v2"), not_kept=BOTH, moves=OUT),
    RerunRow("file-behind-a-link-is-rewritten", """
        # %% step:read
        text = open("latest.txt").read()
        # %% step:out
        print(text)
    """, files={"a.txt": "one"}, prepare=link("latest.txt", "a.txt"), change=write("a.txt", "two"), not_kept=BOTH,
        moves=OUT),
    RerunRow("target-of-a-link", """
        # %% step:read
        import os
        value = os.readlink("latest.txt")
        # %% step:out
        print(value)
    """, files={"a.txt": "one", "b.txt": "one"}, prepare=link("latest.txt", "a.txt"),
        change=link("latest.txt", "b.txt"), not_kept=BOTH, moves=OUT),
    RerunRow("path-resolved-through-a-link", """
        # %% step:read
        from pathlib import Path
        value = Path("latest.txt").resolve().name
        # %% step:out
        print(value)
    """, files={"a.txt": "one", "b.txt": "one"}, prepare=link("latest.txt", "a.txt"),
        change=link("latest.txt", "b.txt"), not_kept=BOTH, moves=OUT),
    RerunRow("permission-bits", """
        # %% step:read
        import os, stat
        value = stat.filemode(os.stat("job.sh").st_mode)
        # %% step:out
        print(value)
    """, files={"job.sh": "true"}, prepare=chmod("job.sh", 0o644), change=chmod("job.sh", 0o755), not_kept=BOTH,
        moves=OUT),
    RerunRow("permission-asked-for", """
        # %% step:read
        import os
        value = os.access("job.sh", os.X_OK)
        # %% step:out
        print(value)
    """, files={"job.sh": "true"}, prepare=chmod("job.sh", 0o644), change=chmod("job.sh", 0o755), not_kept=BOTH,
        moves=OUT),
    RerunRow("program-on-the-path", """
        # %% step:read
        import shutil
        value = shutil.which("tool", path="bin") is not None
        # %% step:out
        print(value)
    """, prepare=write("bin/other", ""), change=all_of(write("bin/tool", "#!/bin/sh\n"), chmod("bin/tool", 0o755)),
        not_kept=BOTH, moves=OUT),
    RerunRow("file-read-and-written-by-one-step", """
        # %% step:read
        from pathlib import Path
        count = int(Path("count.txt").read_text()) + 1
        _ = Path("count.txt").write_text(str(count))
        # %% step:out
        print(count)
    """, files={"count.txt": "0"}, not_kept=BOTH, moves=OUT),
    RerunRow("file-appended-to", """
        # %% step:read
        with open("log.txt", "a") as file: _ = file.write("run\\n")
        # %% step:out
        print(len(open("log.txt").readlines()))
    """, not_kept=BOTH, moves=OUT),
    RerunRow("file-read-by-one-step-and-written-by-a-later-one", """
        # %% step:read
        value = int(open("count.txt").read())
        # %% step:out
        print(value)
        # %% step:bump
        with open("count.txt", "w") as file: _ = file.write(str(value + 1))
    """, files={"count.txt": "0"}, not_kept=BOTH | {"bump"}, moves=OUT),
    RerunRow("file-written-by-a-step-is-removed", """
        # %% step:make
        with open("made.txt", "w") as file: _ = file.write("x")
        # %% step:out
        print(open("made.txt").read())
    """, change=remove("made.txt"), not_kept=frozenset({"make"})),
    RerunRow("file-written-by-a-step-is-spoiled", """
        # %% step:make
        with open("made.txt", "w") as file: _ = file.write("x")
        # %% step:out
        print(open("made.txt").read())
    """, change=write("made.txt", "spoiled"), not_kept=frozenset({"make"})),
    RerunRow("file-in-one-of-two-branches", """
        # %% step:left
        left = open("left.txt").read()
        # %% step:right
        right = open("right.txt").read()
        # %% step:out
        print(left)
        # %% step:both
        print(left, right)
    """, files={"left.txt": "l", "right.txt": "r"}, change=write("right.txt", "changed"),
        kept=frozenset({"left", "out"}), not_kept=frozenset({"right", "both"}), moves=frozenset({"both"})),
    RerunRow("file-saved-again-as-it-is", """
        # %% step:read
        text = open("data.txt").read()
        # %% step:out
        print(text)
    """, files={"data.txt": "one"}, change=touch("data.txt"), kept=BOTH),
    RerunRow("file-that-nobody-reads", """
        # %% step:read
        text = open("data.txt").read()
        # %% step:out
        print(text)
    """, files={"data.txt": "one", "other.txt": "a"}, change=all_of(write("other.txt", "b"), write("new.txt", "c")),
        kept=BOTH),
]  # fmt: skip


def _dated(path: Path) -> None:
    os.utime(path, (1_700_000_000, 1_700_000_000))
