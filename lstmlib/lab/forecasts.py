"""Forecasts of series: which method, which sizes, which axis (chapter 8)."""

from collections.abc import Callable

import numpy as np

from lstmlib.data import co2, ice_cream, quarterly_revenue, random_walk, sea_temperature, sunspots
from lstmlib.forecasting import (
    Forecast,
    adaptive_half_widths,
    coverage,
    exponential_smoothing,
    of_logarithms,
    outcomes,
    recursive,
    rolling_forecasts,
    scaled_errors,
    seasonal_naive,
    seasonal_scale,
    spans,
    split,
    train_lstm,
)
from lstmlib.lab.experiment import Result, experiment, grid

HORIZON = 12
LEVEL = 0.9
OTHER_LEVELS = (0.8, 0.95)
"""Looked at only after the rule for the intervals had been settled."""

OBSERVED: dict[str, tuple[Callable[[], np.ndarray], int]] = {
    "CO2": (co2, 12),
    "sea temperature": (sea_temperature, 12),
    "sunspots": (sunspots, 11),
}
"""Each with its period."""

MADE: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], int]] = {
    "ice cream": (lambda rng: ice_cream(30, rng=rng), 12),
    "quarterly revenue": (lambda rng: quarterly_revenue(60, rng=rng), 4),
    "random walk": (lambda rng: random_walk(600, rng=rng), 1),
}

BASELINES = ["seasonal naive", "exponential smoothing"]
LSTMS = ["LSTM, direct", "LSTM, recursive"]


def lag(period: int) -> int:
    """Return how many steps are read: three periods, or 30 steps where the period is 1."""
    return 3 * period if period > 1 else 30


def make_method(name: str, series: np.ndarray, period: int, *, seed: int) -> Forecast:
    """Return one of the methods, made from the training and validation parts of a series (N, 1)."""
    train_end, valid_end = split(len(series))
    n = lag(period)
    if name == "seasonal naive":
        return seasonal_naive(period, HORIZON)
    if name == "exponential smoothing":
        return exponential_smoothing(series[:train_end], period, HORIZON)
    if name == "LSTM, direct":
        return train_lstm(series[:valid_end], train_end, lag=n, horizon=HORIZON, seed=seed)[0]
    if name == "LSTM, recursive":
        one, _ = train_lstm(series[:valid_end], train_end, lag=n, horizon=1, seed=seed)
        return recursive(one, HORIZON)
    raise ValueError(f"expected one of {BASELINES + LSTMS}, got {name!r}")


def judge(forecast: Forecast, series: np.ndarray, period: int) -> Result:
    """Score a method at every origin of the test part, the last 25 % of a series (N, 1).

    Returns
    -------
    error
        Mean absolute scaled error at the horizons 1 … 12.
    coverage, width
        Of the intervals with level 0.9, their width in the unit of the error. The errors of the
        validation part are where they start from, though by them an LSTM's weights were chosen.
    coverage 0.8, coverage 0.95
        Of the intervals with other levels.
    """
    train_end, valid_end = split(len(series))
    origins = range(train_end, len(series) - HORIZON + 1)
    forecasts = rolling_forecasts(forecast, series, origins)
    actual = outcomes(series, origins, HORIZON)
    scale = seasonal_scale(series[:train_end], period)
    start = valid_end - train_end
    errors = (actual - forecasts)[..., 0]
    span = spans(series, origins, forecasts, lag(period))
    half = {
        level: span[start:] * adaptive_half_widths(errors / span, start, level)
        for level in (LEVEL, *OTHER_LEVELS)
    }
    held = {level: coverage(-q, q, errors[start:]).tolist() for level, q in half.items()}
    return {
        "error": scaled_errors(forecasts[start:], actual[start:], scale)[:, 0].tolist(),
        "coverage": held[LEVEL],
        "width": (2 * half[LEVEL].mean(axis=0) / scale[0]).tolist(),
        **{f"coverage {level}": held[level] for level in OTHER_LEVELS},
    }


@experiment(
    "How good are the forecasts of observed series that need no training?",
    conditions=grid(series=list(OBSERVED), method=BASELINES),
    seeds=[0],
)
def baseline_forecasts(seed: int, *, series: str, method: str) -> Result:
    """Score a method without chance on an observed series: see ``judge``."""
    return _observed(series, method, seed)


@experiment(
    "How good are the forecasts of observed series by an LSTM, direct and recursive?",
    conditions=grid(series=list(OBSERVED), method=LSTMS),
    seeds=range(5),
)
def lstm_forecasts(seed: int, *, series: str, method: str) -> Result:
    """Score an LSTM on an observed series: see ``judge``."""
    return _observed(series, method, seed)


def _observed(series: str, name: str, seed: int) -> Result:
    observed, period = OBSERVED[series]
    y = observed()[:, None]
    return judge(make_method(name, y, period, seed=seed), y, period)


@experiment(
    "How good are the forecasts of series made by code, drawn anew with every seed, and do they "
    "get better when their logarithms are forecast?",
    conditions=grid(series=list(MADE), method=BASELINES + LSTMS, logarithm=[False, True]),
    seeds=range(5),
)
def made_forecasts(seed: int, *, series: str, method: str, logarithm: bool) -> Result:
    """Score a method on a series made by code, which the seed draws too: see ``judge``."""
    make, period = MADE[series]
    y = make(np.random.default_rng(seed))[:, None]
    if logarithm:
        forecast = of_logarithms(make_method(method, np.log(y), period, seed=seed))
    else:
        forecast = make_method(method, y, period, seed=seed)
    return judge(forecast, y, period)
