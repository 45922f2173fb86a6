"""The process itself: folder, arguments, modules on disk, signals, threads, child processes."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("environment-variables-as-they-are", r"""
        # %% step:a
        import os
        print([k for k in sorted(os.environ) if not k.startswith(("JPY_", "PYTHONHASHSEED", "PYTEST_"))])
        # %% step:b
        print({k: os.environ.get(k) for k in ("TERM", "PAGER", "MPLBACKEND", "PATH", "FORCE_COLOR")})
    """),
    Row("chdir-then-relative-open", r"""
        # %% step:a
        import os
        os.mkdir("work")
        os.chdir("work")
        # %% step:b
        with open("note.txt", "w") as file: file.write("inside")
        # %% step:c
        print(os.path.basename(os.getcwd()), os.listdir("."))
        # %% step:d
        os.chdir("..")
        print(open("work/note.txt").read())
    """),
    Row("cwd-is-the-notebooks-folder", r"""
        # %% step:a
        import os
        here = os.getcwd()
        # %% step:b
        print(here == os.getcwd(), os.path.exists("marker.txt"))
    """, files={"marker.txt": "x"}),
    Row("sys-path-and-a-local-module", r"""
        # %% step:a
        import sys
        sys.path.insert(0, "lib")
        # %% step:b
        import tools_of_mine
        # %% step:c
        print(tools_of_mine.double(4))
        # %% step:d
        print("lib" in sys.path, sys.path.index("lib"))
    """, files={"lib/tools_of_mine.py": "def double(x):\n    return x * 2\n"}),
    Row("module-with-state", r"""
        # %% step:a
        import counter_module
        # %% step:b
        counter_module.bump()
        counter_module.names.append("b")
        # %% step:c
        counter_module.bump()
        # %% step:d
        print(counter_module.count, counter_module.names)
    """, files={"counter_module.py": """
        count = 0
        names = []
        def bump():
            global count
            count += 1
    """}),
    Row("module-state-through-an-imported-function", r"""
        # %% step:a
        from registry_module import register, REGISTRY
        # %% step:b
        @register
        def one(): return 1
        # %% step:c
        @register
        def two(): return 2
        # %% step:d
        print([f() for f in REGISTRY.values()], list(REGISTRY))
    """, files={"registry_module.py": """
        REGISTRY = {}
        def register(f):
            REGISTRY[f.__name__] = f
            return f
    """}),
    Row("module-with-private-state", r"""
        # %% step:a
        from session_module import connect, whoami
        # %% step:b
        connect("ann")
        # %% step:c
        print(whoami())
    """, files={"session_module.py": """
        class _Session:
            user = "nobody"
        _session = _Session()
        def connect(user):
            _session.user = user
        def whoami():
            return _session.user
    """}),
    Row("module-imported-prints", r"""
        # %% step:a
        import loud_module
        # %% step:b
        import loud_module
        print(loud_module.x)
        # %% step:c
        from loud_module import x
        print(x)
    """, files={"loud_module.py": "print('imported')\nx = 5\n"}),
    Row("module-written-then-imported", r"""
        # %% step:a
        with open("fresh_module.py", "w") as file: file.write("value = 11\n")
        # %% step:b
        import importlib; importlib.invalidate_caches()
        import fresh_module
        # %% step:c
        print(fresh_module.value)
    """),
    Row("module-reloaded-after-a-change", r"""
        # %% step:a
        import sys; sys.dont_write_bytecode = True
        import changing_module
        print(changing_module.value)
        # %% step:b
        with open("changing_module.py", "w") as file: file.write("value = 'a longer new one'\n")
        # %% step:c
        import importlib
        importlib.reload(changing_module)
        # %% step:d
        print(changing_module.value)
    """, files={"changing_module.py": "value = 'old'\n"}),
    Row("package-with-submodules", r"""
        # %% step:a
        import mypackage.sub
        # %% step:b
        from mypackage import top
        mypackage.sub.items.append(top)
        # %% step:c
        import mypackage
        print(mypackage.sub.items, mypackage.__name__)
    """, files={"mypackage/__init__.py": "top = 'top'\n", "mypackage/sub.py": "items = []\n"}),
    Row("class-of-a-local-module", r"""
        # %% step:a
        from shapes_module import Square
        s = Square(3)
        # %% step:b
        s.side += 1
        # %% step:c
        print(s.area(), Square.made, type(s).__module__)
    """, files={"shapes_module.py": """
        class Square:
            made = 0
            def __init__(self, side):
                Square.made += 1
                self.side = side
            def area(self):
                return self.side ** 2
    """}),
    Row("argv", r"""
        # %% step:a
        import sys
        sys.argv = ["prog", "--n", "3"]
        # %% step:b
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--n", type=int)
        # %% step:c
        print(parser.parse_args().n, sys.argv)
    """),
    Row("pid-is-one-process", r"""
        # %% step:a
        import os, threading
        pid, thread = os.getpid(), threading.get_ident()
        # %% step:b
        print(pid == os.getpid(), thread == threading.get_ident())
    """),
    Row("subprocess-echo", r"""
        # %% step:a
        import subprocess, sys
        done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
        # %% step:b
        print(done.stdout.strip(), done.returncode)
        # %% step:c
        print(subprocess.check_output("echo from the shell", shell=True))
    """),
    Row("subprocess-inherits-the-environment", r"""
        # %% step:a
        import os, subprocess
        os.environ["FOR_THE_CHILD"] = "seen"
        # %% step:b
        print(subprocess.check_output("echo $FOR_THE_CHILD", shell=True, text=True))
    """),
    Row("subprocess-writes-a-file", r"""
        # %% step:a
        import subprocess
        subprocess.run("echo 1,2,3 > made.csv", shell=True, check=True)
        # %% step:b
        print(open("made.csv").read().split(","))
    """),
    Row("child-process-stays-open", r"""
        # %% step:a
        import subprocess
        cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # %% step:b
        cat.stdin.write("through a pipe"); cat.stdin.flush()
        # %% step:c
        out, _ = cat.communicate()
        print(out, cat.returncode)
    """),
    Row("signal-handler", r"""
        # %% step:a
        import signal
        got = []
        signal.signal(signal.SIGUSR1, lambda number, frame: got.append(signal.Signals(number).name))
        # %% step:b
        signal.raise_signal(signal.SIGUSR1)
        # %% step:c
        print(got)
    """),
    Row("umask-and-file-mode", r"""
        # %% step:a
        import os
        os.umask(0o077)
        # %% step:b
        open("private.txt", "w").close()
        # %% step:c
        print(oct(os.stat("private.txt").st_mode & 0o777))
    """),
    Row("time-zone", r"""
        # %% step:a
        import os, time
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        # %% step:b
        print(time.strftime("%H:%M %Z", time.localtime(0)))
    """),
    Row("socket-default-timeout", r"""
        # %% step:a
        import socket
        socket.setdefaulttimeout(12.5)
        # %% step:b
        print(socket.getdefaulttimeout())
        with socket.socket() as s: print(s.gettimeout())
    """),
]
