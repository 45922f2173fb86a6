"""Variables of the environment: the whole name counts, and whoever reads it."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow

BOTH, OUT = frozenset({"read", "out"}), frozenset({"out"})


def reads(name: str, before: str | None = "one", after: str | None = "two") -> RerunRow:
    """A row whose step `read` reads that variable, which has another value in the second run."""
    return RerunRow(f"environment-{name}", f"""
        # %% step:read
        import os
        value = os.environ.get("{name}", "none")
        # %% step:out
        print(value)
    """, env={} if before is None else {name: before}, env_after={name: after}, not_kept=BOTH, moves=OUT)  # fmt: skip


def through(name: str, source: str, module: str = "", needs: tuple[str, ...] = ()) -> RerunRow:
    """A row whose step `read` reads the variable APP_LEVEL in some way, or lets a module beside it do that."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return RerunRow(f"environment-{name}", f"""
        # %% step:read
{lines}
        # %% step:out
        print(value)
    """, needs=needs, files={"settings.py": module} if module else {}, env={"APP_LEVEL": "1"},
        env_after={"APP_LEVEL": "2"}, not_kept=BOTH, moves=OUT)  # fmt: skip


ROWS = [
    # ../shared/cases: a name that begins like one that is left out
    RerunRow("environment-variable-with-an-unlucky-name", """
        # %% step:a
        import os
        print(os.environ["TERM_START"])
        cut = os.environ["TERM_START"]
        # %% step:b
        print("cut", cut)
    """, env={"TERM_START": "2023"}, env_after={"TERM_START": "2024"}, not_kept=frozenset({"a", "b"}),
        moves=frozenset({"a", "b"})),
    *(reads(name) for name in (
        "LINES_PER_PAGE", "COLUMNS_TO_USE", "GIT_BRANCH", "HOSTNAME_PREFIX", "PAGER_SIZE", "XDG_PROJECT",
        "JUPYTER_PROJECT", "SSH_TARGET", "TMPDIR_ROOT", "LOGNAME_X", "JPY_TABLE", "PYTEST_LEVEL", "TMUX_SIZE",
        "DBUS_TOPIC", "PS1_CONFIG", "NO_COLOR_SCHEME", "WINDOWID_MAX", "MAIL", "GIT_COMMIT", "_PRIVATE",
    )),
    reads("APP_UNSET_AT_FIRST", None, "set"),
    reads("APP_UNSET_LATER", "set", None),
    reads("APP_EMPTY_AT_FIRST", "", "set"),
    through("getenv", 'import os\nvalue = os.getenv("APP_LEVEL")'),
    through("by-an-alias", 'from os import environ as E\nvalue = E["APP_LEVEL"]'),
    through("all-of-it", "import os\nvalue = dict(os.environ)[\"APP_LEVEL\"]"),
    through("names-by-their-beginning", """
import os
value = {k.lower(): v for k, v in os.environ.items() if k.startswith("APP_")}
"""),
    through("bytes", 'import os\nvalue = os.environb[b"APP_LEVEL"]'),
    through("expandvars", 'import os\nvalue = os.path.expandvars("$APP_LEVEL/x")'),
    through("in-a-local-module", "import settings\nvalue = settings.level()",
            'import os\ndef level(): return os.getenv("APP_LEVEL")\n'),
    through("at-import-of-a-local-module", "import settings\nvalue = settings.LEVEL",
            'import os\nLEVEL = os.environ["APP_LEVEL"]\n'),
    through("in-a-dataclass", """
import os
from dataclasses import dataclass, field
@dataclass
class Settings:
    level: str = field(default_factory=lambda: os.environ["APP_LEVEL"])
value = Settings().level
"""),
    through("of-a-process", "value = !echo $APP_LEVEL"),
    through("magic-env", "value = %env APP_LEVEL"),
    through("by-pydantic-alias", "from settings import Settings\nvalue = Settings().level", """
import os
import pydantic
class Settings(pydantic.BaseModel):
    level: str = pydantic.Field(default_factory=lambda: os.environ["APP_LEVEL"])
""", ("pydantic",)),
    through("by-traitlets", """
import os
import traitlets
class Settings(traitlets.HasTraits):
    level = traitlets.Unicode()
    @traitlets.default("level")
    def _level(self): return os.environ["APP_LEVEL"]
value = Settings().level
""", needs=("traitlets",)),
    RerunRow("environment-read-by-tempfile", """
        # %% step:read
        import tempfile
        value = tempfile.gettempdir()
        # %% step:out
        print(value)
    """, files={"a/x": "", "b/x": ""}, env={"TMPDIR": "@work@/a"}, env_after={"TMPDIR": None}, not_kept=BOTH,
        moves=OUT),
    RerunRow("environment-time-zone", """
        # %% step:read
        import time
        value = time.strftime("%H:%M %Z", time.localtime(0))
        # %% step:out
        print(value)
    """, env={"TZ": "UTC"}, env_after={"TZ": "Asia/Tokyo"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-read-by-pandas-of-the-zone", """
        # %% step:read
        import datetime
        value = datetime.datetime.fromtimestamp(0).isoformat()
        # %% step:out
        print(value)
    """, env={"TZ": "UTC"}, env_after={"TZ": "Asia/Tokyo"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-home-moves", """
        # %% step:read
        import os
        value = open(os.path.expanduser("~/who.txt")).read()
        # %% step:out
        print(value)
    """, files={"~/who.txt": "one", "~/other/who.txt": "two"}, prepare=None,
        env={"HOME": "@home@"}, env_after={"HOME": "@home@/other"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-columns-of-the-terminal", """
        # %% step:read
        import shutil
        value = shutil.get_terminal_size().columns
        # %% step:out
        print(value)
    """, env={"COLUMNS": "100"}, env_after={"COLUMNS": "60"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-locale", """
        # %% step:read
        import os
        value = os.environ.get("LC_ALL")
        # %% step:out
        print(value)
    """, env={"LC_ALL": "C"}, env_after={"LC_ALL": "C.UTF-8"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-path-of-modules", """
        # %% step:read
        import elsewhere
        value = elsewhere.X
        # %% step:out
        print(value)
    """, files={"@home@/one/elsewhere.py": "X = 1", "@home@/two/elsewhere.py": "X = 2"},
        env={"PYTHONPATH": "@home@/one"}, env_after={"PYTHONPATH": "@home@/two"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-set-by-an-earlier-step", """
        # %% step:set
        import os
        os.environ["APP_LEVEL"] = "own"
        # %% step:read
        value = os.environ["APP_LEVEL"] + os.environ["APP_OTHER"]
        # %% step:out
        print(value)
    """, env={"APP_LEVEL": "1", "APP_OTHER": "a"}, env_after={"APP_OTHER": "b"}, not_kept=BOTH, moves=OUT),
    RerunRow("environment-variable-that-nobody-reads-of-a-shell", """
        # %% step:read
        value = sum(range(10))
        # %% step:out
        print(value)
    """, env={"SHLVL": "1", "OLDPWD": "/"}, env_after={"SHLVL": "2", "OLDPWD": "/tmp"}, kept=BOTH),
    RerunRow("environment-variable-of-a-session", """
        # %% step:read
        value = sum(range(10))
        # %% step:out
        print(value)
    """, env={"SSH_CONNECTION": "a", "XDG_SESSION_ID": "1", "WINDOWID": "1", "TERM": "xterm"},
        env_after={"SSH_CONNECTION": "b", "XDG_SESSION_ID": "2", "WINDOWID": None, "TERM": "screen"}, kept=BOTH),
]  # fmt: skip
