"""Weights as a page carries them: in half precision, which double precision holds exactly."""

import base64
from importlib.resources import files
from typing import Any

import numpy as np


def pack(a: np.ndarray) -> dict[str, Any]:
    """Return an array as the browser's ``unpack`` takes it: float16, little-endian, in base64.

    Raises
    ------
    ValueError
        If half precision does not hold every value exactly; ``a.astype(np.float16)`` rounds them.
    """
    half = a.astype("<f2")
    if not np.array_equal(half.astype(a.dtype), a):
        raise ValueError(f"expected values that float16 holds exactly, got {a.dtype} beyond that")
    return {"shape": list(a.shape), "float16": base64.b64encode(half.tobytes()).decode("ascii")}


def stored(name: str) -> dict[str, np.ndarray]:
    """Return what a file of ``models/`` holds, the weights among it in double precision.

    ``tools/train_browser_models.py`` makes these files.
    """
    path = files("lstmlib.widgets") / "models" / f"{name}.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        return {
            key: array.astype(np.float64) if array.dtype == np.float16 else array
            for key, array in arrays.items()
        }
