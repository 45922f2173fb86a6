"""The server of one process: it routes requests, predicts in threads and follows promotions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import logging
import socket
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from tornado import httputil
from tornado.httpserver import HTTPServer

from jupyter_mlops import __version__
from jupyter_mlops.serving import inference_protocol
from jupyter_mlops.serving.answers import HEAD_LENGTH, Answer, Prediction, answer, error_answer
from jupyter_mlops.serving.exchange import Exchange
from jupyter_mlops.serving.metrics import TYPE, Metrics
from jupyter_mlops.serving.model_slot import ModelSlot
from jupyter_mlops.serving.prediction_log import PredictionLog
from jupyter_mlops.serving.problems import RequestError
from jupyter_mlops.serving.routes import OPEN, Route, require_model, route_of
from jupyter_mlops.serving.served_model import ServedModel
from jupyter_mlops.serving.settings import LOOPBACK_NAMES, ServeSettings, is_loopback

IDLE = 120.0  # seconds that a connection may wait for its next request
HEADERS = 64 * 1024  # bytes of a request's headers
UNLIMITED = 1 << 60  # Exchange bounds bodies itself, to answer 413
LAST_CALL = 1.0  # seconds in which clients may close idle connections of a server that ends
log = logging.getLogger("jupyter_mlops.serving")


class ModelServer(httputil.HTTPServerConnectionDelegate):
    """Answers requests for the model in a slot.

    :param slot: started: it has a model.
    :ivar busy: prediction requests whose threads have not finished.
    """

    def __init__(self, settings: ServeSettings, slot: ModelSlot, metrics: Metrics, predictions: PredictionLog) -> None:
        self.settings, self.slot, self.metrics, self.predictions = settings, slot, metrics, predictions
        self.loop = asyncio.get_running_loop()
        self.pool = ThreadPoolExecutor(settings.threads, "predict")
        self.loader = ThreadPoolExecutor(1, "load")
        self.busy = 0
        self.is_draining = False
        self.polling: asyncio.Task[None] | None = None
        self.http = HTTPServer(
            self, max_header_size=HEADERS, max_body_size=UNLIMITED, idle_connection_timeout=IDLE,
            body_timeout=settings.body_timeout,
        )  # fmt: skip

    def listen(self, sockets: list[socket.socket]) -> None:
        """Begin to answer on these sockets, and to follow promotions."""
        self.http.add_sockets(sockets)
        self.polling = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll)
            with contextlib.suppress(RuntimeError):  # the loader has ended
                await self.loop.run_in_executor(self.loader, self.slot.refresh)

    async def close(self) -> None:
        """Accept no more connections, finish the requests in progress, and end."""
        self.is_draining = True
        self.http.stop()
        if self.polling is not None:
            self.polling.cancel()
        await self._until(lambda: not self.busy, self.settings.grace)
        await self._until(lambda: not self.http._connections, min(LAST_CALL, self.settings.grace))
        await self._until(lambda: not self.busy, self.settings.grace)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.http.close_all_connections(), 5.0)
        self.predictions.close()
        for pool in (self.pool, self.loader):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = self.loop.time() + seconds
        while not condition() and self.loop.time() < deadline:
            await asyncio.sleep(0.01)

    # -- a request

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> Exchange:
        return Exchange(self, request_conn)

    @property
    def model(self) -> ServedModel:
        model = self.slot.model
        assert model is not None
        return model

    def admit(self, exchange: Exchange) -> Route:
        """The route of a request whose headers are there. Raises RequestError if it is not answered."""
        headers = exchange.headers
        route = route_of(exchange.method, exchange.target)
        if route.name not in OPEN:
            self._require_token(headers)
        self._require_no_browser(headers)
        if route.model:
            require_model(route, self.names(), self.model.version)
        length = headers.get("Content-Length", "")
        if length.isdigit() and int(length[:20]) > self.settings.body_limit:
            raise self.too_large()
        if route.protocol != "other" and self.busy >= self.settings.concurrency:
            raise RequestError("too many requests are in progress", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return route

    def names(self) -> tuple[str, ...]:
        """The names under which the model is served: the job's, and the variable's."""
        return (self.model.job, self.model.name)

    def too_large(self) -> RequestError:
        limit = self.settings.body_limit
        return RequestError(f"the body is larger than {limit} bytes", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _has_token(self, headers: httputil.HTTPHeaders) -> bool:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        sent = token.strip().encode("latin-1", "replace")
        return not self.settings.token or (
            scheme.lower() == "bearer" and hmac.compare_digest(sent, self.settings.token.encode())
        )

    def _require_token(self, headers: httputil.HTTPHeaders) -> None:
        if not self._has_token(headers):
            raise RequestError(
                "the token is missing or wrong", status=HTTPStatus.UNAUTHORIZED, remedy="Send Authorization: Bearer."
            )

    def _require_no_browser(self, headers: httputil.HTTPHeaders) -> None:
        """Without a token, web pages must not reach a server on this machine, whatever name they use for it."""
        if self.settings.token or not self.settings.is_local:
            return
        host = headers.get("Host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        is_other = bool(name) and name.lower() not in LOOPBACK_NAMES and not is_loopback(name)
        if "Origin" in headers or is_other:
            raise RequestError(
                "requests of web pages need a token", status=HTTPStatus.FORBIDDEN, remedy="Start with --token."
            )

    def dispatch(self, exchange: Exchange) -> None:
        """Answer a request whose body is there."""
        route = exchange.route
        if route.protocol != "other":
            self._predict(exchange)
            return
        try:
            exchange.respond(self._describe(route, exchange.headers))
        except RequestError as error:
            exchange.reject(error)

    def _predict(self, exchange: Exchange) -> None:
        """Predict in a thread; answer when it is done, or after the timeout."""
        if self.busy >= self.settings.concurrency:
            exchange.reject(RequestError("too many requests are in progress", status=HTTPStatus.SERVICE_UNAVAILABLE))
            return
        headers, route = exchange.headers, exchange.route
        request_id = exchange.request_id
        request = Prediction(
            route.protocol, exchange.body, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""),
            headers.get(HEAD_LENGTH, ""), route.model, request_id, headers.get("X-Prediction-Key", "")[:1000],
        )  # fmt: skip
        exchange.chunks.clear()
        self.busy += 1
        self.metrics.add("in_progress")
        work = self.pool.submit(answer, self.model, request, self.settings.body_limit, self.predictions)
        expiry = self.loop.call_later(self.settings.timeout, self._expire, exchange, work, request_id)
        work.add_done_callback(
            lambda future: self.loop.call_soon_threadsafe(self._done, exchange, future, expiry, request_id)
        )

    def _done(
        self, exchange: Exchange, work: ThreadFuture[Answer], expiry: asyncio.TimerHandle, request_id: str
    ) -> None:
        expiry.cancel()
        self.busy -= 1
        self.metrics.add("in_progress", -1)
        if not work.cancelled():
            exchange.respond(work.result(), request_id)

    def _expire(self, exchange: Exchange, work: ThreadFuture[Answer], request_id: str) -> None:
        """Answer that it took too long. A thread that has begun counts as busy until it ends."""
        work.cancel()
        problem = RequestError("the prediction took too long", status=HTTPStatus.GATEWAY_TIMEOUT)
        exchange.respond(error_answer(problem, exchange.route.protocol), request_id)

    # -- what is not a prediction

    def _describe(self, route: Route, headers: httputil.HTTPHeaders) -> Answer:
        model = self.model
        if route.name == "ping":
            return Answer(HTTPStatus.OK, b"\n")
        if route.name == "version":
            return Answer(HTTPStatus.OK, __version__.encode(), "text/plain; charset=utf-8")
        if route.name == "metrics":
            return Answer(HTTPStatus.OK, self.metrics.text(model.facts()).encode(), TYPE)
        if route.name in ("ready", "model_ready"):
            status = HTTPStatus.SERVICE_UNAVAILABLE if self.is_draining else HTTPStatus.OK
            return _json({"name": route.model, "ready": not self.is_draining} if route.model else {
                "ready": not self.is_draining}, status)  # fmt: skip
        documents: dict[str, Callable[[], dict[str, Any]]] = {
            "live": lambda: {"live": True},
            "health": functools.partial(self._health, self._has_token(headers)),
            "server": lambda: {
                "name": "jupyter_mlops", "version": __version__, "extensions": inference_protocol.EXTENSIONS,
            },
            "model": lambda: inference_protocol.model_metadata(
                route.model, model.version, model.platform, model.signature.to_dict()
            ),
        }  # fmt: skip
        return _json(documents[route.name]())

    def _health(self, is_trusted: bool) -> dict[str, Any]:
        """The state for people and probes. A promoted model that can't be loaded is a problem, not an outage."""
        state = "ending" if self.is_draining else "degraded" if self.slot.problem else "ok"
        if not is_trusted:
            return {"status": state}
        return {"status": state, **self.model.facts(), "problem": self.slot.problem}


def _json(document: dict[str, Any], status: int = HTTPStatus.OK) -> Answer:
    import orjson

    return Answer(int(status), orjson.dumps(document))
