"""Waits for requests and for the ends of kernels, and forks."""

from __future__ import annotations

import contextlib
import contextvars
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from .child import become_kernel, leave
from .preloaded_modules import PreloadedModules

MESSAGE = 1 << 20  # bytes of one message at most


class Server:
    """Waits for requests and for the ends of kernels."""

    def __init__(self, connection: socket.socket, preloaded: PreloadedModules) -> None:
        self.connection = connection
        self.preloaded = preloaded
        self.wake, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self.wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.wake_end = wake

    def run(self) -> None:
        poller = select.poll()
        poller.register(self.connection, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            for number, _ in poller.poll():
                if number == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 4096)
                    self.reap()
                elif not self.serve():
                    return

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.send({"pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(json.dumps(message).encode())

    def serve(self) -> bool:
        data, numbers, _, _ = socket.recv_fds(self.connection, MESSAGE, 8)
        if not data:
            return False
        request = json.loads(data)
        try:
            pid = self.fork(request, numbers)
        except OSError as error:
            self.send({"id": request["id"], "error": str(error)})
        else:
            self.send({"id": request["id"], "pid": pid})
        finally:
            for number in numbers:
                os.close(number)
        return True

    def fork(self, request: dict[str, Any], numbers: list[int]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.connection.close()
            os.close(self.wake)
            os.close(self.wake_end)
            # Modules that were imported ahead may have made contexts of their own, as `decimal` does when it is used.
            contextvars.Context().run(become_kernel, request, numbers, self.preloaded)
        except SystemExit as left:
            code = left.code
            leave(code if isinstance(code, int) else 1 if code else 0)
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.__stderr__)
            leave(1)
        leave(0)
        return 0
