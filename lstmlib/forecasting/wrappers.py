"""Forecasts made from other forecasts: step by step, or of the logarithms."""

import numpy as np

from lstmlib.forecasting.rolling import Forecast


def recursive(one_step: Forecast, m: int) -> Forecast:
    """Make a forecast of m steps from a forecast of one, which is read as if it had happened."""

    def forecast(history: np.ndarray) -> np.ndarray:
        for _ in range(m):
            history = np.concatenate([history, one_step(history)[:1]])  # eq-series-recursive
        return history[-m:]

    return forecast


def of_logarithms(forecast: Forecast) -> Forecast:
    """Make a forecast of a series from a forecast of its logarithm, by the exponential function.

    The median of the logarithm becomes the series' median, its mean does not become the mean.

    Raises
    ------
    ValueError
        Later, if a history has numbers that are not above 0.
    """

    def exponential(history: np.ndarray) -> np.ndarray:
        if not (history > 0).all():
            raise ValueError(f"expected numbers above 0, got {history.min():g} in the history")
        return np.exp(forecast(np.log(history)))  # eq-series-logarithm

    return exponential
