"""Where things are kept, and what can be set."""

from pathlib import Path

import pytest
from traitlets.config import Config

from jupyter_mlops.config import RunConfig, default_home


def test_home_is_told_or_in_jupyters_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path))
    assert default_home() == RunConfig().home == str(tmp_path)
    monkeypatch.delenv("JUPYTER_MLOPS_HOME")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert Path(default_home()) == tmp_path / "data" / "mlops"


def test_every_trait_is_configurable_and_explained() -> None:
    own = RunConfig.class_own_traits(config=True)
    assert own.keys() == RunConfig.class_own_traits().keys() - {"config", "parent", "log"}
    assert all(t.help for t in own.values())
    assert RunConfig(config=Config(RunConfig={"jobs": 3})).jobs == 3


def test_settings_of_other_engines_change_no_run() -> None:
    """So that a worker still takes what a command hands to it."""
    assert RunConfig(places={"airflow": "/dags"}, run_stores=["/a"], run_stores_every=5.0).is_plain()
    assert not RunConfig(jobs=3).is_plain()
    assert RunConfig(places={"airflow": "/dags"}).changed_settings() == {"places": {"airflow": "/dags"}}
