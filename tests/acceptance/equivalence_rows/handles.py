"""Plain numbers and texts that stand for something the kernel's process holds."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("file-descriptor-as-a-number", r"""
        # %% step:a
        import os
        fd = os.open("out.txt", os.O_WRONLY | os.O_CREAT)
        # %% step:b
        os.write(fd, b"from b\n")
        # %% step:c
        os.write(fd, b"from c\n")
        os.close(fd)
        # %% step:d
        print(open("out.txt").read())
    """),
    Row("file-descriptor-taken-from-a-file", r"""
        # %% step:a
        import os
        _keep = [open("out.txt", "w")]
        fd = _keep[0].fileno()
        # %% step:b
        print(os.write(fd, b"hello"))
        # %% step:c
        print(os.fstat(fd).st_size, open("out.txt").read())
    """),
    Row("temporary-file-by-mkstemp", r"""
        # %% step:a
        import os, tempfile
        fd, path = tempfile.mkstemp()
        # %% step:b
        os.write(fd, b"abc")
        # %% step:c
        os.close(fd)
        print(open(path).read())
        os.remove(path)
    """),
    Row("address-of-an-array", r"""
        # %% step:a
        import ctypes
        import numpy as np
        a = np.arange(4, dtype="i4")
        where = a.ctypes.data
        # %% step:b
        a[1] = 50
        # %% step:c
        print((ctypes.c_int * 4).from_address(where)[1])
    """, needs=("numpy",)),
    Row("address-by-the-array-interface", r"""
        # %% step:a
        import numpy as np
        a = np.zeros(3)
        b = a[1:]
        start = a.__array_interface__["data"][0]
        # %% step:b
        print(b.__array_interface__["data"][0] - start)
        # %% step:c
        print(a.__array_interface__["data"][0] == start)
    """, needs=("numpy",)),
    Row("ctypes-structures-share-a-buffer", r"""
        # %% step:a
        import ctypes
        class Pair(ctypes.Structure):
            _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]
        raw = bytearray(8)
        pair = Pair.from_buffer(raw)
        # %% step:b
        pair.y = 7
        # %% step:c
        print(bytes(raw), pair.x, pair.y)
    """),
    Row("ctypes-callback-and-pointer", r"""
        # %% step:a
        import ctypes
        n = ctypes.c_int(5)
        p = ctypes.pointer(n)
        # %% step:b
        p.contents.value += 1
        # %% step:c
        print(n.value, p.contents.value)
    """),
    Row("shared-memory-by-name", r"""
        # %% step:a
        from multiprocessing import shared_memory
        block = shared_memory.SharedMemory(create=True, size=16)
        name = block.name
        block.buf[0] = 9
        # %% step:b
        other = shared_memory.SharedMemory(name=name)
        print(other.buf[0])
        other.buf[1] = 8
        # %% step:c
        print(block.buf[1])
        other.close(); block.close(); block.unlink()
    """),
    Row("number-of-a-figure", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.ioff()
        number = plt.figure(figsize=(1, 1)).number
        plt.plot([1, 2, 3])
        plt.close()
        # %% step:b
        print(plt.fignum_exists(number), plt.get_fignums())
        # %% step:c
        print(plt.figure(figsize=(1, 1)).number)
        plt.close("all")
    """, needs=("matplotlib",)),
    Row("thread-ident-and-name", r"""
        # %% step:a
        import threading
        me = threading.current_thread()
        number = threading.get_ident()
        # %% step:b
        print(me is threading.current_thread(), number == threading.get_ident(), me.name)
        # %% step:c
        print(threading.main_thread().name, me is threading.main_thread())
    """),
    Row("name-of-the-process", r"""
        # %% step:a
        import multiprocessing, os
        me = multiprocessing.current_process()
        number = os.getpid()
        # %% step:b
        print(me.name, me.pid == number, multiprocessing.parent_process())
        # %% step:c
        print(os.getpid() == number, len(multiprocessing.active_children()))
    """),
    Row("what-the-process-has-loaded", r"""
        # %% step:a
        import sys
        print(sorted({"numpy", "pandas", "matplotlib", "sklearn", "scipy", "statsmodels"} & set(sys.modules)))
        # %% step:b
        import numpy
        print(sorted({"numpy", "pandas", "scipy", "sklearn"} & set(sys.modules)))
        # %% step:c
        print("pandas" in sys.modules, "numpy" in sys.modules, "matplotlib" in sys.modules)
    """, needs=("numpy",)),
    Row("the-process-as-a-cell-sees-it", r"""
        # %% step:a
        import gc, os, signal, sys, threading
        print(gc.isenabled(), gc.get_threshold(), sys.flags.optimize, sys.flags.utf8_mode, sys.getswitchinterval())
        print(sorted(k for k in os.environ if "MLOPS" in k))
        # %% step:b
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1)
        print({s.name: str(signal.getsignal(s)).split(" at")[0] for s in numbers})
        print(len(sys.meta_path), sys.gettrace(), sys.getprofile(), sys.dont_write_bytecode)
        # %% step:c
        print(os.nice(0), os.sched_getaffinity(0) == os.sched_getaffinity(os.getppid()), oct(os.umask(0o22)))
        print(sys.stdin and sys.stdin.isatty(), sys.stdout.isatty(), sys.stdout.encoding)
        print(sys.executable == sys.orig_argv[0])
    """),
    Row("stack-below-a-cell", r"""
        # %% step:a
        import inspect, traceback
        depth = len(inspect.stack())
        # %% step:b
        print(len(inspect.stack()) == depth, inspect.stack()[1].function)
        # %% step:c
        def deep(n): return len(traceback.extract_stack()) if n == 0 else deep(n - 1)
        print(deep(5) - depth)
    """),
    Row("references-counted", r"""
        # %% step:a
        import gc, sys, weakref
        class Node: pass
        node = Node()
        link = weakref.ref(node)
        # %% step:b
        print(sys.getrefcount(node), weakref.getweakrefcount(node))
        # %% step:c
        print(len([o for o in gc.get_objects() if isinstance(o, Node)]))
        del node
        print(link() is None)
    """),
    Row("finalizer-runs-when-the-name-goes", r"""
        # %% step:a
        import weakref
        class Resource: pass
        r = Resource()
        ending = weakref.finalize(r, print, "closed")
        # %% step:b
        print(ending.alive)
        # %% step:c
        del r
        print(ending.alive)
    """),
    Row("who-looks-at-an-object", r"""
        # %% step:a
        class Shy:
            asked = []
            def __getattr__(self, name):
                Shy.asked.append(name)
                raise AttributeError(name)
        shy = Shy()
        # %% step:b
        n = hasattr(shy, "colour")
        # %% step:c
        print(n, Shy.asked)
    """),
    Row("sequence-that-counts-its-readers", r"""
        # %% step:a
        class Counted(list):
            reads = 0
            def __iter__(self):
                type(self).reads += 1
                return super().__iter__()
            def __len__(self):
                type(self).reads += 100
                return super().__len__()
        c = Counted([1, 2, 3])
        # %% step:b
        print(sum(c))
        # %% step:c
        print(Counted.reads)
    """),
    Row("dictionary-that-counts-its-readers", r"""
        # %% step:a
        class Table(dict):
            def __init__(self, *a): super().__init__(*a); self.hits = 0
            def __getitem__(self, key): self.hits += 1; return super().__getitem__(key)
            def items(self): self.hits += 10; return super().items()
            def __iter__(self): self.hits += 100; return super().__iter__()
        t = Table({"a": 1})
        # %% step:b
        v = t["a"]
        # %% step:c
        print(v, t.hits)
    """),
    Row("hash-and-equality-count-their-calls", r"""
        # %% step:a
        calls = {"hash": 0, "eq": 0}
        class Key:
            def __init__(self, n): self.n = n
            def __hash__(self): calls["hash"] += 1; return hash(self.n)
            def __eq__(self, other): calls["eq"] += 1; return self.n == other.n
        table = {Key(1): "one", Key(2): "two"}
        # %% step:b
        print(table[Key(2)])
        # %% step:c
        print(calls)
    """),
    Row("proxy-to-another-object", r"""
        # %% step:a
        class Proxy:
            def __init__(self, inner): object.__setattr__(self, "_inner", inner)
            def __getattr__(self, name): return getattr(object.__getattribute__(self, "_inner"), name)
            def __setattr__(self, name, value): setattr(object.__getattribute__(self, "_inner"), name, value)
        class Box: pass
        box = Box()
        proxy = Proxy(box)
        # %% step:b
        proxy.size = 3
        # %% step:c
        print(box.size, proxy.size, "_inner" in vars(proxy))
    """),
    Row("borg-shares-its-dictionary", r"""
        # %% step:a
        class Borg:
            shared = {}
            def __init__(self): self.__dict__ = self.shared
        one = Borg()
        # %% step:b
        one.x = 5
        # %% step:c
        two = Borg()
        two.x += 1
        # %% step:d
        print(one.x, Borg.shared, one.__dict__ is two.__dict__)
    """),
    Row("pipe-ends-as-numbers", r"""
        # %% step:a
        import os
        r, w = os.pipe()
        # %% step:b
        os.write(w, b"ping")
        # %% step:c
        print(os.read(r, 4))
        os.close(r); os.close(w)
    """),
    Row("socket-pair-by-their-numbers", r"""
        # %% step:a
        import os, socket
        pair = socket.socketpair()
        numbers = [s.fileno() for s in pair]
        # %% step:b
        os.write(numbers[0], b"hey")
        # %% step:c
        print(os.read(numbers[1], 3))
        # %% step:d
        for s in pair: s.close()
        print([s.fileno() for s in pair])
    """),
    Row("descriptor-by-detach", r"""
        # %% step:a
        import os
        with open("x.txt", "w") as f: f.write("0123456789")
        with open("x.txt") as f: n = os.dup(f.fileno())
        # %% step:b
        print(os.read(n, 3))
        # %% step:c
        print(os.read(n, 3))
        os.close(n)
    """),
    Row("output-written-under-python", r"""
        # %% step:a
        import os, sys
        print("by python")
        sys.stdout.flush()
        # %% step:b
        n = os.write(sys.__stdout__.fileno() if False else 1, b"")
        print(n)
        # %% step:c
        import ctypes
        libc = ctypes.CDLL(None)
        print(libc.abs(-4))
    """),
]
