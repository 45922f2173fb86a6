"""Errors say what, where and what to do, and travel between processes."""

import pickle

import pytest

from jupyter_mlops import errors
from jupyter_mlops.errors import InvalidInputError, MlopsError

KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, MlopsError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_fields_survive_a_process(kind: type[MlopsError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what", where="cell 3", remedy="do this")))
    assert type(again) is kind
    assert (again.message, again.where, again.remedy) == ("what", "cell 3", "do this")
    assert str(again) == "cell 3: what\n  do this"


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_the_docstring_is_the_message_where_none_is_given(kind: type[MlopsError]) -> None:
    assert kind.__doc__ and str(kind()) == kind.__doc__.splitlines()[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_exit_codes_and_the_drawn_tree(kind: type[MlopsError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, InvalidInputError) else 1)
    assert errors.__doc__ and kind.__name__ in errors.__doc__
