"""Installed packages: another version, another data file, one that is there now."""

from __future__ import annotations

from collections.abc import Mapping

from tests.acceptance.rerun import RerunRow, all_of, remove, write

BOTH, OUT = frozenset({"use", "out"}), frozenset({"out"})


def package(version: str, source: str, table: str = "1\n") -> Mapping[str, str]:
    """The files of an installed package `tinylib` with one module and one table."""
    info = f"@site@/tinylib-{version}.dist-info"
    return {
        "@site@/tinylib/__init__.py": source,
        "@site@/tinylib/table.txt": table,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinylib\nVersion: {version}\n",
        f"{info}/INSTALLER": "pip\n",
        f"{info}/RECORD": "\n".join(
            f"{name},," for name in (
                "tinylib/__init__.py", "tinylib/table.txt", f"tinylib-{version}.dist-info/METADATA",
                f"tinylib-{version}.dist-info/RECORD",
            )
        ) + "\n",
    }  # fmt: skip


ONE = "def f(): return 1\n"
READS = """
import importlib.resources
def table(): return importlib.resources.files(__name__).joinpath('table.txt').read_text()
"""
UPGRADED = all_of(
    *(remove(f"@site@/tinylib-1.0.dist-info/{name}") for name in ("METADATA", "INSTALLER", "RECORD")),
    lambda place: place.path("@site@/tinylib-1.0.dist-info").rmdir(),
    *(write(name, content) for name, content in package("2.0", "def f(): return 2  # new\n").items()),
)
USE = """
        # %% step:use
        import tinylib
        value = tinylib.f()
        # %% step:out
        print(value)
"""

ROWS = [
    RerunRow("package-upgraded", USE, files=package("1.0", ONE), change=UPGRADED, not_kept=BOTH, moves=OUT),
    RerunRow("package-edited-in-place", USE, files=package("1.0", ONE),
             change=write("@site@/tinylib/__init__.py", "def f(): return 3  # patched\n"), not_kept=BOTH, moves=OUT),
    RerunRow("package-without-a-record-edited", USE, files={"@site@/tinylib.py": ONE},
             change=write("@site@/tinylib.py", "def f(): return 3  # patched\n"), not_kept=BOTH, moves=OUT),
    RerunRow("package-upgraded-while-in-use-by-its-version", """
        # %% step:use
        from importlib.metadata import version
        value = version("tinylib")
        # %% step:out
        print(value)
    """, files=package("1.0", ONE), change=UPGRADED, not_kept=BOTH, moves=OUT),
    RerunRow("data-of-a-package-rewritten", """
        # %% step:use
        import tinylib
        value = tinylib.table()
        # %% step:out
        print(value)
    """, files=package("1.0", READS), change=write("@site@/tinylib/table.txt", "2\n"), not_kept=BOTH, moves=OUT),
    RerunRow("data-of-a-package-read-by-a-cell", """
        # %% step:use
        import os, tinylib
        value = open(os.path.join(os.path.dirname(tinylib.__file__), "table.txt")).read()
        # %% step:out
        print(value)
    """, files=package("1.0", ONE), change=write("@site@/tinylib/table.txt", "2\n"), not_kept=BOTH, moves=OUT),
    RerunRow("file-put-into-a-package-s-folder", """
        # %% step:use
        import os, tinylib
        value = sorted(n for n in os.listdir(os.path.dirname(tinylib.__file__)) if n.endswith(".txt"))
        # %% step:out
        print(value)
    """, files=package("1.0", ONE), change=write("@site@/tinylib/extra.txt", "2\n"), not_kept=BOTH, moves=OUT),
    RerunRow("cache-that-a-package-keeps-in-its-folder", """
        # %% step:use
        import tinylib
        value = tinylib.f()
        # %% step:out
        print(value)
    """, files=package("1.0", """
        import pathlib
        P = pathlib.Path(__file__).with_name('counter')
        def f():
            n = int(P.read_text()) + 1 if P.exists() else 1
            P.write_text(str(n))
            return n
    """), not_kept=BOTH, moves=OUT),
    RerunRow("package-appears-that-was-tried", """
        # %% step:use
        try:
            import tinylib
            value = "fast"
        except ImportError:
            value = "slow"
        # %% step:out
        print(value)
    """, files={"@site@/other.py": ""}, change=all_of(*(write(n, c) for n, c in package("1.0", ONE).items())),
        not_kept=BOTH, moves=OUT),
    RerunRow("entry-points-of-packages", """
        # %% step:use
        from importlib.metadata import entry_points
        value = [point.name for point in entry_points(group="tiny.plugins")]
        # %% step:out
        print(value)
    """, files=package("1.0", ONE),
        change=all_of(write("@site@/plug-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n"),
                      write("@site@/plug-1.0.dist-info/entry_points.txt", "[tiny.plugins]\nred = tinylib:f\n")),
        not_kept=BOTH, moves=OUT),
    RerunRow("package-unchanged", USE, files=package("1.0", ONE), kept=BOTH),
    RerunRow("data-of-a-package-unchanged", """
        # %% step:use
        import tinylib
        value = tinylib.table()
        # %% step:out
        print(value)
    """, files=package("1.0", READS), kept=BOTH),
    RerunRow("data-of-a-package-that-asks-the-clock", """
        # %% step:use
        import tinylib
        value = tinylib.now()
        # %% step:out
        print(value)
    """, files=package("1.0", "import time\ndef now(): return time.time_ns()\n"), not_kept=BOTH, moves=OUT,
        volatile=BOTH),
    RerunRow("package-that-draws", """
        # %% step:use
        import tinylib
        value = tinylib.draw()
        # %% step:out
        print(value)
    """, files=package("1.0", "import uuid\ndef draw(): return uuid.uuid4().hex\n"), not_kept=BOTH, moves=OUT,
        volatile=BOTH),
    RerunRow("package-that-looks-whether-a-file-is-there", """
        # %% step:use
        import tinylib
        value = tinylib.ready()
        # %% step:out
        print(value)
    """, files=package("1.0", "import os\ndef ready(): return os.path.exists('flag')\n"), change=write("flag", ""),
        not_kept=BOTH, moves=OUT),
    RerunRow("package-that-reads-the-environment", """
        # %% step:use
        import tinylib
        value = tinylib.level()
        # %% step:out
        print(value)
    """, files=package("1.0", "import os\ndef level(): return os.getenv('XDG_TINY')\n"), env={"XDG_TINY": "1"},
        env_after={"XDG_TINY": "2"}, not_kept=BOTH, moves=OUT),
]  # fmt: skip
