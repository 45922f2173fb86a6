"""Files that one step writes and another reads, with no variable between them."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("csv-written-and-read", r"""
        # %% step:a
        import csv
        with open("clean.csv", "w", newline="") as file:
            csv.writer(file).writerows([["x", "y"], [1, 2]])
        # %% step:b
        with open("clean.csv") as file:
            print(list(csv.DictReader(file)))
    """),
    Row("csv-written-and-read-by-pandas", r"""
        # %% step:a
        import pandas as pd
        pd.DataFrame({"x": [1, 2, 3]}).to_csv("clean.csv", index=False)
        # %% step:b
        print(pd.read_csv("clean.csv")["x"].sum())
        # %% step:c
        frame = pd.read_csv("clean.csv")
        frame["x"] *= 10
        frame.to_csv("clean.csv", index=False)
        # %% step:d
        print(pd.read_csv("clean.csv")["x"].tolist())
    """, needs=("pandas",)),
    Row("file-appended-by-two-steps", r"""
        # %% step:a
        with open("log.txt", "a") as file: file.write("a\n")
        # %% step:b
        with open("log.txt", "a") as file: file.write("b\n")
        # %% step:c
        print(open("log.txt").read().split())
    """),
    Row("file-deleted", r"""
        # %% step:a
        open("tmp.txt", "w").write("x")
        # %% step:b
        import os
        os.remove("tmp.txt")
        # %% step:c
        print(os.path.exists("tmp.txt"))
    """),
    Row("file-exists-before-and-after", r"""
        # %% step:a
        import os
        print(os.path.exists("model.bin"))
        # %% step:b
        open("model.bin", "wb").write(b"123")
        # %% step:c
        print(os.path.exists("model.bin"), os.path.getsize("model.bin"))
    """),
    Row("work-skipped-where-a-file-exists", r"""
        # %% step:a
        from pathlib import Path
        Path("done.json").write_text('{"n": 5}')
        # %% step:b
        import json
        if Path("done.json").exists():
            print("reusing")
            n = json.loads(Path("done.json").read_text())["n"]
        else:
            n = 0
        # %% step:c
        print(n)
    """),
    Row("glob-sees-files-of-earlier-steps", r"""
        # %% step:a
        import pathlib
        pathlib.Path("parts").mkdir()
        # %% step:b
        for i in range(2): pathlib.Path(f"parts/b{i}.txt").write_text(str(i))
        # %% step:c
        pathlib.Path("parts/c.txt").write_text("9")
        # %% step:d
        import glob
        print(sorted(p.name for p in pathlib.Path("parts").glob("*.txt")), sorted(glob.glob("parts/b*")))
    """),
    Row("listing-of-the-working-folder", r"""
        # %% step:a
        import os
        before = sorted(name for name in os.listdir() if not name.startswith("."))
        # %% step:b
        open("new.txt", "w").close()
        # %% step:c
        print(before, sorted(name for name in os.listdir() if not name.startswith(".")))
    """, files={"given.txt": "x"}),
    Row("file-rewritten-between-readers", r"""
        # %% step:a
        open("x.txt", "w").write("first")
        # %% step:b
        print(open("x.txt").read())
        # %% step:c
        open("x.txt", "w").write("second")
        # %% step:d
        print(open("x.txt").read())
    """),
    Row("input-file-read-by-two-steps", r"""
        # %% step:a
        lines = open("data.txt").read().splitlines()
        # %% step:b
        total = sum(int(line) for line in open("data.txt"))
        # %% step:c
        print(lines, total)
    """, files={"data.txt": "1\n2\n3\n"}),
    Row("renamed-copied-moved", r"""
        # %% step:a
        open("a.txt", "w").write("content")
        # %% step:b
        import os, shutil
        os.rename("a.txt", "b.txt")
        # %% step:c
        shutil.copy("b.txt", "c.txt")
        # %% step:d
        shutil.move("b.txt", "d.txt")
        # %% step:e
        print(sorted(p for p in os.listdir() if p.endswith(".txt")), open("c.txt").read())
    """),
    Row("symlink", r"""
        # %% step:a
        import os
        open("real.txt", "w").write("one")
        os.symlink("real.txt", "link.txt")
        # %% step:b
        open("link.txt", "w").write("two")
        # %% step:c
        print(open("real.txt").read(), os.path.islink("link.txt"))
    """),
    Row("folder-made-then-removed", r"""
        # %% step:a
        import os, shutil
        os.makedirs("cache/deep")
        open("cache/deep/x", "w").close()
        # %% step:b
        print(os.path.isdir("cache/deep"))
        shutil.rmtree("cache")
        # %% step:c
        print(os.path.isdir("cache"))
    """),
    Row("file-handle-open-across-steps", r"""
        # %% step:a
        out = open("rows.txt", "w")
        # %% step:b
        out.write("one\n")
        # %% step:c
        out.write("two\n")
        out.close()
        # %% step:d
        print(open("rows.txt").read().split(), out.closed)
    """),
    Row("file-read-line-by-line-across-steps", r"""
        # %% step:a
        source = open("lines.txt")
        header = next(source)
        # %% step:b
        first = source.readline()
        # %% step:c
        print(repr(header), repr(first), source.read())
        source.close()
    """, files={"lines.txt": "head\none\ntwo\n"}),
    Row("file-flushed-late", r"""
        # %% step:a
        out = open("late.txt", "w")
        _ = out.write("buffered")
        # %% step:b
        print(repr(open("late.txt").read()))
        # %% step:c
        out.flush()
        print(repr(open("late.txt").read()))
        # %% step:d
        out.close()
    """),
    Row("temporary-folder-across-steps", r"""
        # %% step:a
        import tempfile, os
        folder = tempfile.mkdtemp()
        # %% step:b
        path = os.path.join(folder, "x.txt")
        open(path, "w").write("there")
        # %% step:c
        print(open(path).read(), os.listdir(folder))
        # %% step:d
        import shutil
        shutil.rmtree(folder)
        print(os.path.exists(path))
    """),
    Row("temporary-file-object-across-steps", r"""
        # %% step:a
        import tempfile
        handle = tempfile.TemporaryFile("w+")
        # %% step:b
        handle.write("kept in no folder")
        # %% step:c
        handle.seek(0)
        print(handle.read())
        handle.close()
    """),
    Row("sqlite-file-between-steps", r"""
        # %% step:a
        import sqlite3
        with sqlite3.connect("db.sqlite") as db: db.execute("create table t (x int)")
        db.close()
        # %% step:b
        with sqlite3.connect("db.sqlite") as db: db.execute("insert into t values (41)")
        db.close()
        # %% step:c
        db = sqlite3.connect("db.sqlite")
        print(db.execute("select x + 1 from t").fetchall())
        db.close()
    """),
    Row("shelve-and-json-and-pickle-files", r"""
        # %% step:a
        import pickle, json, shelve
        with shelve.open("store") as s: s["k"] = [1]
        json.dump({"j": 2}, open("x.json", "w"))
        # %% step:b
        with open("x.pkl", "wb") as f: pickle.dump(json.load(open("x.json")), f)
        # %% step:c
        with shelve.open("store") as s: print(s["k"], pickle.load(open("x.pkl", "rb")))
    """),
    Row("numpy-files-and-memmap", r"""
        # %% step:a
        import numpy as np
        np.save("a.npy", np.arange(5))
        m = np.memmap("m.bin", dtype="i4", mode="w+", shape=4)
        # %% step:b
        m[:] = np.load("a.npy")[1:]
        m.flush()
        # %% step:c
        print(np.fromfile("m.bin", dtype="i4"), np.load("a.npy", mmap_mode="r")[2])
    """, needs=("numpy",)),
    Row("path-in-a-variable-file-by-function", r"""
        # %% functions
        def save(path, text):
            with open(path, "w") as file: file.write(text)
        def load(path):
            with open(path) as file: return file.read()
        # %% step:a
        target = "made" + ".txt"
        save(target, "v1")
        # %% step:b
        save(target, load(target) + "+v2")
        # %% step:c
        print(load("made.txt"))
    """),
    Row("two-branches-write-two-files", r"""
        # %% step:a
        n = 2
        # %% step:left
        open("left.txt", "w").write("l" * n)
        # %% step:right
        open("right.txt", "w").write("r" * n)
        # %% step:join
        print(open("left.txt").read() + open("right.txt").read())
    """),
    Row("os-level-writes", r"""
        # %% step:a
        import os
        fd = os.open("raw.bin", os.O_CREAT | os.O_RDWR)
        # %% step:b
        n = os.write(fd, b"abc")
        # %% step:c
        os.close(fd)
        print(n, open("raw.bin", "rb").read())
    """),
]
