"""From the data of a request to what a model takes: checked against its signature, and without a loop over columns.

A message names the column and the row, counted from 0, and never shows a value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from jupyter_mlops.serving.problems import RequestError, quoted
from jupyter_mlops.serving.signature import Signature

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMED = 10  # columns that a message names
INTEGERS = "iu"
ACCEPTED = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}  # kinds of arrays that fit a type without loss


def from_rows(columns: Sequence[str] | None, rows: list[Any], signature: Signature) -> Any:
    """The input of a model from rows.

    :param columns: names of the columns; None: they have the order of the signature.
    :raises RequestError: a column is missing, or a value does not fit.
    """
    _require_rows(rows, columns)
    if signature.kind == "columns":
        return _frame_of_rows(columns, rows, signature)
    if signature.kind == "tensor" or columns is None:
        return _matrix(rows, signature)
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns))


def from_records(records: list[Any], signature: Signature) -> Any:
    """The input of a model from objects with a value for each column."""
    if not all(isinstance(record, dict) for record in records):
        raise RequestError("each record must be an object")
    names = signature.names if signature.kind == "columns" else tuple(dict.fromkeys(k for r in records for k in r))
    present = set().union(*records) if records else set()
    require_columns(names, present)
    return from_rows(names, [[record.get(name) for name in names] for record in records], signature)


def from_columns(arrays: Mapping[str, NDArray[Any]], signature: Signature) -> Any:
    """The input of a model from named arrays: a matrix, or one array for each column. Others are ignored."""
    [first, *others] = arrays.values()
    if not others and first.ndim >= 2 and (first.shape[1] != 1 or set(arrays) != set(signature.names)):
        return _from_tensor(first, signature)
    if signature.kind == "tensor" or (signature.kind == "any" and not others):
        if others:
            raise RequestError("the model takes one tensor", remedy="Send one input.", field="inputs")
        return _from_tensor(first, signature)
    names = signature.names if signature.kind == "columns" else tuple(arrays)
    require_columns(names, arrays.keys())
    chosen = [_column(arrays[name], name) for name in names]
    lengths = {len(array) for array in chosen}
    if len(lengths) != 1:
        raise RequestError("the inputs have different numbers of rows", field="inputs")
    if lengths == {0}:
        raise RequestError("the request has no rows", field="inputs")
    return _frame_of_columns(names, chosen, signature)


def from_frame(frame: Any, signature: Signature) -> Any:
    """The input of a model from a frame, such as that of a CSV body."""
    if not len(frame):
        raise RequestError("the request has no rows")
    if signature.kind == "any":
        return frame
    if signature.kind == "tensor":
        return _matrix(frame.to_numpy().tolist(), signature)
    require_columns(signature.names, {str(c) for c in frame.columns})
    chosen = [frame[name].to_numpy() for name in signature.names]
    return _frame_of_columns(signature.names, chosen, signature)


def _require_rows(rows: Any, columns: Sequence[str] | None) -> None:
    if not isinstance(rows, list) or not rows:
        raise RequestError("the request has no rows")
    if columns is None:
        return
    width = len(columns)
    for position, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            raise RequestError(f"row {position} does not have {width} values, one for each column")


def require_columns(names: Sequence[str], present: Any) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        listed = ", ".join(map(quoted, missing[:NAMED]))
        rest = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise RequestError(f"missing columns: {listed}{rest}", field="inputs")


def _column(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The values of an input that is a column: [rows] or [rows, 1]."""
    if array.ndim == 1:
        return array
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    raise RequestError(f"the input {quoted(name)} must have the shape [rows] or [rows, 1]", field="inputs.shape")


def _from_tensor(array: NDArray[Any], signature: Signature) -> Any:
    if not array.size:
        raise RequestError("the request has no rows", field="inputs")
    if signature.kind == "tensor":
        return _as_tensor(array, signature)
    if signature.kind == "any":
        return array
    width = len(signature.names)
    if array.ndim != 2 or array.shape[1] != width:
        raise RequestError(f"the input must have {width} columns", field="inputs.shape")
    if len(signature.groups) == 1:
        [(kind, _)] = signature.groups
        return _one_type(_as_type(array, kind, signature.names), signature)
    return _frame_of_columns(signature.names, list(array.T), signature)


def _matrix(rows: list[Any], signature: Signature) -> Any:
    """An array of rows."""
    import numpy as np

    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        raise RequestError("the rows have different lengths") from None
    if array.dtype.kind == "O":
        array = _numbers_of_objects(array, None)
    elif array.dtype.kind == "U":
        array = np.array(rows, dtype=object)
    return array if signature.kind == "any" else _as_tensor(array, signature)


