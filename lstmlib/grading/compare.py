"""What differs between a result and the one expected, in words that help."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from lstmlib.grading.values import KINDS, described

# Below this an entry is rounding: what is left where a sum cancels, say.
SMALLEST = 1e-7


def difference(returned: Any, expected: Any, tolerance: float, name: str = "result") -> str:
    """Return what is wrong with a result, or an empty string where nothing is.

    Numbers of an array may be off by ``tolerance`` times its largest expected entry. Lists, tuples
    and arrays of the same numbers are the same; so are True and 1.
    """
    if isinstance(expected, np.ndarray):
        return array_difference(as_array(returned), expected, tolerance, name, returned)
    if isinstance(expected, dict):
        if not isinstance(returned, dict):
            return f"{name} should be a dict, but is {described(returned)}"
        if set(returned) != set(expected):
            return f"{name} should have the keys {sorted(expected)}, but has {sorted(returned)}"
        parts = ((returned[key], expected[key], f"{name}[{key!r}]") for key in expected)
        return first_difference(parts, tolerance)
    if isinstance(expected, list | tuple):
        if isinstance(returned, np.ndarray) and returned.ndim:
            returned = returned.tolist()
        if not isinstance(returned, list | tuple):
            kind = type(expected).__name__
            return f"{name} should be a {kind} of {len(expected)}, but is {described(returned)}"
        if len(returned) != len(expected):
            return f"{name} should have {len(expected)} entries, but has {len(returned)}"
        both = zip(returned, expected, strict=True)
        return first_difference(
            ((r, e, f"{name}[{k}]") for k, (r, e) in enumerate(both)), tolerance
        )
    if expected is None or isinstance(expected, str):
        if type(returned) is type(expected) and returned == expected:
            return ""
        return f"{name} should be {shown(expected)}, but is {shown(returned)}"
    return array_difference(as_array(returned), np.asarray(expected), tolerance, name, returned)


def first_difference(parts: Iterable[tuple[Any, Any, str]], tolerance: float) -> str:
    """Return the first that is found in pairs (returned, expected, name)."""
    found = (difference(returned, expected, tolerance, name) for returned, expected, name in parts)
    return next(filter(None, found), "")


def as_array(value: Any) -> np.ndarray | None:
    """Return numbers, nested in lists or not, as an array; None where they are none."""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in KINDS else None


def array_difference(
    returned: np.ndarray | None, expected: np.ndarray, tolerance: float, name: str, given: Any
) -> str:
    """Return what is wrong with an array; ``given`` is what it was made of."""
    if returned is None:
        return f"{name} should be {described_numbers(expected)}, but is {described(given)}"
    if returned.shape != expected.shape:
        turned = returned.ndim > 1 and returned.shape == expected.shape[::-1]
        return (
            f"{name} should be {described_numbers(expected)}, but is {described_numbers(returned)}"
            + (": is it transposed?" if turned else "")
        )
    if agrees(returned, expected, tolerance):
        return ""
    return f"{name} has the right shape, but {pattern(returned, expected)}"


def agrees(returned: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Say whether two arrays of one shape are equal up to a tolerance."""
    if not expected.size:
        return True
    a, b = np.asarray(returned, float), np.asarray(expected, float)
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite):
        return False
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    scale = max(SMALLEST, np.abs(b[finite]).max(initial=0.0))
    return bool((np.abs(a[finite] - b[finite]) <= tolerance * scale).all())


def pattern(returned: np.ndarray, expected: np.ndarray) -> str:
    """Return what one can say of a wrong array of the right shape."""
    a, b = np.asarray(returned, float), np.asarray(expected, float)
    if np.isnan(a).any() and not np.isnan(b).any():
        return "contains NaN"
    if np.isinf(a).any() and not np.isinf(b).any():
        return "contains infinite numbers"
    if agrees(a, b, 1e-4):
        return "agrees to a few digits only: computed in single precision, or by differences?"
    if a.ndim == 2 and a.shape[0] == a.shape[1] and agrees(a.T, b, 1e-8):
        return "is transposed"
    if agrees(-a, b, 1e-8):
        return "has the wrong sign"
    if not a.any():
        return "is 0 throughout"
    if np.isfinite(a).all() and np.isfinite(b).all() and a.size > 1 and b.any():
        factor = float((a * b).sum() / (b * b).sum())
        if factor and agrees(a / factor, b, 1e-8):
            return f"is {factor:.4g} times what it should be"
    if not a.ndim:
        return f"is {a:.6g}"
    wrong = ~np.isclose(a, b, rtol=1e-6, atol=1e-9)
    return f"{np.count_nonzero(wrong)} of its {a.size} numbers are wrong"


def described_numbers(array: np.ndarray) -> str:
    """Return ``a number`` or ``an array of shape (3, 2)``."""
    return described(array) if array.ndim else "a number"


def shown(value: Any) -> str:
    """Return a short value as it is, a long one described."""
    text = repr(value)
    return text if len(text) <= 60 else described(value)
