"""How good forecasts are: the mean absolute scaled error, and the coverage of intervals."""

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked


@checked
def seasonal_scale(train: Float[np.ndarray, "N F"], period: int) -> Float[np.ndarray, "F"]:
    """Return the mean absolute error of the seasonal-naive forecast within ``train``.

    At horizons up to a period.

    Raises
    ------
    ValueError
        If there is nothing to compare, or a feature repeats itself exactly.
    """
    if not 1 <= period < len(train):
        raise ValueError(f"expected a period from 1 to {len(train) - 1}, got {period}")
    scale = np.abs(train[period:] - train[:-period]).mean(axis=0)  # eq-series-scale
    if not (scale > 0).all():
        raise ValueError(f"expected a series that changes from period to period, got {scale}")
    return scale


@checked
def scaled_errors(
    forecasts: Float[np.ndarray, "O m F"],
    actual: Float[np.ndarray, "O m F"],
    scale: Float[np.ndarray, "F"],
) -> Float[np.ndarray, "m F"]:
    """Return the mean absolute scaled error at each horizon, over all origins.

    Below 1, the forecasts are better than repeating the last season was in the training part.
    Hyndman and Koehler (2006) divide by the error of repeating the last value, a period of 1;
    Hyndman and Athanasopoulos, Forecasting: Principles and Practice, by that of the last season
    where there is one. With a period of 1 it is the error one step ahead, at all horizons.
    """
    return np.abs(forecasts - actual).mean(axis=0) / scale  # eq-series-mase


@checked
def coverage(
    lower: Float[np.ndarray, "O m"], upper: Float[np.ndarray, "O m"],
    actual: Float[np.ndarray, "O m"],
) -> Float[np.ndarray, "m"]:  # fmt: skip
    """Return the share of the origins at which what came lies within the interval, by horizon."""
    return ((lower <= actual) & (actual <= upper)).mean(axis=0)  # eq-series-coverage
