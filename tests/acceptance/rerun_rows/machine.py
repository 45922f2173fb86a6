"""The identity of process, person and machine, and what its kernel counts."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow

WHO, BOTH = frozenset({"who"}), frozenset({"who", "out"})


def tells(name: str, source: str, *, moves: bool = False, needs: tuple[str, ...] = ()) -> RerunRow:
    """A row whose step `who` binds `value` to what another process, person or machine would see otherwise.

    :param moves: whether it is another value in each run here, too.
    """
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return RerunRow(name, f"""
        # %% step:who
{lines}
        # %% step:out
        print(value)
    """, needs=needs, not_kept=BOTH if moves else WHO, moves=frozenset({"out"}) if moves else frozenset(),
        volatile=BOTH if moves else frozenset())  # fmt: skip


ROWS = [
    tells("identity-getpid", "import os\nvalue = os.getpid()", moves=True),
    tells("identity-getpid-by-an-alias", "from os import getpid as me\nvalue = f'worker-{me()}'", moves=True),
    tells("identity-proc-self", "import os\nvalue = os.readlink('/proc/self')", moves=True),
    tells("identity-current-process", "import multiprocessing\nvalue = multiprocessing.current_process().pid",
          moves=True),
    tells("identity-native-thread", "import threading\nvalue = threading.get_native_id()", moves=True),
    tells("identity-psutil-created", "import psutil\nvalue = psutil.Process().create_time()", moves=True,
          needs=("psutil",)),
    tells("identity-gethostname", "import socket\nvalue = socket.gethostname()"),
    tells("identity-getfqdn", "import platform\nvalue = platform.uname().node"),
    tells("identity-platform-node", "import platform\nvalue = platform.node()"),
    tells("identity-os-uname", "import os\nvalue = os.uname().nodename"),
    tells("identity-uuid-getnode", "import uuid\nvalue = uuid.getnode() > 0"),
    tells("identity-getuser", "import getpass\nvalue = getpass.getuser()"),
    tells("identity-cpu-count", "import os\nvalue = os.cpu_count()"),
    tells("identity-load-average", "import os\nvalue = len(os.getloadavg())"),
    tells("identity-free-space", "import shutil\nvalue = shutil.disk_usage('.').free > 0"),
    tells("identity-free-memory", "import psutil\nvalue = psutil.virtual_memory().available", moves=True,
          needs=("psutil",)),
    tells("identity-memory-of-this-process", "import resource\nvalue = resource.getrusage(0).ru_utime", moves=True),
    tells("identity-proc-uptime", "value = open('/proc/uptime').read()", moves=True),
    tells("identity-process-time-as-data", "import time\nvalue = time.process_time_ns()", moves=True),
    tells("identity-date-of-a-shell", "value = !date +%N", moves=True),
    tells("identity-output-of-a-process", """
import subprocess, sys
value = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True).stdout
""", moves=True),
    tells("identity-output-of-popen", "import os\nvalue = os.popen('echo $$').read()", moves=True),
    tells("identity-pool-of-processes", """
import os
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(1) as pool:
    value = pool.submit(os.getpid).result()
del pool
""", moves=True),
]  # fmt: skip
