"""Forecasts of series: rolling origins, baselines, scores, intervals, and the LSTM among them.

A method is a function from a history (N, F) to the forecasts (m, F) of the m steps after it.
"""

from lstmlib.forecasting.baselines import exponential_smoothing, seasonal_naive
from lstmlib.forecasting.intervals import adaptive_half_widths, half_width, spans
from lstmlib.forecasting.lstm import LSTMForecast, Scaling, train_lstm, training_data
from lstmlib.forecasting.rolling import Forecast, outcomes, rolling_forecasts, split
from lstmlib.forecasting.scores import coverage, scaled_errors, seasonal_scale
from lstmlib.forecasting.wrappers import of_logarithms, recursive

__all__ = [
    "Forecast",
    "LSTMForecast",
    "Scaling",
    "adaptive_half_widths",
    "coverage",
    "exponential_smoothing",
    "half_width",
    "of_logarithms",
    "outcomes",
    "recursive",
    "rolling_forecasts",
    "scaled_errors",
    "seasonal_naive",
    "seasonal_scale",
    "spans",
    "split",
    "train_lstm",
    "training_data",
]
