"""Arguments and results as JSON: what crosses from one process to another, and nothing that runs.

Unlike pickle, which runs what it is told to, so that no answer can act on whoever reads it.
"""

import base64
import math
import re
from typing import Any

import numpy as np

KINDS = "biuf"  # of NumPy arrays: bool, int, unsigned, float
BITS = 1023  # of an integer, at most: so many a float takes


def encode(value: Any) -> Any:
    """Return a value as what ``json.dumps`` takes.

    Numbers, strings, booleans, None, lists, tuples, dicts with strings as keys, and NumPy arrays of
    numbers; anything else is a TypeError. An array of strings becomes a list.
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.dtype.kind == "U"):
        value = value.tolist()
    if isinstance(value, int) and value.bit_length() > BITS:
        raise TypeError(f"expected an integer of at most {BITS} bits, got {value.bit_length()}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, list):
        return [encode(part) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(part) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: encode(part) for key, part in value.items()}}
    raise TypeError(
        "expected numbers, strings, lists, tuples, dicts with strings as keys, or NumPy arrays of "
        f"numbers, got {described(value)}"
    )


def decode(data: Any) -> Any:
    """Return the value that ``encode`` made this of; ValueError where it made no such thing.

    RecursionError if it is nested too deeply.
    """
    if isinstance(data, list):
        return [decode(part) for part in data]
    if isinstance(data, int) and data.bit_length() > BITS:
        raise ValueError(f"expected an integer of at most {BITS} bits, got {data.bit_length()}")
    if not isinstance(data, dict):
        return data
    match data:
        case {"array": str(text), "dtype": str(name), "shape": list(shape)}:
            return array(text, name, shape)
        case {"tuple": list(parts)}:
            return tuple(decode(part) for part in parts)
        case {"dict": dict(parts)}:
            return {key: decode(part) for key, part in parts.items()}
    raise ValueError(f"expected an encoded value, got a dict with the keys {sorted(data)}")


def array(text: str, name: str, shape: list[Any]) -> np.ndarray:
    """Return the array of numbers with this data, dtype and shape."""
    # NumPy reads a name as a small language of its own: it sees none but those of numbers.
    if not re.fullmatch(f"[<>|][{KINDS}][0-9]+", name):
        raise ValueError(f"expected an array of numbers, got one of {name!r}")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"expected a shape, got {shape}")
    raw = base64.b64decode(text, validate=True)
    try:
        dtype = np.dtype(name)
        if math.prod(shape) * dtype.itemsize != len(raw):
            raise ValueError(f"expected the data of an array of shape {shape}, got {len(raw)} B")
        return np.frombuffer(raw, dtype).reshape(shape).copy()
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected an array, got {name!r} of shape {shape}") from error


def described(value: Any) -> str:
    """Return what a value is, in a word or two: ``an array of shape (3, 2)``."""
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype.kind in KINDS else f" of {value.dtype}"
        return f"an array of shape {value.shape}{kind}"
    if value is None:
        return "None"
    if isinstance(value, tuple | list | dict | str):
        return f"a {type(value).__name__} of length {len(value)}"
    return f"a value of type {type(value).__name__}"
