import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!pip install numpy", [("warning", 0)]),
        ("!pip3 install -q numpy", [("warning", 0)]),
        ("!python -m pip install numpy", [("warning", 0)]),
        ("!{sys.executable} -m pip install numpy", [("warning", 0)]),
        ("!/opt/bin/pip install numpy", [("warning", 0)]),
        ("%pip install numpy", [("warning", 0)]),
        ("%conda install -y numpy", [("warning", 0)]),
        ("!conda install numpy", [("warning", 0)]),
        ("!uv pip install numpy", [("warning", 0)]),
        ("!apt-get -y install graphviz", [("warning", 0)]),
        ("out = !pip install numpy", [("warning", 0)]),
        ("%%bash\necho a\npip install numpy", [("warning", 0)]),
        ("import subprocess\nsubprocess.run(['pip', 'install', 'numpy'])", [("warning", 0)]),
        ("import subprocess as s\ns.check_call([sys.executable, '-m', 'pip', 'install', 'a'])", [("warning", 0)]),
        ("from subprocess import run\nrun('pip install numpy', shell=True)", [("warning", 0)]),
        ("import os\nos.system('pip install numpy')", [("warning", 0)]),
        ("import pip\npip.main(['install', 'numpy'])", [("warning", 0)]),
        ("if missing:\n    !pip install numpy", [("warning", 0)]),
        ("!pip list", []),
        ("%pip list", []),
        ("!pip show numpy", []),
        ("print('pip install numpy')", []),
        ("# !pip install numpy", []),
        ("!cat pipeline/install.txt", []),
        ("import subprocess\nsubprocess.run(['ls'])", []),
    ],
)
def test_pip_install(found, source, expected):
    assert found("pip_install", source) == expected


def test_one_finding_a_cell(found):
    assert found("pip_install", "!pip install a\n!pip install b", "!pip install c") == [("warning", 0), ("warning", 1)]
