import pytest

from jupyter_mlops.pipeline.checks import Context, KernelFacts
from jupyter_mlops.pipeline.checks.missing_imports import imported_modules


@pytest.mark.parametrize(
    ("sources", "missing", "expected"),
    [
        (["import numpy"], {"numpy"}, [("error", 0)]),
        (["import numpy"], set(), []),
        (["import numpy"], None, []),
        (["import numpy as np"], {"numpy"}, [("error", 0)]),
        (["import numpy.linalg"], {"numpy"}, [("error", 0)]),
        (["from sklearn.nowhere import x"], {"sklearn.nowhere"}, [("error", 0)]),
        (["import numpy", "import numpy"], {"numpy"}, [("error", 0)]),
        (["import numpy", "import pandas"], {"numpy", "pandas"}, [("error", 0), ("error", 1)]),
        (["def f():\n    import numpy"], {"numpy"}, [("error", 0)]),
        (["try:\n    import numpy\nexcept ImportError:\n    numpy = None"], {"numpy"}, [("info", 0)]),
        (["try:\n    import numpy\nexcept (ValueError, ModuleNotFoundError):\n    pass"], {"numpy"}, [("info", 0)]),
        (["try:\n    import numpy\nexcept ValueError:\n    pass"], {"numpy"}, [("error", 0)]),
        (["try:\n    pass\nexcept ImportError:\n    import numpy"], {"numpy"}, [("error", 0)]),
        (["try:\n    import numpy\nexcept ImportError:\n    raise"], {"numpy"}, [("error", 0)]),
        (["try:\n    import numpy\nexcept:\n    pass"], {"numpy"}, [("info", 0)]),
        (["import contextlib\nwith contextlib.suppress(ImportError):\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["import importlib\nif importlib.util.find_spec('numpy'):\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["import sys\nif 'google.colab' in sys.modules:\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["IN_COLAB = False\nif IN_COLAB:\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["import sys\nif sys.version_info[0] < 3:\n    import numpy"], {"numpy"}, [("info", 0)]),
        (["flag = 1\nif flag:\n    import numpy"], {"numpy"}, [("error", 0)]),
        (["try:\n    import numpy\nexcept ImportError:\n    pass\nimport numpy"], {"numpy"}, [("error", 0)]),
        (["%%writefile tools.py\nx = 1", "import tools"], {"tools"}, []),
        (["%%writefile notes.txt\nx = 1", "import notes"], {"notes"}, [("error", 1)]),
    ],
)
def test_missing_imports(found, sources, missing, expected):
    facts = KernelFacts(modules_missing=None if missing is None else frozenset(missing), name="python3")
    assert found("missing_imports", *sources, kernel=facts) == expected


def test_modules_beside_the_notebook_are_there(found):
    facts = KernelFacts(modules_missing=frozenset({"tools"}))
    assert found("missing_imports", "import tools", kernel=facts, beside=frozenset({"tools"})) == []


@pytest.mark.parametrize(("module", "package"), [("sklearn", "scikit-learn"), ("numpy", "numpy"), ("PIL", "pillow")])
def test_the_fix_names_the_package(findings, module, package):
    facts = KernelFacts(modules_missing=frozenset({module}), name="python3")
    (finding,) = findings("missing_imports", f"import {module}", kernel=facts)
    assert f"pip install {package}`" in finding.fix and "kernel python3" in finding.message


def test_what_to_ask_the_kernel_about(notebook):
    nb = notebook("import os\nfrom a.b import c", "%%writefile made.py\n", "import made, beside\nfrom . import near")
    assert imported_modules(Context(nb, beside=frozenset({"beside"}))) >= {"os", "a.b"}
    assert {"made", "beside"}.isdisjoint(imported_modules(Context(nb, beside=frozenset({"beside"}))))
