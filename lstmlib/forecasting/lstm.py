"""An LSTM as a forecaster of a series: scaling that knows no future, training, forecasts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.data import WindowBatches, windows
from lstmlib.torch import Forecaster, History, fit


@dataclass(frozen=True)
class Scaling:
    """How windows are scaled before a network reads them, and forecasts scaled back.

    Attributes
    ----------
    centre, scale
        (F,), measured on the training part alone.
    anchored
        Take the last value of each window for its centre: the network forecasts the change since
        then, at any level the series may reach.
    """

    centre: np.ndarray
    scale: np.ndarray
    anchored: bool

    @classmethod
    @checked
    def measure(
        cls, x: Float[np.ndarray, "n B F"], y: Float[np.ndarray, "m B F"], *, anchored: bool
    ) -> "Scaling":
        """Measure centre and scale on the windows of the training part.

        Raises
        ------
        ValueError
            If a feature is the same throughout.
        """
        values = np.concatenate([x, y]) - (x[-1:] if anchored else 0)
        scale = values.std(axis=(0, 1))  # eq-series-standardise
        if not (scale > 0).all():
            raise ValueError(
                f"expected features that vary in the training part, but the one in column "
                f"{int(scale.argmin()) + 1} is {x.reshape(-1, x.shape[2])[0, scale.argmin()]:g} "
                "throughout"
            )
        centre = np.zeros_like(scale) if anchored else values.mean(axis=(0, 1))
        return cls(centre, scale, anchored)

    def apply(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return windows and what follows them as the network sees them, in float32."""
        origin = self.origin(x)
        return (
            ((x - origin) / self.scale).astype(np.float32),
            ((y - origin) / self.scale).astype(np.float32),
        )

    def origin(self, x: np.ndarray) -> np.ndarray:
        """Return what is taken off the windows x (n, B, F): (1, B, F) or (F,)."""
        return x[-1:] if self.anchored else self.centre  # eq-series-anchor


@dataclass(frozen=True)
class LSTMForecast:
    """A trained LSTM that forecasts the m steps after a history, all at once.

    Attributes
    ----------
    model
        The network: ``lstmlib.torch.Forecaster``.
    lag
        n, how many steps of the history it reads.
    scaling
        What it was trained with.
    """

    model: Forecaster
    lag: int
    scaling: Scaling

    @checked
    def __call__(self, history: Float[np.ndarray, "N F"]) -> Float[np.ndarray, "m F"]:
        """Forecast the m steps after a history.

        Raises
        ------
        ValueError
            If the history is shorter than ``lag``, has other features, or numbers that are not
            finite among those that are read.
        """
        F = self.model.config["input_size"]
        if len(history) < self.lag or history.shape[1] != F:
            raise ValueError(
                f"expected a history of at least {self.lag} steps with {F} features, "
                f"got shape {history.shape}"
            )
        return self.after_windows(history[-self.lag :, None])[:, 0]

    @checked
    def after_windows(self, x: Float[np.ndarray, "n B F"]) -> Float[np.ndarray, "m B F"]:
        """Forecast the m steps after each of B windows."""
        if not np.isfinite(x).all():
            raise ValueError("expected finite numbers in the history, got NaN or infinity")
        origin = self.scaling.origin(x)
        device = next(self.model.parameters()).device
        z = torch.tensor((x - origin) / self.scaling.scale, dtype=torch.float32, device=device)
        with torch.no_grad():
            forecast = self.model(z)[0].cpu().numpy().astype(x.dtype)
        return forecast * self.scaling.scale + origin

    @staticmethod
    def description_of(lag: int, scaling: Scaling) -> dict[str, Any]:
        """Return what a model's file has to keep beside the weights, as JSON can say it."""
        return {
            "lag": lag,
            "centre": scaling.centre.tolist(),
            "scale": scaling.scale.tolist(),
            "anchored": scaling.anchored,
        }

    @classmethod
    def from_description(cls, model: Forecaster, extra: dict[str, Any]) -> "LSTMForecast":
        """Put a model and its description together again.

        Raises
        ------
        ValueError
            If something is missing from the description.
        """
        if missing := {"lag", "centre", "scale", "anchored"} - extra.keys():
            raise ValueError(f"expected {', '.join(sorted(missing))} beside the model's weights")
        centre, scale = np.array(extra["centre"]), np.array(extra["scale"])
        return cls(model, extra["lag"], Scaling(centre, scale, extra["anchored"]))


@dataclass(frozen=True)
class Data:
    """The scaled windows that an LSTM is trained and validated on, and how they were scaled."""

    train: WindowBatches
    valid: WindowBatches
    scaling: Scaling


@checked
def training_data(
    series: Float[np.ndarray, "N F"],
    train_end: int,
    *,
    lag: int,
    horizon: int,
    anchored: bool = True,
    batch_size: int = 32,
    seed: int = 0,
) -> Data:
    """Cut and scale the windows to train on, all within ``series[:train_end]``, and to validate on.

    The validation windows may read the last steps of the training part; what they have to forecast
    lies after it. The scaling is measured on the training windows alone.

    Raises
    ------
    ValueError
        If there are not enough steps for a window of both kinds, numbers that are not finite, or a
        feature that does not vary.
    """
    if not np.isfinite(series).all():
        bad = np.argwhere(~np.isfinite(series))[0]
        raise ValueError(
            f"expected finite numbers, got {series[tuple(bad)]} at step {bad[0] + 1}, "
            f"column {bad[1] + 1}"
        )
    need = lag + horizon
    if not need <= train_end <= len(series) - horizon:
        raise ValueError(
            f"expected at least lag + horizon = {lag} + {horizon} = {need} steps to train on and "
            f"horizon = {horizon} to validate on, got {train_end} and {len(series) - train_end}"
        )
    x, y = windows(series[:train_end], lag, horizon)
    scaling = Scaling.measure(x, y, anchored=anchored)
    train = WindowBatches(*scaling.apply(x, y), batch_size=batch_size, seed=seed)
    x, y = windows(series[train_end - lag :], lag, horizon)
    return Data(train, WindowBatches(*scaling.apply(x, y), batch_size=256), scaling)


@checked
def train_lstm(
    series: Float[np.ndarray, "N F"],
    train_end: int,
    *,
    lag: int,
    horizon: int,
    hidden_size: int = 32,
    num_layers: int = 1,
    dropout: float = 0.0,
    anchored: bool = True,
    epochs: int = 100,
    lr: float = 0.005,
    seed: int = 0,
) -> tuple[LSTMForecast, History]:
    """Train an LSTM on ``series[:train_end]``; keep the weights that are best on the rest.

    Parameters
    ----------
    lag, horizon
        Steps it reads, and steps it forecasts.
    anchored
        See ``Scaling``.
    seed
        Of the first weights, the order of the windows and dropout.

    Raises
    ------
    ValueError
        As ``training_data`` and ``fit`` say.
    """
    data = training_data(
        series, train_end, lag=lag, horizon=horizon, anchored=anchored, seed=seed
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Forecaster(series.shape[1], hidden_size, horizon, num_layers, dropout)
    history = fit(
        model, data.train, data.valid, epochs=epochs, lr=lr, seed=seed, progress=False
    )  # fmt: skip
    return LSTMForecast(model, lag, data.scaling), history
