"""What every forecaster has to be compared with: last season again, and exponential smoothing."""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.forecasting.rolling import Forecast


def seasonal_naive(period: int, m: int) -> Forecast:
    """Forecast m steps by repeating the last ``period`` values. With period 1, the last value.

    Raises
    ------
    ValueError
        If period or m is below 1; later, if a history is shorter than a period.
    """
    if period < 1 or m < 1:
        raise ValueError(f"expected period and m from 1 up, got {period} and {m}")

    def forecast(history: np.ndarray) -> np.ndarray:
        if len(history) < period:
            raise ValueError(f"expected a history of at least {period} steps, got {len(history)}")
        return history[-period:][np.arange(m) % period]  # eq-series-naive

    return forecast


@checked
def exponential_smoothing(train: Float[np.ndarray, "N 1"], period: int, m: int) -> Forecast:
    """Fit exponential smoothing to a series, and forecast m steps of it from any later moment.

    Of the six models with additive errors, without a trend, with one or with a damped one, and with
    a season of ``period`` steps or without (three with period 1), the one with the lowest AICc on
    ``train`` is taken. Its parameters stay, the first level, trend and season among them: a history
    has to start where ``train`` does, and level, trend and season are updated along it. By
    statsmodels' ``ETSModel``; see Hyndman et al. (2008), Forecasting with Exponential Smoothing.

    Raises
    ------
    ValueError
        If ``train`` has fewer than two periods or 10 steps, or is the same throughout.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    if period < 1 or len(train) < max(2 * period, 10):
        raise ValueError(
            f"expected at least two periods and 10 steps, got {len(train)} steps of period {period}"
        )
    if np.ptp(train) == 0:
        raise ValueError(f"expected a series that varies, got {train[0, 0]} at all steps")
    trends: list[dict[str, Any]] = [
        {"trend": None},
        {"trend": "add"},
        {"trend": "add", "damped_trend": True},
    ]
    seasons: list[dict[str, Any]] = [{"seasonal": None}]
    if period > 1:
        seasons.append({"seasonal": "add", "seasonal_periods": period})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit of one of the six has not converged
        fits = [
            (ETSModel(train[:, 0], **trend, **season).fit(disp=False), trend | season)
            for trend in trends
            for season in seasons
        ]
    best, kind = min(fits, key=lambda fit: fit[0].aicc)

    def forecast(history: np.ndarray) -> np.ndarray:
        return ETSModel(history[:, 0], **kind).smooth(best.params).forecast(m)[:, None]

    return forecast
