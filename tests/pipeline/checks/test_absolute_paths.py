import pytest

from jupyter_mlops.pipeline.checks.absolute_paths import is_absolute_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/me/data.csv", True),
        ("/Users/me/data", True),
        ("/mnt/data", True),
        ("/tmp/x.csv", True),
        ("file:///home/me/data.csv", True),
        ("/odd/place/data.parquet", True),
        ("C:\\Users\\me\\data.csv", True),
        ("d:/data/x.csv", True),
        ("\\\\server\\share\\data.csv", True),
        ("~/data/x.csv", True),
        ("~\\data", True),
        ("data/x.csv", False),
        ("./data/x.csv", False),
        ("../data/x.csv", False),
        ("", False),
        ("/", False),
        ("//", False),
        ("/n", False),
        ("a/b", False),
        ("/api/v1/items", False),
        ("/index.html", False),
        ("https://example.org/home/x.csv", False),
        ("s3://bucket/key.csv", False),
        ("/dev/null", False),
        ("y ~ x + z", False),
        ("~x/y", False),
        ("~", False),
        ("C:", False),
        ("A: yes", False),
        ("http://x", False),
        ("\\d+\\w", False),
        ("%Y/%m/%d", False),
        ("/home/me\nand more", False),
        ("km/h", False),
        ("text/html", False),
        ("\\alpha", False),
    ],
)
def test_is_absolute_path(text, expected):
    assert is_absolute_path(text) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("open('/home/me/a.txt')", [("warning", 0)]),
        ("open('/tmp/a.txt')", [("info", 0)]),
        ("open('a.txt')", []),
        ("path = f'/home/me/{name}.csv'", [("warning", 0)]),
        ("path = f'{root}/home/me.csv'", []),
        ("a = '/home/me/x'; b = '/home/me/x'", [("warning", 0)]),
        ("a = '/home/me/x'; b = '/home/me/y'", [("warning", 0), ("warning", 0)]),
        ("'''/home/me/x'''", []),
        ("def f():\n    '''/home/me/x'''", []),
        ("# see /home/me/x", []),
        ("!cat /home/me/x.csv", [("warning", 0)]),
        ("%cd /home/me", [("warning", 0)]),
        ("files = !ls '/home/me/data'", [("warning", 0)]),
        ("!cat data/x.csv", []),
        ("import sys\nsys.path.append('/home/me/lib')", [("warning", 0)]),
    ],
)
def test_absolute_paths(found, source, expected):
    assert found("absolute_paths", source) == expected
