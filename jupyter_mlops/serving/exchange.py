"""One request on a connection, and its response: HTTP without a framework, as little work for a request as can be."""

from __future__ import annotations

import re
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tornado import httputil

from jupyter_mlops.serving.answers import Answer, error_answer
from jupyter_mlops.serving.problems import RequestError
from jupyter_mlops.serving.routes import Route

if TYPE_CHECKING:
    from jupyter_mlops.serving.server import ModelServer

REQUEST_ID = re.compile(r"[\w.:+/=@-]{1,128}", re.ASCII)  # of a client's; others are replaced


class Exchange(httputil.HTTPMessageDelegate):
    """A request and its response.

    :param server: decides what is answered.
    :ivar route: the endpoint, once the headers are there.
    """

    def __init__(self, server: ModelServer, connection: Any) -> None:
        self.server, self.connection = server, connection
        self.route = Route("")
        self.method, self.target, self.headers = "", "", httputil.HTTPHeaders()
        self.chunks: list[bytes] = []
        self.size = 0
        self.began = time.perf_counter()
        self.is_answered = self.is_closed = False

    def headers_received(self, start_line: Any, headers: httputil.HTTPHeaders) -> None:
        """Reject what needs no body to be rejected."""
        self.method, self.target, self.headers = start_line.method, start_line.path, headers
        self.began = time.perf_counter()
        try:
            self.route = self.server.admit(self)
        except RequestError as error:
            self.reject(error)

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.is_answered:
            return
        if self.size > self.server.settings.body_limit:
            self.chunks.clear()
            self.reject(self.server.too_large())
            return
        self.chunks.append(chunk)

    def finish(self) -> None:
        if not self.is_answered:
            self.server.dispatch(self)

    def on_connection_close(self) -> None:
        self.is_closed = True
        self.chunks.clear()

    @property
    def body(self) -> bytes:
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)

    @property
    def request_id(self) -> str:
        """The client's id of the request if it is a plain one, or a new one."""
        text = str(self.headers.get("X-Request-Id", ""))
        return text if REQUEST_ID.fullmatch(text) else uuid.uuid4().hex

    def reject(self, error: RequestError) -> None:
        headers = {"Retry-After": "1"} if error.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        protocol = self.route.protocol
        if not self.route.name and self.target.startswith("/invocations"):
            protocol = "invocations"
        self.respond(error_answer(error, protocol, headers))

    def respond(self, answer: Answer, request_id: str = "") -> None:
        """Send the response, once."""
        if self.is_answered:
            return
        self.is_answered = True
        self.server.metrics.observe(self.route.protocol, answer.status, time.perf_counter() - self.began)
        if self.is_closed:
            return
        headers = httputil.HTTPHeaders({
            "Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers,
        })  # fmt: skip
        if request_id:
            headers["X-Request-Id"] = request_id
        if self.server.is_draining:
            headers["Connection"] = "close"
        start = httputil.ResponseStartLine("HTTP/1.1", answer.status, HTTPStatus(answer.status).phrase)
        body = b"" if self.method == "HEAD" else answer.body
        stream = self.connection.stream
        sent = self.connection.write_headers(start, headers, body)
        self.connection.finish()
        if not sent.done():  # a client that reads slowly holds the response in memory only for so long
            handle = self.server.loop.call_later(self.server.settings.body_timeout, stream.close)
            sent.add_done_callback(lambda future: handle.cancel())
