"""The configuration of processes that are no Jupyter server."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError

FILES = ("jupyter_mlops_config.py", "jupyter_mlops_config.json")  # which the server extension reads too


def load_config(**settings: Any) -> RunConfig:
    """What the files `jupyter_mlops_config.py` and `.json` in Jupyter's configuration folders say, and settings that
    count more. Raises InvalidInputError for a file that can't be read."""
    from jupyter_core.paths import jupyter_config_path
    from traitlets import TraitError
    from traitlets.config import Config
    from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

    config = Config()
    for folder in reversed(jupyter_config_path()):
        for name, loader in zip(FILES, (PyFileConfigLoader, JSONFileConfigLoader), strict=True):
            try:
                config.merge(loader(name, path=folder).load_config())
            except ConfigFileNotFound:
                continue
            except Exception as error:  # the code of a person
                raise InvalidInputError(
                    f"the configuration can't be read: {type(error).__name__}: {error}", where=f"{folder}/{name}"
                ) from None
    try:
        return RunConfig(config=config, **settings)
    except TraitError as error:
        raise InvalidInputError(f"the configuration is wrong: {error}", where=FILES[0]) from None
