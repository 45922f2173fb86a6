"""Files that libraries read, many of them below Python, by a path that stands in a variable."""

from __future__ import annotations

import gzip
import io
import pickle
import sqlite3
import zipfile
from collections.abc import Callable

from tests.acceptance.rerun import Change, Place, RerunRow, write

BOTH, OUT = frozenset({"read", "out"}), frozenset({"out"})
CSV = ("x,y\n1,2\n", "x,y\n1,3\n")
Writer = Callable[[Place, int], None]


def binary(name: str, source: str, make: Writer, needs: tuple[str, ...] = ()) -> RerunRow:
    """A row whose step `read` reads a file that `make` writes, first with 1 in it, then with 2."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return RerunRow(name, f"""
        # %% step:read
{lines}
        # %% step:out
        print(value)
    """, needs=needs, prepare=_with(make, 1), change=_with(make, 2), not_kept=BOTH, moves=OUT)  # fmt: skip


def text(name: str, source: str, needs: tuple[str, ...] = (), path: str = "data.csv",
         contents: tuple[str, str] = CSV) -> RerunRow:  # fmt: skip
    """A row whose step `read` reads a text file through a library, by a path that an earlier step put together."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    stem, _, ending = path.rpartition(".")
    return RerunRow(name, f"""
        # %% step:path
        PATH = ".".join(["{stem}", "{ending}"])
        # %% step:read
{lines}
        # %% step:out
        print(value)
    """, needs=needs, files={path: contents[0]}, change=write(path, contents[1]), kept=frozenset({"path"}),
        not_kept=BOTH, moves=OUT)  # fmt: skip


def _with(make: Writer, number: int) -> Change:
    return lambda place: make(place, number)


def _bytes(name: str, content: Callable[[int], bytes]) -> Writer:
    return lambda place, number: (place.work / name).write_bytes(content(number)) and None


def _zipped(name: str, content: str) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, content.format(number))
        return buffer.getvalue()

    return make


def _database(place: Place, number: int) -> None:
    with sqlite3.connect(place.work / "data.db") as db:
        db.execute("create table if not exists t (x int)")
        db.execute("insert into t values (?)", (number,))
    db.close()


def _npy(place: Place, number: int) -> None:
    import numpy as np

    np.save(place.work / "data.npy", np.full(4000, number))


def _memmap(place: Place, number: int) -> None:
    import numpy as np

    np.full(4000, number).tofile(place.work / "data.bin")


def _npz(place: Place, number: int) -> None:
    import numpy as np

    np.savez(place.work / "data.npz", a=np.full(3, number))


def _mat(place: Place, number: int) -> None:
    from scipy.io import savemat

    savemat(place.work / "data.mat", {"a": [number]})


def _joblib(place: Place, number: int) -> None:
    import joblib

    joblib.dump({"a": number}, place.work / "data.joblib")


def _png(place: Place, number: int) -> None:
    from PIL import Image

    Image.new("RGB", (2, 2), (number, 0, 0)).save(place.work / "data.png")


def _parquet(place: Place, number: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [number]}), place.work / "data.parquet")


def _feather(place: Place, number: int) -> None:
    import pyarrow as pa
    from pyarrow import feather

    feather.write_feather(pa.table({"x": [number]}), place.work / "data.feather")


def _hdf5(place: Place, number: int) -> None:
    import h5py

    with h5py.File(place.work / "data.h5", "w") as file:
        file["a"] = [number]


def _duckdb(place: Place, number: int) -> None:
    import duckdb

    with duckdb.connect(str(place.work / "data.duckdb")) as db:
        db.execute("create or replace table t as select ? as x", [number])


