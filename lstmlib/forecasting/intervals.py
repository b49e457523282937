"""Prediction intervals from a method's own past errors."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked


@checked
def half_width(errors: Float[np.ndarray, "n"], level: float) -> float:
    """Return how far to either side of a forecast an interval has to reach, by past errors.

    The smallest of the n absolute errors that at least ⌈(n + 1) · level⌉ of them do not exceed
    (split conformal prediction); the largest where that is more than n, though the interval would
    have to be infinite to hold its level then.

    Raises
    ------
    ValueError
        If there is no error.
    """
    if len(errors) == 0:
        raise ValueError("expected at least one error, got none")
    # 1e-9: in floating point, 100 · 0.55 is a little more than 55
    k = math.ceil((len(errors) + 1) * level - 1e-9)  # eq-series-conformal
    return float(np.sort(np.abs(errors))[min(max(k, 1), len(errors)) - 1])


@checked
def spans(
    series: Float[np.ndarray, "N F"], origins: Sequence[int], forecasts: Float[np.ndarray, "O m F"],
    n: int,
) -> Float[np.ndarray, "O F"]:  # fmt: skip
    """Return how far the last n values before each origin and the forecasts made there reach.

    From the least of them to the largest. Errors divided by their spans make intervals that are
    wide where much is in motion or a forecast strays: locally weighted conformal prediction (Lei et
    al. 2018). However wild the forecast, its error is at most the sum of the span and of how far
    the series has moved since the origin.

    Raises
    ------
    ValueError
        If n steps do not lie before each origin, or all values and forecasts of one are equal.
    """
    if n < 1 or not all(n <= o <= len(series) for o in origins):
        raise ValueError(f"expected origins from n = {n} to {len(series)}, got {list(origins)}")
    seen = np.stack([series[o - n : o] for o in origins])
    span = np.ptp(np.concatenate([seen, forecasts], axis=1), axis=1)  # eq-series-span
    if not (span > 0).all():
        o = origins[int(np.argwhere(span == 0)[0, 0])]
        raise ValueError(f"expected values that vary, got the same {n} before origin {o} and after")
    return span


@checked
def adaptive_half_widths(
    errors: Float[np.ndarray, "O m"], start: int, level: float, rate: float = 0.05
) -> Float[np.ndarray, "P m"]:
    """Return the half-widths of the intervals at the origins from ``start`` on, P = O − start.

    At origin o only errors that were known then are used: at horizon h those of the origins up to
    o − h. After an outcome outside its interval the level of the next is raised by rate · level,
    after one inside lowered by rate · (1 − level) (Gibbs and Candès 2021). A level p above 1, for
    which theirs are infinite, is taken for p times the largest error so far, one of 0 or less for
    0. So the share of the outcomes inside approaches ``level`` whatever the errors do, as long as
    none is more than a fixed multiple of the largest that was known: each may be the largest yet.

    Parameters
    ----------
    errors
        Outcome minus forecast, at consecutive origins and at the horizons 1 … m.
    start
        The first origin that gets an interval: at least m, for an error at horizon m to be known.
    level
        The coverage wanted, between 0 and 1.
    rate
        How fast the level follows the outcomes; at 0 not at all.

    Raises
    ------
    ValueError
        If start, level or rate is outside its range.
    """
    O, m = errors.shape
    if not (0 < level < 1 and rate >= 0):
        raise ValueError(f"expected 0 < level < 1 and rate >= 0, got {level} and {rate}")
    if not m <= start < O:
        raise ValueError(f"expected start from m = {m} to {O - 1}, got {start}")
    widths = np.zeros((O - start, m))
    for h in range(1, m + 1):
        wanted = level
        for o in range(start, O):
            if wanted > 0:
                past = errors[: o - h + 1, h - 1]
                widths[o - start, h - 1] = max(wanted, 1.0) * half_width(past, min(wanted, 1.0))
            known = o - h + 1  # the origin whose outcome at horizon h the next step brings
            if known >= start:
                outside = abs(errors[known, h - 1]) > widths[known - start, h - 1]
                wanted += rate * (level - 1 + outside)  # eq-series-adaptive
    return widths
