"""Values that live in their process: handles, locks, sockets, threads."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("sqlite-connection-in-memory", r"""
        # %% step:a
        import sqlite3
        db = sqlite3.connect(":memory:")
        db.execute("create table t (x int)")
        # %% step:b
        db.executemany("insert into t values (?)", [(1,), (2,)])
        # %% step:c
        print(db.execute("select sum(x) from t").fetchone())
    """),
    Row("sqlite-cursor-half-way", r"""
        # %% step:a
        import sqlite3
        db = sqlite3.connect(":memory:")
        rows = db.execute("values (1), (2), (3)")
        # %% step:b
        first = rows.fetchone()
        # %% step:c
        print(first, rows.fetchall())
    """),
    Row("generator-half-way", r"""
        # %% step:a
        def numbers():
            print("started")
            yield 1
            yield 2
            print("finishing")
            yield 3
        gen = numbers()
        # %% step:b
        print(next(gen))
        # %% step:c
        print(list(gen))
    """),
    Row("lock-held-across-steps", r"""
        # %% step:a
        import threading
        lock = threading.Lock()
        # %% step:b
        lock.acquire()
        # %% step:c
        print(lock.locked(), lock.acquire(blocking=False))
        lock.release()
    """),
    Row("thread-started-here-joined-there", r"""
        # %% step:a
        import threading, queue
        inbox, outbox = queue.Queue(), []
        def work():
            while (item := inbox.get()) is not None:
                outbox.append(item * 2)
        worker = threading.Thread(target=work)
        worker.start()
        # %% step:b
        inbox.put(1); inbox.put(2)
        # %% step:c
        inbox.put(None)
        worker.join()
        print(outbox)
    """),
    Row("thread-writes-a-global", r"""
        # %% step:a
        import threading
        box = []
        ready = threading.Event()
        # %% step:b
        def fill():
            ready.wait()
            box.append("filled")
        t = threading.Thread(target=fill); t.start()
        # %% step:c
        ready.set(); t.join()
        # %% step:d
        print(box)
    """),
    Row("thread-local", r"""
        # %% step:a
        import threading
        local = threading.local()
        local.user = "ann"
        # %% step:b
        print(getattr(local, "user", "nobody"))
    """),
    Row("socket-pair", r"""
        # %% step:a
        import socket
        left, right = socket.socketpair()
        # %% step:b
        left.sendall(b"hello")
        # %% step:c
        print(right.recv(5))
        left.close(); right.close()
    """),
    Row("pool-of-threads", r"""
        # %% step:a
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        # %% step:b
        future = pool.submit(pow, 2, 10)
        # %% step:c
        print(future.result(), list(pool.map(str, [1, 2])))
        pool.shutdown()
    """),
    Row("context-variable", r"""
        # %% step:a
        import contextvars
        user = contextvars.ContextVar("user", default="nobody")
        token = user.set("ann")
        # %% step:b
        print(user.get())
        # %% step:c
        ctx = contextvars.copy_context()
        print(ctx.get(user, "unset"))
    """),
    Row("exit-stack-open-across-steps", r"""
        # %% step:a
        import contextlib
        stack = contextlib.ExitStack()
        stack.callback(print, "closed at the end")
        # %% step:b
        stack.enter_context(contextlib.suppress(KeyError))
        # %% step:c
        stack.close()
    """),
    Row("frame-and-traceback-objects", r"""
        # %% step:a
        import sys
        try:
            1 / 0
        except ZeroDivisionError:
            tb = sys.exc_info()[2]
        # %% step:b
        print(type(tb).__name__, tb.tb_lineno, "tb" in tb.tb_frame.f_globals)
    """),
    Row("string-io-and-bytes-io", r"""
        # %% step:a
        import io
        text, raw = io.StringIO("line 1\nline 2\n"), io.BytesIO()
        text.readline()
        # %% step:b
        raw.write(b"abc")
        # %% step:c
        print(text.read(), raw.getvalue(), raw.tell())
    """),
    Row("gzip-and-zip-handles", r"""
        # %% step:a
        import gzip, zipfile, io
        buffer = io.BytesIO()
        archive = zipfile.ZipFile(buffer, "w")
        # %% step:b
        archive.writestr("a.txt", "in the archive")
        # %% step:c
        archive.close()
        print(zipfile.ZipFile(buffer).namelist(), gzip.decompress(gzip.compress(b"x", mtime=0)))
    """),
    Row("hash-object-updated-in-steps", r"""
        # %% step:a
        import hashlib, zlib
        h, z = hashlib.sha256(), zlib.compressobj()
        # %% step:b
        h.update(b"one")
        data = z.compress(b"x" * 100)
        # %% step:c
        h.update(b"two")
        print(h.hexdigest()[:16], zlib.decompress(data + z.flush())[:3])
    """),
    Row("unpicklable-only-in-a-corner", r"""
        # %% step:a
        import threading
        class Service:
            def __init__(self): self.lock, self.log = threading.Lock(), []
            def note(self, x):
                with self.lock: self.log.append(x)
        service = Service()
        everything = {"service": service, "plain": [1]}
        # %% step:b
        service.note("b")
        everything["plain"].append(2)
        # %% step:c
        service.note("c")
        print(service.log, everything["plain"], everything["service"] is service)
    """),
    Row("unpicklable-made-and-used-in-one-step", r"""
        # %% step:a
        lines = ["a", "b"]
        # %% step:b
        gen = (line.upper() for line in lines)
        loud = list(gen)
        # %% step:c
        print(loud)
    """),
    Row("lambda-in-a-dict-and-local-class", r"""
        # %% step:a
        def make():
            class Local:
                def __init__(self, n): self.n = n
                def __eq__(self, other): return self.n == other.n
            return Local
        Local = make()
        table = {"double": lambda x: x * 2, "obj": Local(3)}
        # %% step:b
        table["obj"].n += 1
        # %% step:c
        print(table["double"](4), table["obj"] == Local(4), type(table["obj"]) is Local)
    """),
    Row("module-and-builtin-values", r"""
        # %% step:a
        import math, types
        tools = [math, len, print, int, types.ModuleType, type(None)]
        # %% step:b
        tools[2](tools[1]([1]), tools[0].pi, tools[3]("4"), isinstance(None, tools[5]))
    """),
    Row("queue-and-counter-objects", r"""
        # %% step:a
        import queue, itertools
        q, ids, ring = queue.PriorityQueue(), itertools.count(10, 5), itertools.cycle("ab")
        # %% step:b
        q.put((2, "b")); q.put((1, "a")); next(ids); next(ring)
        # %% step:c
        print(q.get(), next(ids), next(ring), q.qsize())
    """),
    Row("server-in-a-thread", r"""
        # %% step:a
        import http.server, threading
        class Hello(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200); self.end_headers(); self.wfile.write(b"served " + self.path.encode())
            def log_message(self, *args): pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Hello)
        thread = threading.Thread(target=server.serve_forever); thread.start()
        # %% step:b
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", server.server_port)
        c.request("GET", "/x")
        body = c.getresponse().read()
        c.close()
        # %% step:c
        server.shutdown(); thread.join(); server.server_close()
        print(body)
    """),
]
