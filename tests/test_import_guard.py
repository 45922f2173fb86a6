"""What our processes don't import."""

import subprocess
import sys

import pytest

from jupyter_mlops.import_guard import UNUSED


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("module", ["nbformat", "papermill", "nbconvert", "nbclient"])
def test_libraries_work_without_what_is_left_out(module: str) -> None:
    code = f"""from jupyter_mlops.import_guard import block_unused as b; b(); import {module}, sys
print(sys.modules['rfc3987_syntax'])"""
    assert python(code) == "None"


def test_what_an_address_needs_stays() -> None:
    code = "from jupyter_mlops.import_guard import block_unused; block_unused('s3://b/a.ipynb'); import sys; "
    code += "print('boto3' in sys.modules, 'gcsfs' in sys.modules)"
    assert python(code) == "False True"


def test_what_is_imported_already_stays() -> None:
    code = (
        "import json, sys; sys.modules['gcsfs'] = json\nfrom jupyter_mlops.import_guard import block_unused as b; b(); "
    )
    code += "print(sys.modules['gcsfs'].__name__)"
    assert python(code) == "json"


def test_what_was_left_out_can_be_let_in() -> None:
    code = "from jupyter_mlops import import_guard as g; g.block_unused(); g.unblock(); import sys; "
    code += "print(sorted(n for n in sys.modules if sys.modules[n] is None))"
    assert python(code) == str(sorted(UNUSED))
