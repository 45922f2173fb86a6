"""Whether a kernel heeds anything when it starts: then it is not started before it is known where it is to work."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.kernels.startup import has_startup_customization

ARGV = ["env/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.mark.parametrize(
    ("file", "env", "argv", "heeds"),
    [
        ("", {}, ARGV, False),
        ("home/.ipython/profile_default/startup/README", {}, ARGV, False),
        ("home/.ipython/profile_default/startup/10-first.py", {}, ARGV, True),
        ("home/.ipython/profile_default/startup/magics.ipy", {}, ARGV, True),
        ("home/.ipython/profile_default/startup/10-first.py", {"IPYTHONDIR": "other"}, ARGV, False),
        ("other/profile_default/ipython_config.py", {"IPYTHONDIR": "other"}, ARGV, True),
        ("other/profile_default/ipython_kernel_config.json", {"IPYTHONDIR": "other"}, ARGV, True),
        ("env/etc/ipython/startup/all.py", {}, ARGV, True),
        ("env/etc/ipython/ipython_config.py", {}, ARGV, True),
        ("work/ipython_config.py", {}, ARGV, True),
        ("", {"PYTHONSTARTUP": "start.py"}, ARGV, True),
        ("", {}, [*ARGV, "--profile=mine"], True),
        ("", {}, [*ARGV[:3], "--ext=autoreload", *ARGV[3:]], True),
    ],
)
def test_what_is_heeded_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, env: dict[str, str], argv: list[str], heeds: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jupyter_mlops.kernels.startup.OF_SYSTEM", ())
    if file:
        Path(file).parent.mkdir(parents=True)
        Path(file).touch()
    assert has_startup_customization(argv, {"HOME": "home", **env}, "work") is heeds
