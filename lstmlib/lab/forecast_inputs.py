"""What a forecaster reads: the lag on which axis, and which other series (chapter 8)."""

import numpy as np
import torch

from lstmlib.data import WindowBatches, economy, windows
from lstmlib.forecasting import (
    Scaling,
    outcomes,
    rolling_forecasts,
    scaled_errors,
    seasonal_naive,
    seasonal_scale,
    split,
    train_lstm,
)
from lstmlib.lab.experiment import Result, experiment, grid
from lstmlib.lab.forecasts import OBSERVED
from lstmlib.torch import Forecaster, fit

LAG = 12


@experiment(
    "What does an LSTM lose that gets its 12 lagged values as features of one step?",
    conditions=grid(series=list(OBSERVED), axis=["time", "features"]),
    seeds=range(5),
)
def lag_axis(seed: int, *, series: str, axis: str) -> Result:
    """Forecast 12 steps from 12, with the lag on the time axis or, wrongly, among the features.

    Both have 32 units and see the same numbers, scaled alike.

    Returns
    -------
    error
        Mean absolute scaled error at the horizons 1 … 12, on the test part.
    mean
        Its mean.
    moved
        Norm of the change of the recurrent weights W_h in training, relative to that of W_h.
    """
    observed, period = OBSERVED[series]
    y = observed()[:, None]
    train_end, valid_end = split(len(y))
    x, target = windows(y[:train_end], LAG, LAG)
    scaling = Scaling.measure(x, target, anchored=True)

    def arranged(x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scale; for the wrong axis, swap the time axis (12) and the feature axis (1)."""
        z, scaled = scaling.apply(x, target)
        return (z, scaled) if axis == "time" else (z.swapaxes(0, 2), scaled.swapaxes(0, 2))

    train = WindowBatches(*arranged(x, target), batch_size=32, seed=seed)
    unseen = windows(y[train_end - LAG : valid_end], LAG, LAG)
    valid = WindowBatches(*arranged(*unseen), batch_size=256)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Forecaster(1, 32, LAG) if axis == "time" else Forecaster(LAG, 32, 1)
    W_h = model.get_parameter("lstm.layers.0.weight_hh_l0")
    start = W_h.detach().clone()
    fit(model, train, valid, epochs=60, lr=0.005, weight_decay=0.0, seed=seed, progress=False)

    x, target = windows(y[valid_end - LAG :], LAG, LAG)
    with torch.no_grad():
        z = model(torch.tensor(arranged(x, target)[0], device=W_h.device))[0].cpu().numpy()
    z = z if axis == "time" else z.swapaxes(0, 2)
    forecasts = z * scaling.scale + scaling.origin(x)
    scale = seasonal_scale(y[:train_end], period)
    error = scaled_errors(forecasts.swapaxes(0, 1), target.swapaxes(0, 1), scale)[:, 0]
    moved = torch.linalg.norm(W_h.detach() - start) / torch.linalg.norm(start)
    return {"error": error.tolist(), "mean": float(error.mean()), "moved": float(moved)}


ECONOMY = ["unemployment", "growth", "consumption", "inflation", "interest"]


@experiment(
    "Do growth, consumption, inflation and interest help an LSTM to forecast unemployment?",
    conditions=grid(inputs=["unemployment alone", "all five"]),
    seeds=range(5),
)
def economy_forecasts(seed: int, *, inputs: str) -> Result:
    """Forecast the unemployment of the next 8 quarters from 12 quarters of one series or of five.

    Returns
    -------
    error
        Mean absolute scaled error at the horizons 1 … 8, on the test part.
    naive
        The same of the last value, repeated.
    first, last
        The error at the horizons 1 and 8.
    """
    series = economy()
    names = ECONOMY if inputs == "all five" else ECONOMY[:1]
    y = np.stack([series[name] for name in names], axis=1)
    train_end, valid_end = split(len(y))
    lag, m = 12, 8
    forecast, _ = train_lstm(y[:valid_end], train_end, lag=lag, horizon=m, seed=seed)
    origins = range(valid_end, len(y) - m + 1)
    scale, actual = seasonal_scale(y[:train_end], 1), outcomes(y, origins, m)
    error, naive = (
        scaled_errors(rolling_forecasts(f, y, origins), actual, scale)[:, 0].tolist()
        for f in (forecast, seasonal_naive(1, m))
    )
    return {"error": error, "naive": naive, "first": error[0], "last": error[-1]}
