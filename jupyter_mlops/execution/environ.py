"""Environment variables that identify a login or launch and don't affect results.

Every other variable is part of the cache key, by its full name. These variables are part of it too if the notebook's
text names them, and all of them are if the notebook accesses the environment as a whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

# reason -> names
IGNORED = {
    "the terminal that it was started from": "TERM TERM_PROGRAM TERM_PROGRAM_VERSION TERM_SESSION_ID TERMINFO COLORTERM"
    " COLUMNS LINES WINDOWID TMUX TMUX_PANE STY LS_COLORS LSCOLORS CLICOLOR CLICOLOR_FORCE FORCE_COLOR NO_COLOR PAGER"
    " GIT_PAGER MANPAGER LESS LESSOPEN LESSCLOSE EDITOR VISUAL VTE_VERSION ITERM_SESSION_ID ITERM_PROFILE"
    " KONSOLE_VERSION DISPLAY WAYLAND_DISPLAY XAUTHORITY GPG_TTY SSH_TTY PROMPT PS1 PS2 PS4 PROMPT_COMMAND",
    "the shell that it was started from": "_ SHLVL PWD OLDPWD SHELL HISTFILE HISTSIZE HISTCONTROL BASH_ENV ZDOTDIR",
    "the login that it belongs to": "SSH_CLIENT SSH_CONNECTION SSH_AUTH_SOCK SSH_AGENT_PID SSH_AGENT_LAUNCHER"
    " XDG_SESSION_ID XDG_SESSION_TYPE XDG_SESSION_CLASS XDG_SESSION_DESKTOP XDG_SESSION_PATH XDG_SEAT XDG_SEAT_PATH"
    " XDG_VTNR XDG_RUNTIME_DIR XDG_CURRENT_DESKTOP XDG_ACTIVATION_TOKEN DBUS_SESSION_BUS_ADDRESS DBUS_STARTER_ADDRESS"
    " DBUS_STARTER_BUS_TYPE DESKTOP_SESSION SESSION_MANAGER GPG_AGENT_INFO MAIL LOGNAME",
    "the service or container that started it": "INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC"
    " LISTEN_FDS LISTEN_PID MANAGERPID SYSTEMD_EXEC_PID MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE HOSTNAME",
    "the Jupyter server or kernel launcher": "JPY_PARENT_PID JPY_SESSION_NAME JPY_API_TOKEN JUPYTERHUB_API_TOKEN"
    " JUPYTERHUB_ACTIVITY_URL JUPYTERHUB_SERVER_NAME JUPYTERHUB_OAUTH_CALLBACK_URL JUPYTERHUB_CLIENT_ID"
    " JUPYTER_SERVER_ROOT JUPYTER_SERVER_URL JUPYTER_RUNTIME_DIR JUPYTER_MLOPS_HOME JUPYTER_MLOPS_DATABASE"
    " JUPYTER_MLOPS_STORE JUPYTER_MLOPS_HASHSEED JUPYTER_MLOPS_PYDEVD",
    "the engine that started it as a task": "JUPYTER_MLOPS_ARTIFACTS JUPYTER_MLOPS_RUN_ID JUPYTER_MLOPS_PARAMETERS"
    " JUPYTER_MLOPS_ATTEMPT JUPYTER_MLOPS_SCHEDULED_TIME JUPYTER_MLOPS_ENGINE JUPYTER_MLOPS_ENGINE_URL"
    " AIRFLOW_CTX_DAG_ID AIRFLOW_CTX_TASK_ID AIRFLOW_CTX_DAG_RUN_ID AIRFLOW_CTX_EXECUTION_DATE AIRFLOW_CTX_LOGICAL_DATE"
    " AIRFLOW_CTX_TRY_NUMBER AIRFLOW_CTX_DAG_OWNER AIRFLOW_CTX_DAG_EMAIL SLURM_JOB_ID SLURM_JOBID SLURM_JOB_NAME"
    " SLURM_TASK_PID SLURM_JOB_NODELIST SLURM_NODELIST SLURMD_NODENAME SLURM_SUBMIT_HOST SLURM_SUBMIT_DIR"
    " SLURM_TOPOLOGY_ADDR SLURM_JOB_START_TIME SLURM_JOB_END_TIME SLURM_RESTART_COUNT GITHUB_RUN_ID GITHUB_RUN_NUMBER"
    " GITHUB_RUN_ATTEMPT CI_JOB_ID CI_PIPELINE_ID CI_JOB_TOKEN CI_JOB_URL CI_PIPELINE_URL CI_JOB_STARTED_AT"
    " DVC_STAGE DVC_ROOT",
    "test runners and debuggers": "PYTEST_CURRENT_TEST PYTEST_VERSION PYTEST_XDIST_WORKER PYTEST_XDIST_WORKER_COUNT"
    " PYTEST_XDIST_TESTRUNUID PYDEVD_USE_FRAME_EVAL PYDEVD_DISABLE_FILE_VALIDATION",
    "where scratch files go": "TMPDIR",
}
# what code names -> the variables that it reads
READ_BY = {
    **dict.fromkeys(("tempfile", "gettempdir", "tempdir", "mktemp"), ("TMPDIR",)),
    "get_terminal_size": ("COLUMNS", "LINES"),
    **dict.fromkeys(("getuser", "expanduser"), ("LOGNAME",)),
}
NAMES = frozenset(name for names in IGNORED.values() for name in names.split())
WORD = re.compile(r"[A-Za-z_]\w*")
AS_A_WHOLE = re.compile(
    r"\bos\.environb?\b(?!\s*(\[|\.(get|setdefault|pop|update)\b))|\bimport\s+environ\b|\bprintenv\b|!\s*env\b|%env\s*$|%%?set_env\s*$",
    re.MULTILINE,
)


def counted(variables: Mapping[str, str], sources: Iterable[str]) -> list[tuple[str, str]]:
    """The variables that affect results, sorted.

    :param sources: the notebook's code cells.
    """
    texts = list(sources)
    if any(AS_A_WHOLE.search(text) for text in texts):
        return sorted(variables.items())
    words = {word for text in texts for word in WORD.findall(text)}
    named = (words & NAMES).union(*(READ_BY[word] for word in words & READ_BY.keys()))
    return sorted((k, v) for k, v in variables.items() if k not in NAMES or k in named)


def kernel_environ() -> dict[str, str]:
    """The initial environment of kernels, without secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLOPS_SECRET_")}
