"""A cell that fails, and steps below it that would act on the outside world."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("guard-that-fails-above-a-writer", r"""
        # %% step:check
        rows = 0
        # %% step:guard
        assert rows > 0, "no rows: stop here"
        # %% step:deploy
        with open("deployed.txt", "w") as f:
            f.write("live")
        print("deployed")
    """, compare="error", absent=("deployed.txt",)),
    Row("gate-that-fails-above-a-writer", r"""
        # %% step:check
        rows = 0
        # %% step:guard gate
        assert rows > 0, "no rows: stop here"
        # %% step:deploy
        with open("deployed.txt", "w") as f:
            f.write("live")
        print("deployed")
    """, compare="error", absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-function-that-writes", r"""
        # %% step:tools
        def publish(name):
            opener = open
            with opener(name, "w") as f:
                f.write("live")
        # %% step:guard
        assert 1 > 2, "stop here"
        # %% step:deploy
        publish("deployed.txt")
        # %% step:pure
        print(2 + 2)
    """, compare="error", absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-module-that-writes", r"""
        # %% step:guard
        raise SystemExit("no rows")
        # %% step:deploy
        import deploying
        deploying.go()
    """, files={"deploying.py": """
        from pathlib import Path

        def go():
            Path("deployed").mkdir()
    """}, compare="error", absent=("deployed",)),
    Row("guard-that-fails-above-a-process", r"""
        # %% step:guard
        int("x1")
        # %% step:deploy
        import subprocess, sys
        subprocess.run([sys.executable, "-c", "open('deployed.txt', 'w')"])
    """, compare="error", absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-shell-line", r"""
        # %% step:guard
        1 / 0
        # %% step:deploy
        !touch deployed.txt
    """, compare="error", python_only=False, absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-cell-magic-that-writes", r"""
        # %% step:guard
        1 / 0
        # %% step:deploy
        %%writefile deployed.txt
        live
    """, compare="error", python_only=False, absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-database", r"""
        # %% step:guard
        1 / 0
        # %% step:deploy
        import sqlite3
        with sqlite3.connect("deployed.db") as connection:
            connection.execute("create table live (x)")
    """, compare="error", absent=("deployed.db",)),
    Row("guard-that-fails-above-a-writer-that-catches-everything", r"""
        # %% step:guard
        1 / 0
        # %% step:deploy
        opener = open
        try:
            opener("deployed.txt", "w")
        except:
            print("could not")
    """, compare="error", absent=("deployed.txt",)),
    Row("guard-that-fails-above-a-rename", r"""
        # %% step:check
        rows = 0
        # %% step:guard
        assert rows > 0, "no rows"
        # %% step:cleanup
        import os
        os.rename("kept.txt", "gone.txt")
    """, files={"kept.txt": "kept"}, compare="error", absent=("gone.txt",)),
]
