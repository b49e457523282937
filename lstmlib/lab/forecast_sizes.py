"""What the sizes of a forecaster do to its forecasts, on observed series (chapter 8)."""

from typing import Any

import numpy as np

from lstmlib.data import sunspots
from lstmlib.forecasting import (
    outcomes,
    rolling_forecasts,
    scaled_errors,
    seasonal_scale,
    split,
    train_lstm,
)
from lstmlib.lab.experiment import Condition, Result, experiment, grid
from lstmlib.lab.forecasts import HORIZON, OBSERVED

USUAL: Condition = {"lag": 36, "horizon": 12, "hidden_size": 32, "num_layers": 1, "dropout": 0.0}
OTHERS: dict[str, list[Any]] = {
    "lag": [6, 12, 24, 60],
    "horizon": [1, 3, 6, 24],
    "hidden_size": [2, 4, 8, 16, 64, 128],
    "num_layers": [2, 3],
    "dropout": [0.2, 0.5],
}


@experiment(
    "How do lag, horizon, hidden size, layers and dropout change the forecasts of the sea's "
    "temperature, one at a time?",
    conditions=[USUAL, *({**USUAL, name: v} for name, vs in OTHERS.items() for v in vs)],
    seeds=range(5),
)
def forecast_sizes(seed: int, **sizes: Any) -> Result:
    """Train an LSTM of the given sizes, and score it on the test part.

    Returns
    -------
    error
        Mean absolute scaled error at the horizons 1 … ``horizon``, over the same origins for all.
    first, mean
        Its first entry, and the mean of its first 12, or of all where the horizon is shorter.
    valid_loss
        Mean squared error of the scaled validation windows, in the best epoch.
    """
    observed, period = OBSERVED["sea temperature"]
    y = observed()[:, None]
    train_end, valid_end = split(len(y))
    forecast, history = train_lstm(y[:valid_end], train_end, seed=seed, **sizes)
    m = sizes["horizon"]
    origins = range(valid_end, len(y) - max(OTHERS["horizon"]) + 1)
    forecasts = rolling_forecasts(forecast, y, origins)
    scale = seasonal_scale(y[:train_end], period)
    error = scaled_errors(forecasts, outcomes(y, origins, m), scale)[:, 0].tolist()
    best = history.best
    assert best is not None
    return {
        "error": error,
        "first": error[0],
        "mean": float(np.mean(error[:HORIZON])),
        "valid_loss": best["loss"],
    }


@experiment(
    "How do training and validation loss go apart on the sunspots, and what does dropout do?",
    conditions=grid(hidden_size=[8, 128], dropout=[0.0, 0.5]),
    seeds=range(5),
)
def overfitting(seed: int, *, hidden_size: int, dropout: float) -> Result:
    """Train two layers for 120 epochs on the 185 years of the training part.

    Returns
    -------
    train, valid
        After each epoch the mean squared error of the scaled windows: of training, the mean over
        the epoch's batches, with dropout where there is any; of validation, without.
    best
        The lowest of ``valid``.
    """
    y = sunspots()[:, None]
    train_end, valid_end = split(len(y))
    _, history = train_lstm(
        y[:valid_end], train_end, lag=33, horizon=HORIZON, hidden_size=hidden_size, num_layers=2,
        dropout=dropout, epochs=120, seed=seed,
    )  # fmt: skip
    valid = [scores["loss"] for scores in history.valid]
    train = np.array(history.loss).reshape(len(valid), -1).mean(axis=1)
    return {"train": train.tolist(), "valid": valid, "best": min(valid)}
