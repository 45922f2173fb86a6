"""Files and folders that are looked at and not opened, by cells and by modules beside the notebook."""

from __future__ import annotations

from tests.acceptance.rerun import Change, RerunRow, all_of, dated, remove, write

BOTH, OUT = frozenset({"read", "out"}), frozenset({"out"})
MORE: Change = write("in/b.txt", "more")
BIGGER: Change = write("in/a.txt", "much longer")
OLDER: Change = dated("in/a.txt", 1_000_000_000)


def pair(name: str, imports: str, expression: str, change: Change) -> list[RerunRow]:
    """Two rows that look at the folder `in`, which holds `a.txt`: one in a cell, one in a module."""
    in_a_cell = RerunRow(f"{name}-in-a-cell", f"""
        # %% imports
        {imports}
        # %% step:read
        value = {expression}
        # %% step:out
        print(value)
    """, files={"in/a.txt": "x"}, change=change, not_kept=BOTH, moves=OUT)  # fmt: skip
    in_a_module = RerunRow(f"{name}-in-a-module", """
        # %% step:read
        from looks import look
        value = look()
        # %% step:out
        print(value)
    """, files={"in/a.txt": "x", "looks.py": f"{imports}\ndef look(): return {expression}\n"}, change=change,
        not_kept=BOTH, moves=OUT)  # fmt: skip
    return [in_a_cell, in_a_module]


ROWS = [
    # ../shared/cases: os.stat in a module beside the notebook
    RerunRow("stat-in-a-local-module", """
        # %% step:a
        from helpers import ready, size
        ok = ready()
        # %% step:b
        print(ok, size())
    """, files={"helpers.py": """
        import os
        def ready(): return os.path.exists('flag.txt')
        def size(): return os.stat('data.bin').st_size if os.path.exists('data.bin') else -1
    """}, change=all_of(write("flag.txt", ""), write("data.bin", "hello\n")), not_kept=frozenset({"a", "b"}),
        moves=frozenset({"b"})),
    *pair("exists", "import os", 'os.path.exists("in/b.txt")', MORE),
    *pair("isfile", "from os.path import isfile", 'isfile("in/b.txt")', MORE),
    *pair("isdir", "import os", 'os.path.isdir("in/sub")', write("in/sub/c.txt", "")),
    *pair("lexists", "import os", 'os.path.lexists("in/a.txt")', remove("in/a.txt")),
    *pair("getsize", "import os", 'os.path.getsize("in/a.txt")', BIGGER),
    *pair("getmtime", "import os", 'os.path.getmtime("in/a.txt") < 1_100_000_000', OLDER),
    *pair("stat", "import os", 'os.stat("in/a.txt").st_size', BIGGER),
    *pair("lstat", "import os", 'os.lstat("in/a.txt").st_size', BIGGER),
    *pair("listdir", "import os", 'sorted(os.listdir("in"))', MORE),
    *pair("scandir", "import os", 'sorted(entry.name for entry in os.scandir("in"))', MORE),
    *pair("scandir-sizes", "import os", 'sorted(entry.stat().st_size for entry in os.scandir("in"))', BIGGER),
    *pair("glob", "import glob", 'sorted(glob.glob("in/*.txt"))', MORE),
    *pair("glob-of-a-sub-folder", "import glob", 'sorted(glob.glob("in/**/*.txt", recursive=True))',
          write("in/sub/c.txt", "")),
    *pair("walk", "import os", 'sum(len(files) for _, _, files in os.walk("in"))', write("in/sub/c.txt", "")),
    *pair("pathlib-exists", "from pathlib import Path", 'Path("in", "b.txt").exists()', MORE),
    *pair("pathlib-glob", "from pathlib import Path", 'len(list(Path("in").glob("*.txt")))', MORE),
    *pair("pathlib-rglob", "from pathlib import Path", 'len(list(Path(".").rglob("*.txt")))', MORE),
    *pair("pathlib-iterdir", "import pathlib", 'sorted(p.name for p in pathlib.Path("in").iterdir())', MORE),
    *pair("pathlib-stat", "from pathlib import Path", 'Path("in/a.txt").stat().st_size', BIGGER),
    *pair("disk-usage-of-a-tree", "from pathlib import Path",
          'sum(p.stat().st_size for p in Path("in").rglob("*"))', BIGGER),
    *pair("stat-by-an-alias", "from os import stat as facts", 'facts("in/a.txt").st_size', BIGGER),
    *pair("stat-by-a-partial", "import functools, os", 'functools.partial(os.stat, "in/a.txt")().st_size', BIGGER),
    *pair("newest-of-a-folder", "import os", 'max(os.listdir("in"), key=lambda n: os.path.getmtime("in/" + n))',
          all_of(MORE, dated("in/b.txt", 4_000_000_000))),
    RerunRow("exists-decides-a-branch", """
        # %% step:read
        import os
        if os.path.exists("fast.flag"):
            n = 10
        else:
            n = 1000
        # %% step:out
        print(n)
    """, change=write("fast.flag", ""), not_kept=BOTH, moves=OUT),
    RerunRow("listing-changes-where-nobody-lists", """
        # %% step:read
        text = open("in/a.txt").read()
        # %% step:out
        print(text)
    """, files={"in/a.txt": "x"}, change=MORE, kept=BOTH),
]  # fmt: skip