def _as_tensor(array: NDArray[Any], signature: Signature) -> NDArray[Any]:
    import numpy as np

    shape = signature.inputs[0].get("shape") if signature.inputs else None
    if shape is not None:
        fits = array.ndim == len(shape) and all(n in (-1, m) for n, m in zip(shape, array.shape, strict=True))
        if not fits:
            raise RequestError(
                f"the input must have the shape [{', '.join('rows' if n == -1 else str(n) for n in shape)}]",
                field="inputs.shape",
            )
    kind = str(signature.inputs[0]["type"]) if signature.inputs else "any"
    if kind in ("any", "string"):
        return array
    dtype = np.dtype(kind)
    if array.dtype.kind not in ACCEPTED.get(dtype.kind, dtype.kind):
        raise RequestError(f"the input must be {_called(kind)}s", field="inputs")
    return array if array.dtype == dtype else array.astype(dtype)


# -- frames


def _frame_of_rows(columns: Sequence[str] | None, rows: list[Any], signature: Signature) -> Any:
    names = signature.names
    if columns is None:
        _require_rows(rows, names)
        columns = names
    if tuple(columns) == names:
        sources: Sequence[int] = range(len(names))
    else:
        places = {name: position for position, name in enumerate(columns)}
        require_columns(names, places.keys())
        sources = [places[name] for name in names]
    is_whole = len(signature.groups) == 1 and tuple(columns) == names
    blocks = []
    for kind, positions in signature.groups:
        chosen = [names[position] for position in positions]
        part = rows if is_whole else _picked(rows, [sources[position] for position in positions])
        blocks.append(_block(part, kind, chosen))
    return _frame(blocks, signature)


def _picked(rows: list[Any], positions: Sequence[int]) -> list[Any]:
    if len(positions) == 1:
        return [[row[positions[0]]] for row in rows]
    pick: Callable[[Any], Any] = operator.itemgetter(*positions)
    return [pick(row) for row in rows]


def _block(rows: list[Any], kind: str, names: Sequence[str]) -> Any:
    """The array of columns of one type."""
    import numpy as np

    if kind in ("string", "datetime64", "any"):
        array = np.empty((len(rows), len(names)), dtype=object)
        array[:] = rows
        return _as_type(array, kind, names)
    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        raise _wrong_value(rows, kind, names) from None
    mixes_truth = kind != "bool" and array.dtype.kind != "O" and bool in set(map(type, chain.from_iterable(rows)))
    if array.shape != (len(rows), len(names)) or mixes_truth:
        raise _wrong_value(rows, kind, names)
    return _as_type(array, kind, names, rows)


def _frame_of_columns(names: Sequence[str], arrays: list[Any], signature: Signature) -> Any:
    import numpy as np

    if signature.kind == "any":
        import pandas as pd

        return pd.DataFrame(dict(zip(names, arrays, strict=True)))
    blocks = []
    for kind, positions in signature.groups:
        chosen = [arrays[position] for position in positions]
        kinds = {array.dtype.kind for array in chosen}
        if "O" in kinds or (len(kinds) > 1 and not kinds <= set("iuf")):
            chosen = [array.astype(object) for array in chosen]
        block = np.stack(chosen, axis=1)
        blocks.append(_as_type(block, kind, [names[position] for position in positions]))
    return _frame(blocks, signature)


def _one_type(block: Any, signature: Signature) -> Any:
    return _frame([block], signature)


def _frame(blocks: list[Any], signature: Signature) -> Any:
    """The frame with the columns of the signature, from one array for each type."""
    import pandas as pd

    frames = []
    for block, (kind, positions) in zip(blocks, signature.groups, strict=True):
        columns = pd.Index([signature.names[position] for position in positions], dtype=object)
        frame = pd.DataFrame(block, columns=columns, copy=False)
        frames.append(frame.infer_objects() if kind in ("any", "string") else frame)
    if len(frames) == 1:
        return frames[0]
    return pd.concat(frames, axis=1).iloc[:, list(signature.order)]


# -- types


