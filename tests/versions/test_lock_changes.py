"""Locks with some packages of one and the rest of another."""

from __future__ import annotations

import tomllib

import pytest

from jupyter_mlops.versions.lock_changes import INTERPRETER, WHOLE, LockChanges
from jupyter_mlops.versions.manifest import Environment


def environment(python: str = "3.11.7", **packages: str) -> Environment:
    return Environment(python, "cpython", "linux-x86_64", packages)


def pins(**packages: str) -> tuple[str, str]:
    return "".join(f"{name}=={version}\n" for name, version in packages.items()), "pins"


def pylock(**packages: str) -> tuple[str, str]:
    blocks = "".join(
        f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{{ url = "https://x/{name}.whl" }}]\n'
        for name, version in packages.items()
    )
    return f'lock-version = "1.0"\ncreated-by = "uv"\n{blocks}', "pylock"


OLD = {"numpy": "1.26.0", "pandas": "2.1.0", "gone": "1.0"}
NEW = {"numpy": "2.0.0", "pandas": "2.1.0", "added": "3.0"}


def test_packages_that_differ() -> None:
    changes = LockChanges((environment(**OLD), environment(**NEW)), (pins(**OLD), pins(**NEW)))
    assert changes.keys == ["added", "gone", "numpy"]
    assert changes.describe("numpy") == "numpy 1.26.0 → 2.0.0"
    assert changes.describe("added") == "added not installed → 3.0"


def test_a_mixed_lock_has_the_chosen_packages() -> None:
    changes = LockChanges((environment(**OLD), environment(**NEW)), (pins(**OLD), pins(**NEW)))
    assert changes.lock(["numpy"])[0].split() == ["gone==1.0", "numpy==2.0.0", "pandas==2.1.0"]
    assert dict(changes.environment(["numpy", "gone"]).packages) == {"numpy": "2.0.0", "pandas": "2.1.0"}
    assert changes.lock([]) == pins(**OLD)
    assert changes.lock(changes.keys) == pins(**NEW)


def test_a_mixed_lock_with_hashes_is_one() -> None:
    changes = LockChanges((environment(**OLD), environment(**NEW)), (pylock(**OLD), pylock(**NEW)))
    text, kind = changes.lock(["added"])
    lock = tomllib.loads(text)
    assert kind == "pylock" and lock["lock-version"] == "1.0"
    versions = {package["name"]: package["version"] for package in lock["packages"]}
    assert versions == {"added": "3.0", "gone": "1.0", "numpy": "1.26.0", "pandas": "2.1.0"}


def test_the_interpreter_is_a_change_of_its_own() -> None:
    old, new = environment("3.11.7", **OLD), environment("3.12.1", **OLD)
    changes = LockChanges((old, new), (pins(**OLD), pins(**OLD)))
    assert changes.keys == [INTERPRETER]
    assert changes.environment([INTERPRETER]).python == "3.12.1"


@pytest.mark.parametrize("locks", [(("", ""), pins(**NEW)), (pins(**OLD), pylock(**NEW)), (("x", "conda"),) * 2])
def test_locks_that_cannot_be_mixed_are_one_change(locks: tuple[tuple[str, str], tuple[str, str]]) -> None:
    assert LockChanges((environment(**OLD), environment(**NEW)), locks).keys == [WHOLE]


def test_equal_environments_have_no_changes() -> None:
    assert LockChanges((environment(**OLD), environment(**OLD)), (pins(**OLD), ("", ""))).keys == []
