"""The prediction log: a share of the requests with their answers, as JSON lines in files of bounded size.

It holds data of clients: only you may read the files. A thread writes; where it falls behind, records are dropped and
counted.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WAITING = 1000  # records in memory
MOST_ROWS = 100  # of a request that are kept
FILES = 16  # in which a full log is


class PredictionLog:
    """Writes sampled requests to `folder`.

    :param share: share of the requests, from 0 to 1.
    :param limit: bytes of all files in the folder.
    :param count: is called with the name of a counter: `logged`, `log_dropped`.
    """

    def __init__(
        self, folder: Path, share: float, limit: int, count: Callable[[str], None] = lambda counter: None
    ) -> None:
        self.folder, self.share, self.limit, self.count = folder, share if limit > 0 else 0.0, limit, count
        self.records: queue.Queue[dict[str, Any] | None] = queue.Queue(WAITING)
        self.path: Path | None = None
        self.writer: threading.Thread | None = None

    @classmethod
    def off(cls) -> PredictionLog:
        """A log that logs nothing."""
        return cls(Path(), 0.0, 0)

    def sample(self) -> bool:
        """Whether the next request is one of the sample."""
        return self.share > 0 and (self.share >= 1 or random.random() < self.share)

    def add(self, request_id: str, key: Any, model: Mapping[str, str], data: Any, answers: Mapping[str, Any]) -> None:
        """Log a request. Does not wait.

        :param key: identifies its rows for labels that come later; None if the client sent none.
        :param data: the input of the model; `answers`: by output.
        """
        record = {
            "at": time.time(), "id": request_id, "key": key, "model": model, "input": data, "output": dict(answers),
        }  # fmt: skip
        if self.writer is None:
            self.writer = threading.Thread(target=self._write, name="prediction log", daemon=True)
            self.writer.start()
        try:
            self.records.put_nowait(record)
        except queue.Full:
            self.count("log_dropped")

    def close(self, patience: float = 5.0) -> None:
        """Write what is waiting, and end."""
        if self.writer is not None:
            with contextlib.suppress(queue.Full):
                self.records.put(None, timeout=patience)
            self.writer.join(patience)

    def _write(self) -> None:
        while (record := self.records.get()) is not None:
            try:
                self._append(line_of(record))
                self.count("logged")
            except (OSError, TypeError, ValueError):
                self.count("log_dropped")

    def _append(self, line: bytes) -> None:
        size = self.path.stat().st_size if self.path is not None and self.path.exists() else None
        if size is None or size + len(line) > max(1, self.limit // FILES):
            self._rotate()
        assert self.path is not None
        with self.path.open("ab") as file:
            file.write(line)

    def _rotate(self) -> None:
        """Begin a file, and delete the oldest files until there is room for it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = self.folder / f"{time.time_ns():020d}-{os.getpid()}.jsonl"
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        room = self.limit - self.limit // FILES
        for path in sorted(self.folder.glob("*.jsonl"), reverse=True):
            with contextlib.suppress(OSError):
                room -= path.stat().st_size
                if room < 0 and path != self.path:
                    path.unlink()


def line_of(record: Mapping[str, Any]) -> bytes:
    """A record as a line of JSON. Frames and arrays are lists of rows; at most MOST_ROWS of them."""
    import orjson

    data = record["input"]
    columns = [str(name) for name in data.columns] if hasattr(data, "columns") else None
    rows = _rows(data)
    document = {
        **record,
        "input": {"columns": columns, "rows": rows, "count": len(data) if hasattr(data, "__len__") else None},
        "output": {name: _rows(value) for name, value in record["output"].items()},
    }
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(document, option=option, default=str)


def _rows(value: Any) -> Any:
    if hasattr(value, "iloc"):
        value = value.iloc[:MOST_ROWS].to_numpy()
    elif hasattr(value, "__getitem__") and hasattr(value, "shape"):
        value = value[:MOST_ROWS] if value.shape else value
    elif isinstance(value, list):
        value = value[:MOST_ROWS]
    return value.tolist() if hasattr(value, "tolist") else value