def _as_type(array: Any, kind: str, names: Sequence[str], rows: list[Any] | None = None) -> Any:
    """An array as a type, without loss. Raises RequestError that names the first column and row that does not fit."""
    import numpy as np

    if kind == "any":
        return array
    if kind == "string":
        return _texts(array, names)
    if kind == "datetime64":
        return _dates(array, names)
    dtype = np.dtype(kind)
    if array.dtype.kind == "O":
        if dtype.kind == "f":
            return _numbers_of_objects(array, names).astype(dtype)
        raise _wrong_value(array.tolist() if rows is None else rows, kind, names)
    if array.dtype == dtype:
        return array
    if array.dtype.kind == "f" and dtype.kind in INTEGERS and bool((array == np.floor(array)).all()):
        array = _whole(array, dtype, names)
    if array.dtype.kind not in ACCEPTED[dtype.kind]:
        raise _wrong_value(array.tolist() if rows is None else rows, kind, names)
    if dtype.kind in INTEGERS:
        bounds = np.iinfo(dtype)
        outside = (array < bounds.min) | (array > bounds.max)
        if bool(outside.any()):
            raise _at(outside, names, f"outside the range of {kind}")
    return array.astype(dtype)


def _whole(array: Any, dtype: Any, names: Sequence[str]) -> Any:
    """Whole numbers that were sent as floats."""
    import numpy as np

    bounds = np.iinfo(dtype)
    outside = ~((array >= bounds.min) & (array < float(bounds.max)))
    if bool(outside.any()):
        raise _at(outside, names, f"outside the range of {dtype}")
    return array.astype(dtype)


def _numbers_of_objects(array: Any, names: Sequence[str] | None) -> Any:
    """Numbers with None for missing ones."""
    import numpy as np

    flat = array.ravel().tolist()
    for position, item in enumerate(flat):
        if item is not None and (isinstance(item, bool) or not isinstance(item, int | float)):
            wrong = np.zeros(array.size, dtype=bool)
            wrong[position] = True
            raise _at(wrong.reshape(array.shape), names, "not a number")
    return np.array(array, dtype="float64")


def _texts(array: Any, names: Sequence[str]) -> Any:
    import numpy as np

    if array.dtype.kind != "O":
        raise RequestError(f"column {quoted(names[0])}, row 0: not a text", field="inputs")
    flat = array.ravel().tolist()
    if all(type(item) is str for item in flat):
        return array
    wrong = np.fromiter((not (item is None or type(item) is str or item != item) for item in flat), bool, len(flat))
    if bool(wrong.any()):
        raise _at(wrong.reshape(array.shape), names, "not a text")
    return array


def _dates(array: Any, names: Sequence[str]) -> Any:
    import numpy as np
    import pandas as pd

    if array.dtype.kind == "M":
        return array
    flat = array.astype(object).ravel()
    missing = pd.isna(flat)
    wrong = np.fromiter((not isinstance(item, str) for item in flat), bool, len(flat)) & ~missing
    if not bool(wrong.any()):
        texts = pd.Series(flat, dtype=object)
        dates = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
        wrong = dates.isna().to_numpy() & ~missing
    if bool(wrong.any()):
        raise _at(wrong.reshape(array.shape), names, "not a time in ISO 8601")
    return dates.to_numpy().reshape(array.shape)


def _at(wrong: Any, names: Sequence[str] | None, fault: str) -> RequestError:
    """The error of the first cell that is marked."""
    import numpy as np

    place = np.argwhere(np.atleast_2d(wrong))[0]
    column = "" if names is None else f"column {quoted(names[place[-1] % len(names)])}, "
    return RequestError(f"{column}row {place[0]}: {fault}", field="inputs")


def _called(kind: str) -> str:
    return {"b": "truth value", "f": "number"}.get(kind[0], "integer")


def _wrong_value(rows: list[Any], kind: str, names: Sequence[str]) -> RequestError:
    """The error of the first value that does not fit a type."""
    kinds: tuple[type, ...] = {"b": (bool,), "f": (int, float)}.get(kind[0], (int,))
    called = _called(kind)
    for number, row in enumerate(rows):
        for name, item in zip(names, row, strict=False):
            if item is None and kind[0] != "f":
                return RequestError(f"column {quoted(name)}, row {number}: a missing value", field="inputs")
            is_whole = kind[0] in INTEGERS and isinstance(item, float) and item.is_integer()
            is_other = isinstance(item, bool) and bool not in kinds
            if item is not None and not is_whole and (is_other or not isinstance(item, kinds)):
                article = "an" if called[0] in "aeiou" else "a"
                return RequestError(f"column {quoted(name)}, row {number}: not {article} {called}", field="inputs")
    return RequestError(f"the columns {', '.join(map(quoted, names[:NAMED]))} must be {called}s", field="inputs")
