import ast

import pytest

from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.pipeline.cell_classifier import kind, literal_names


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy as np\nfrom os import path", "imports"),
        ("%matplotlib inline\nimport numpy as np", "imports"),
        ("%load_ext autoreload\n%autoreload 2", "imports"),
        ("import warnings\nwarnings.filterwarnings('ignore')", "imports"),
        ("import seaborn as sns\nsns.set_style('darkgrid')\nsns.mpl.rc('figure', figsize=(8, 8))", "imports"),
        ("import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 100", "imports"),
        ("import pandas as pd\npd.options.display.max_rows = 9", "imports"),
        ("import pandas as pd\nprint(pd.__version__)", "imports"),
        ("import a\nprint(a.load())", "code"),
        ("print(1)", "code"),
        ("try:\n    import a\nexcept ImportError:\n    a = None", "imports"),
        ("try:\n    import a\nexcept ImportError:\n    a = make()", "code"),
        ("import numpy as np\nnp.random.seed(1)", "seeds"),
        ("rng = np.random.default_rng(1)", "seeds"),
        ("def f():\n    return 1", "definitions"),
        ("import a\n\nclass C(a.B):\n    pass", "definitions"),
        ("def f():\n    return 1\n\nx = f()", "code"),
        ("a = 1\nb = -2.5\nc = 'x'\nd = None", "literals"),
        ("a: int = 1  # help", "literals"),
        ("a = [1, 2]\nb = {'x': 1}\nc = (1, 'a')", "literals"),
        ("a = []", "code"),
        ("a = {}", "code"),
        ("a = [[1, 2], [3, 4]]", "code"),
        ("a = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]", "code"),
        ("a = b", "code"),
        ("a = b = 1", "code"),
        ("a, b = 1, 2", "code"),
        ("a = 1\nprint(a)", "code"),
        ("x.y = 1", "code"),
        ("'only a text'", "code"),
        ("%%bash\nls", "code"),
        ("!ls", "code"),
    ],
)
def test_kind(source: str, expected: str) -> None:
    assert kind(ast.parse(to_python(source))) == expected


def test_literal_names() -> None:
    assert literal_names(ast.parse("b = 1\n'text'\na: str = 'x'")) == ("b", "a")
