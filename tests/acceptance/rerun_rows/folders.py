"""Files in folders that are often thought to hold nothing of a person's: caches, settings, the system's folders."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow, remove, write

BOTH, OUT = frozenset({"read", "out"}), frozenset({"out"})


def reads(name: str, path: str, opened: str = "", before: str = "one", after: str = "two") -> RerunRow:
    """A row whose step `read` reads a file at a path.

    :param opened: the expression for its path; otherwise the path itself.
    """
    if not opened:
        opened = f'os.path.expanduser("{path}")' if path.startswith("~") else f'"{path}"'
    return RerunRow(name, f"""
        # %% step:read
        import os
        with open({opened}) as file: text = file.read()
        # %% step:out
        print(text)
    """, files={path: before}, change=write(path, after), not_kept=BOTH, moves=OUT)  # fmt: skip


ROWS = [
    # ../shared/cases: a file below ~/.cache
    RerunRow("file-below-an-ignored-folder", """
        # %% step:cache
        import os, json, configparser
        with open(os.path.join(os.path.expanduser("~/.cache/app"), "v.json")) as f:
            v = json.load(f)
        # %% step:out
        print(v)
    """, files={"~/.cache/app/v.json": "1"}, change=write("~/.cache/app/v.json", "2"),
        not_kept=frozenset({"cache", "out"}), moves=OUT),
    # ../shared/cases: a count in a file below ~/.cache, through a module
    RerunRow("side-effect-below-an-ignored-folder", """
        # %% step:a
        from helpers import count
        print("a", count())
        # %% step:b
        from helpers import bump
        print("b", bump())
    """, files={"helpers.py": """
        import os
        P = os.path.expanduser('~/.cache/app/count')
        def count():
            try:
                with open(P) as f: return int(f.read())
            except FileNotFoundError: return 0
        def bump():
            n = count() + 1
            os.makedirs(os.path.dirname(P), exist_ok=True)
            with open(P, 'w') as f: f.write(str(n))
            return n
    """}, not_kept=frozenset({"a", "b"}), moves=frozenset({"a", "b"})),
    reads("file-in-config", "~/.config/app/settings.ini"),
    reads("file-in-local-share", "~/.local/share/app/data.txt"),
    reads("file-in-local-lib", "~/.local/lib/app/data.txt"),
    reads("file-in-jupyter-s-folder", "~/.jupyter/custom.json"),
    reads("file-in-ipython-s-folder", "~/.ipython/mine.txt"),
    reads("file-in-matplotlib-s-folder", "~/.matplotlib/palette.txt"),
    reads("file-in-home", "~/.netrc-like"),
    reads("file-in-home-by-a-variable", "~/.apprc", 'os.environ["HOME"] + "/.apprc"'),
    reads("file-in-home-by-pathlib", "~/.cache/app/by-pathlib.txt",
          '__import__("pathlib").Path.home() / ".cache" / "app" / "by-pathlib.txt"'),
    reads("file-in-shared-memory", "@shm@/data.txt"),
    reads("file-in-etc", "@etc@/hostname"),
    reads("file-in-usr-local-share", "@usr@/table.csv"),
    reads("file-in-a-folder-named-site-packages", "site-packages/data.txt"),
    reads("file-in-a-virtual-environment-beside", ".venv/data.txt"),
    reads("file-in-lib-of-a-virtual-environment-beside", ".venv/lib/python3.11/site-packages/mine/data.txt"),
    reads("file-in-a-hidden-folder", ".hidden/data.txt"),
    reads("file-in-dist-packages", "dist-packages/data.txt"),
    reads("file-in-pycache", "__pycache__/data.txt"),
    reads("file-named-pyc", "data.pyc"),
    reads("file-in-ipynb-checkpoints", ".ipynb_checkpoints/data.txt"),
    reads("file-in-git", ".git/HEAD"),
    reads("file-in-node-modules", "node_modules/data.json"),
    reads("file-outside-of-the-working-folder", "../beside/data.txt"),
    reads("file-in-tmp", "@home@/../in-tmp.txt"),
    reads("file-named-like-a-kernel-s", "@home@/../ipykernel_1/data.txt"),
    reads("file-beside-an-installed-package", "@site@/notes.txt"),
    RerunRow("folder-of-packages-beside-is-imported", """
        # %% step:read
        import sys
        sys.path.insert(0, "site-packages")
        import mine
        value = mine.X
        # %% step:out
        print(value)
    """, files={"site-packages/mine.py": "X = 1"}, change=write("site-packages/mine.py", "X = 2  # other"),
        not_kept=BOTH, moves=OUT),
    RerunRow("file-in-shared-memory-read-and-written", """
        # %% step:read
        from pathlib import Path
        count = int(Path("@shm@/count").read_text()) + 1
        _ = Path("@shm@/count").write_text(str(count))
        # %% step:out
        print(count)
    """, files={"@shm@/count": "0"}, not_kept=BOTH, moves=OUT),
    RerunRow("file-in-config-absent-at-first", """
        # %% step:read
        import os
        path = os.path.expanduser("~/.config/app/token")
        value = open(path).read() if os.path.exists(path) else "none"
        # %% step:out
        print(value)
    """, change=write("~/.config/app/token", "abc"), not_kept=BOTH, moves=OUT),
    RerunRow("file-in-cache-is-gone", """
        # %% step:read
        import os
        value = os.path.isfile(os.path.expanduser("~/.cache/app/model.bin"))
        # %% step:out
        print(value)
    """, files={"~/.cache/app/model.bin": "x"}, change=remove("~/.cache/app/model.bin"), not_kept=BOTH, moves=OUT),
    RerunRow("download-cache-filled-by-the-first-run", """
        # %% step:read
        import os, pathlib
        kept = pathlib.Path.home() / ".cache" / "app" / "download.txt"
        if kept.exists():
            how = "from the cache"
        else:
            kept.parent.mkdir(parents=True, exist_ok=True)
            _ = kept.write_text("x")
            how = "fetched"
        # %% step:out
        print(how)
    """, not_kept=BOTH, moves=OUT, files={"~/.cache/other": ""}),
    RerunRow("matplotlib-style-file-in-config", """
        # %% step:read
        import matplotlib
        matplotlib.rc_file("~/.config/matplotlib/mine.mplstyle".replace("~", __import__("os").environ["HOME"]))
        # %% step:out
        print(matplotlib.rcParams["lines.linewidth"])
    """, needs=("matplotlib",), files={"~/.config/matplotlib/mine.mplstyle": "lines.linewidth: 3"},
        change=write("~/.config/matplotlib/mine.mplstyle", "lines.linewidth: 5"), not_kept=BOTH, moves=OUT),
]  # fmt: skip
