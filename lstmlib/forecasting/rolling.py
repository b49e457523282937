"""Rolling-origin evaluation: at every moment a forecast from what was known then."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked

Forecast = Callable[[np.ndarray], np.ndarray]
"""From a history (N, F) to the forecasts of the m steps after it, (m, F)."""


def split(N: int) -> tuple[int, int]:
    """Return where the training part of N steps ends, 60 %, and the validation part, 75 %.

    What comes after is the test part: nothing is chosen by it.
    """
    return N * 60 // 100, N * 75 // 100


@checked
def rolling_forecasts(
    forecast: Forecast, series: Float[np.ndarray, "N F"], origins: Sequence[int]
) -> Float[np.ndarray, "O m F"]:
    """Return what a method forecasts at each origin o, knowing ``series[:o]`` and no more.

    Raises
    ------
    ValueError
        If there is no origin, or one without a step before it.
    """
    if not origins or not all(0 < o <= len(series) for o in origins):
        raise ValueError(f"expected origins from 1 to {len(series)}, got {list(origins)}")
    return np.stack([forecast(series[:o].copy()) for o in origins])  # eq-series-origin


@checked
def outcomes(
    series: Float[np.ndarray, "N F"], origins: Sequence[int], m: int
) -> Float[np.ndarray, "O {m} F"]:
    """Return the m values that came after each origin.

    Raises
    ------
    ValueError
        If there is no origin, one is below 0, or fewer than m steps came after one.
    """
    if not origins or min(origins) < 0 or max(origins) + m > len(series):
        raise ValueError(
            f"expected origins from 0 to {len(series) - m}, so that m = {m} steps come after each, "
            f"got {list(origins)}"
        )
    return np.stack([series[o : o + m] for o in origins])
