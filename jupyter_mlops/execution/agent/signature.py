"""The signature of a model: the inputs that it was fitted on, and its outputs, without calling it."""

from __future__ import annotations

import sys
from typing import Any

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
DEEP = 10  # models inside of one another that are looked through
OBJECTS_SEEN = 1000  # values of a column of objects that are looked at


def methods_of(value: Any) -> Any:
    """The methods of a model that answer requests; `call` for a function."""
    methods = [name for name in METHODS if callable(attribute(value, name))]
    if not methods and callable(value):
        methods = ["call"]
    return methods


def attribute(value: Any, name: str) -> Any:
    """An attribute, or None. Of a class of the notebook, only what is stored: its properties would run its code."""
    if type(value).__module__ == "__main__":
        stored = getattr(value, "__dict__", {})
        if name in stored:
            return stored[name]
        for base in type(value).__mro__:
            if name in vars(base):
                plain = vars(base)[name]
                return plain if callable(plain) else None
        return None
    try:
        return getattr(value, name, None)
    except Exception:  # a property that is not available before fitting
        return None


def signature_of(value: Any, space: Any) -> Any:
    """The signature of a model.

    kind: "columns" (a frame), "tensor" (an array) or "any"; inputs and outputs: [{name, type, shape}]; types are those
    of NumPy, "string", "datetime64" and "any"; a shape has -1 for the number of rows.
    """
    names, width = _features(value)
    outputs = _outputs(value)
    if names:
        frame = _frame_with(names, space)
        types = {} if frame is None else {name: column_type(frame[name]) for name in names}
        inputs = [{"name": name, "type": types.get(name, "any")} for name in names]
        return {"kind": "columns", "inputs": inputs, "outputs": outputs}
    if width:
        kind = _array_type(width, space)
        return {"kind": "tensor", "inputs": [{"name": "input", "type": kind, "shape": [-1, width]}], "outputs": outputs}
    return {"kind": "any", "inputs": [], "outputs": outputs}


def _features(value: Any) -> Any:
    """Names and number of the features that a model, or the first or best one inside of it, was fitted on."""
    for _ in range(DEEP):
        names = attribute(value, "feature_names_in_")
        if names is None:
            names = attribute(value, "feature_name_") if type(value).__module__.startswith("lightgbm") else None
        if names is not None and len(names):
            return [str(name) for name in names], len(names)
        inner = attribute(value, "best_estimator_")
        steps = attribute(value, "steps")
        if inner is None and isinstance(steps, list) and steps and len(steps[0]) == 2:
            inner = steps[0][1]
        if inner is None or isinstance(inner, str):
            break
        if attribute(value, "n_features_in_") and attribute(inner, "feature_names_in_") is None:
            break
        value = inner
    width = attribute(value, "n_features_in_")
    return None, int(width) if isinstance(width, int) and width > 0 else 0


def _frame_with(names: Any, space: Any) -> Any:
    """The frame of the notebook with exactly these columns, or one that has them all; None if there is none."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    nearest = None
    for key, value in reversed(list(space.items())):
        if type(value) is pandas.DataFrame and not key.startswith("_") and value.columns.is_unique:
            columns = list(value.columns)
            if columns == names:
                return value
            if nearest is None and set(names) <= {c for c in columns if isinstance(c, str)}:
                nearest = value
    return nearest


def _array_type(width: int, space: Any) -> str:
    """The type of the numbers in the matrix of the notebook that is as wide; float64 if there is none."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        for key, value in reversed(list(space.items())):
            fits = type(value) is numpy.ndarray and value.ndim == 2 and value.shape[1] == width
            if fits and not key.startswith("_") and value.dtype.kind in "biuf":
                return str(value.dtype)
    return "float64"


def column_type(column: Any) -> str:
    """The type of a column's values: as NumPy names it, "string", "datetime64", or "any" for mixed ones."""
    pandas = sys.modules["pandas"]
    dtype = column.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        dtype, column = dtype.categories.dtype, dtype.categories.to_series()
    name = str(dtype).lower()
    if name.startswith("datetime"):
        return "datetime64"
    if name == "boolean":
        return "bool"
    if name in ("str", "string") or name.startswith("string"):
        return "string"
    plain = getattr(dtype, "numpy_dtype", dtype)
    if getattr(plain, "kind", "O") in "biuf":
        return str(plain).lower()
    if name == "object":
        values = [v for v in column.iloc[:OBJECTS_SEEN] if v is not None and v == v]
        if values and all(isinstance(v, str) for v in values):
            return "string"
        if values and all(isinstance(v, bool) for v in values):
            return "bool"
    return "any"


def _outputs(value: Any) -> Any:
    """What each method answers, as far as the fitted model says."""
    outputs = []
    classes = attribute(value, "classes_")
    methods = methods_of(value)
    if classes is not None and getattr(classes, "ndim", 0) == 1:
        kind = "string" if classes.dtype.kind in "OUTS" else str(classes.dtype)
        outputs.append({"name": "predict", "type": kind, "shape": [-1]})
        for name in ("predict_proba", "predict_log_proba"):
            if name in methods:
                outputs.append({"name": name, "type": "float64", "shape": [-1, len(classes)]})
        if "decision_function" in methods and len(classes) == 2:
            outputs.append({"name": "decision_function", "type": "float64", "shape": [-1]})
    elif _is_regressor(value):
        outputs.append({"name": "predict", "type": "float64", "shape": [-1]})
    reported = {output["name"] for output in outputs}
    outputs += [{"name": name, "type": "any", "shape": [-1]} for name in methods if name not in reported]
    return outputs


def _is_regressor(value: Any) -> bool:
    base = sys.modules.get("sklearn.base")
    if base is None or not isinstance(value, base.BaseEstimator) or type(value).__module__ == "__main__":
        return False
    try:
        return bool(base.is_regressor(value))
    except Exception:
        return False