ROWS = [
    text("csv-by-pandas", 'import pandas as pd\nvalue = pd.read_csv(PATH)["y"].sum()', ("pandas",)),
    text("csv-by-pandas-python-engine", 'import pandas as pd\nvalue = pd.read_csv(PATH, engine="python")["y"].sum()',
         ("pandas",)),
    text("csv-by-pandas-mapped", 'import pandas as pd\nvalue = pd.read_csv(PATH, memory_map=True)["y"].sum()',
         ("pandas",)),
    text("csv-by-pandas-in-pieces", """
import pandas as pd
with pd.read_csv(PATH, chunksize=1) as pieces:
    value = sum(piece["y"].sum() for piece in pieces)
del pieces
""", ("pandas",)),
    text("csv-by-pandas-pyarrow-engine", 'import pandas as pd\nvalue = pd.read_csv(PATH, engine="pyarrow")["y"].sum()',
         ("pandas", "pyarrow")),
    text("csv-by-numpy", 'import numpy as np\nvalue = np.loadtxt(PATH, delimiter=",", skiprows=1)', ("numpy",)),
    text("csv-by-genfromtxt", 'import numpy as np\nvalue = np.genfromtxt(PATH, delimiter=",")', ("numpy",)),
    text("csv-by-polars", 'import polars as pl\nvalue = pl.read_csv(PATH)["y"].sum()', ("polars",)),
    text("csv-by-polars-lazily", 'import polars as pl\nvalue = pl.scan_csv(PATH).select("y").collect().item()',
         ("polars",)),
    text("csv-by-duckdb", """
import duckdb
value = duckdb.sql(f"select sum(y) from '{PATH}'").fetchone()
""", ("duckdb",)),
    text("csv-by-duckdb-by-a-pattern", """
import duckdb
value = duckdb.sql(f"select sum(y) from read_csv('{PATH[:2]}*.csv')").fetchone()
""", ("duckdb",)),
    text("csv-by-pyarrow", 'import pyarrow.csv\nvalue = pyarrow.csv.read_csv(PATH)["y"].to_pylist()', ("pyarrow",)),
    text("csv-by-pyarrow-dataset", """
import pyarrow.dataset as ds
value = ds.dataset(PATH, format="csv").to_table()["y"].to_pylist()
""", ("pyarrow",)),
    text("csv-by-fsspec", "import fsspec\nwith fsspec.open(PATH) as file: value = file.read()\ndel file", ("fsspec",)),
    text("yaml", "import yaml\nvalue = yaml.safe_load(open(PATH))", ("yaml",), "data.yaml", ("a: 1\n", "a: 2\n")),
    text("toml", 'import tomllib\nwith open(PATH, "rb") as file: value = tomllib.load(file)\ndel file', (), "data.toml",
         ("a = 1\n", "a = 2\n")),
    text("json-lines-by-pandas", "import pandas as pd\nvalue = pd.read_json(PATH, lines=True)", ("pandas",),
         "data.jsonl", ('{"a": 1}\n', '{"a": 2}\n')),
    text("xml", "import xml.etree.ElementTree as ET\nvalue = ET.parse(PATH).getroot().text", (), "data.xml",
         ("<a>1</a>", "<a>2</a>")),
    text("template", """
import jinja2
env = jinja2.Environment(loader=jinja2.FileSystemLoader("."))
value = env.get_template(PATH).render(x=1)
del env
""", ("jinja2",), "data.j2", ("a {{ x }}", "b {{ x }}")),
    text("svmlight", """
from sklearn.datasets import load_svmlight_file
value = load_svmlight_file(PATH)[1]
""", ("sklearn",), "data.svm", ("1 1:0.5\n", "2 1:0.5\n")),
    binary("numpy-load", 'import numpy as np\nvalue = np.load("data.npy").sum()', _npy, ("numpy",)),
    binary("numpy-load-mapped", 'import numpy as np\nvalue = np.load("data.npy", mmap_mode="r").sum()', _npy,
           ("numpy",)),
    binary("numpy-memmap", 'import numpy as np\nvalue = np.memmap("data.bin", dtype="int64", mode="r").sum()', _memmap,
           ("numpy",)),
    binary("numpy-fromfile", 'import numpy as np\nvalue = np.fromfile("data.bin", dtype="int64").sum()', _memmap,
           ("numpy",)),
    binary("numpy-npz-read-lazily", 'import numpy as np\nwith np.load("data.npz") as file: value = file["a"]\ndel file',
           _npz, ("numpy",)),
    binary("scipy-mat", 'from scipy.io import loadmat\nvalue = loadmat("data.mat")["a"]', _mat, ("scipy",)),
    binary("joblib-load", 'import joblib\nvalue = joblib.load("data.joblib")', _joblib, ("joblib",)),
    binary("image-by-pillow", 'from PIL import Image\nwith Image.open("data.png") as im: value = im.getpixel((0, 0))\n'
                              'del im', _png, ("PIL",)),
    binary("image-by-matplotlib", 'import matplotlib.image\nvalue = matplotlib.image.imread("data.png")[0, 0]', _png,
           ("matplotlib", "PIL")),
    binary("pickle", 'import pickle\nvalue = pickle.load(open("data.pkl", "rb"))',
           _bytes("data.pkl", lambda number: pickle.dumps([number]))),
    binary("pickle-by-pandas", 'import pandas as pd\nvalue = pd.read_pickle("data.pkl")',
           _bytes("data.pkl", lambda number: pickle.dumps([number])), ("pandas",)),
    binary("gzip", 'import gzip\nwith gzip.open("data.gz", "rt") as file: value = file.read()\ndel file',
           _bytes("data.gz", lambda number: gzip.compress(str(number).encode()))),
    binary("gzip-by-pandas", 'import pandas as pd\nvalue = pd.read_csv("data.csv.gz")["x"].sum()',
           _bytes("data.csv.gz", lambda number: gzip.compress(f"x\n{number}\n".encode())), ("pandas",)),
    binary("zip", 'import zipfile\nwith zipfile.ZipFile("data.zip") as archive: value = archive.read("a.txt")\n'
                  'del archive', _bytes("data.zip", _zipped("a.txt", "{}"))),
    binary("zip-is-imported", 'import sys\nsys.path.insert(0, "lib.zip")\nimport inside\nvalue = inside.X',
           _bytes("lib.zip", _zipped("inside.py", "X = {}\n"))),
    binary("zip-is-unpacked", 'import shutil\nshutil.unpack_archive("data.zip", "out")\n'
                              'value = open("out/a.txt").read()',
           _bytes("data.zip", _zipped("a.txt", "{}"))),
    binary("sqlite", """
import sqlite3
db = sqlite3.connect("data.db")
value = db.execute("select sum(x) from t").fetchone()
db.close()
del db
""", _database),
    binary("sqlite-read-only", """
import sqlite3
db = sqlite3.connect("file:data.db?mode=ro", uri=True)
value = db.execute("select sum(x) from t").fetchone()
db.close()
del db
""", _database),
    binary("sqlite-attached", """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("attach 'data.db' as other")
value = db.execute("select sum(x) from other.t").fetchone()
db.close()
del db
""", _database),
    binary("sqlite-by-pandas", """
import pandas as pd
import sqlalchemy
engine = sqlalchemy.create_engine("sqlite:///data.db")
value = pd.read_sql("select sum(x) as n from t", engine)["n"][0]
engine.dispose()
del engine
""", _database, ("pandas", "sqlalchemy")),
    binary("parquet-by-pandas", 'import pandas as pd\nPATH = "data" + ".parquet"\n'
                                'value = pd.read_parquet(PATH)["x"][0]',
           _parquet, ("pandas", "pyarrow")),
    binary("parquet-by-pyarrow", """
import pyarrow.parquet as pq
PATH = "data" + ".parquet"
value = pq.read_table(PATH)["x"].to_pylist()
""", _parquet, ("pyarrow",)),
    binary("parquet-by-polars", """
import polars as pl
PATH = "data" + ".parquet"
value = pl.scan_parquet(PATH).collect()["x"][0]
""", _parquet, ("polars", "pyarrow")),
    binary("parquet-by-duckdb", """
import duckdb
PATH = "data" + ".parquet"
value = duckdb.read_parquet(PATH).fetchall()
""", _parquet, ("duckdb", "pyarrow")),
    binary("feather", 'import pandas as pd\nPATH = "data" + ".feather"\nvalue = pd.read_feather(PATH)["x"][0]',
           _feather, ("pandas", "pyarrow")),
    binary("arrow-memory-map", """
import pyarrow as pa
PATH = "data" + ".feather"
with pa.memory_map(PATH) as source:
    value = pa.ipc.open_file(source).read_all()["x"].to_pylist()
del source
""", _feather, ("pyarrow",)),
    binary("hdf5", """
import h5py
PATH = "data" + ".h5"
with h5py.File(PATH) as file:
    value = file["a"][:]
del file
""", _hdf5, ("h5py",)),
    binary("duckdb-database", """
import duckdb
PATH = "data" + ".duckdb"
with duckdb.connect(PATH, read_only=True) as db:
    value = db.execute("select x from t").fetchall()
del db
""", _duckdb, ("duckdb",)),
]  # fmt: skip
