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
            keys = shown(sorted(returned, key=str))
            return f"{name} should have the keys {sorted(expected)}, but has {keys}"
        parts = ((returned[key], expected[key], f"{name}[{key!r}]") for key in expected)
        return first_difference(parts, tolerance)
    if isinstance(expected, list | tuple):
        # An array is taken apart one axis at a time: of shape (10**9, 0), it is as small as any.
        array = isinstance(returned, np.ndarray) and returned.ndim
        if not array and not isinstance(returned, list | tuple):
            kind = type(expected).__name__
            return f"{name} should be a {kind} of {len(expected)}, but is {described(returned)}"
        if len(returned) != len(expected):
            kind, got = type(expected).__name__, described(returned)
            return f"{name} should be a {kind} of {len(expected)}, but is {got}"
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
        if isinstance(value, int):
            value = float(value)  # NumPy has no large ones
        elif isinstance(value, list | tuple):
            # In an array of strings, all would take the room of the longest.
            parts = np.asarray(value, dtype=object).ravel()
            if not all(isinstance(part, int | float | np.number) for part in parts):
                return None
        array = np.asarray(value)
    except (ValueError, OverflowError):  # lists of different lengths, numbers too large
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
    with np.errstate(all="ignore"):  # a submission's numbers may be of any size
        a, b = np.asarray(returned, float), np.asarray(expected, float)
        if agrees(a, b, tolerance):
            return ""
        found = pattern(a, b, max(tolerance, 1e-8))
        return f"{name} has the right shape, but {found}" if b.ndim else f"{name} {found}"


def agrees(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    """Say whether two arrays of one shape are equal up to a tolerance."""
    return bool(agreeing(a, b, tolerance).all())


def agreeing(a: np.ndarray, b: np.ndarray, tolerance: float) -> np.ndarray:
    """Return which entries of ``a`` are those of ``b`` up to a tolerance."""
    scale = max(SMALLEST, np.abs(b[np.isfinite(b)]).max(initial=0.0))
    return (np.abs(a - b) <= tolerance * scale) | (a == b) | (np.isnan(a) & np.isnan(b))


def pattern(a: np.ndarray, b: np.ndarray, tolerance: float) -> str:
    """Return what one can say of a wrong array of the right shape."""
    if np.isnan(a).any() and not np.isnan(b).any():
        return "contains NaN" if a.ndim else "is NaN"
    if np.isinf(a).any() and not np.isinf(b).any():
        return "contains infinite numbers" if a.ndim else "is infinite"
    if agrees(a, b, 1e-4):
        return (
            "agrees to a few digits only: single precision, a difference quotient, or something "
            "small added?"
        )
    if a.ndim == 2 and a.shape[0] == a.shape[1] and agrees(a.T, b, tolerance):
        return "is transposed"
    if agrees(-a, b, tolerance):
        return "has the wrong sign"
    if not a.ndim:
        return f"is {a:.6g}, which is not right"
    if not a.any():
        return "is 0 throughout"
    if np.isfinite(a).all() and np.isfinite(b).all() and a.size > 1 and b.any():
        factor = float((a * b).sum() / (b * b).sum())
        if factor and agrees(a / factor, b, tolerance):
            return f"is {factor:.5g} times what it should be"
    wrong = ~agreeing(a, b, max(tolerance, 1e-6))
    count = np.count_nonzero(wrong)
    return f"{count} of its {a.size} numbers {'is' if count == 1 else 'are'} wrong"


def described_numbers(array: np.ndarray) -> str:
    """Return ``a number`` or ``an array of shape (3, 2)``."""
    return described(array) if array.ndim else "a number"


def shown(value: Any) -> str:
    """Return a short value as it is, a long one described."""
    text = "" if isinstance(value, np.ndarray | dict) else repr(value)
    return text if 0 < len(text) <= 60 else described(value)
