"""Figures of series: several of them, the moments at which they are forecast, and a forecast."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._style import BLUE, GRID, INK, MUTED, VERMILLION, figure, same_length, styled


@checked
@styled
def series_panels(
    series: Mapping[str, tuple],
    xlabel: str,
    *,
    marks: Mapping[str, Sequence[float | int]] | None = None,
) -> Figure:
    """Draw series one below the other, each with its own axes.

    Parameters
    ----------
    series
        ``{name: (x, y)}``: the name, with the unit, stands above the panel.
    xlabel
        What x is.
    marks
        ``{name: places}``: x of vertical lines in the panel of that name, say the ends of parts.

    Raises
    ------
    ValueError
        If there is no series, x and y do not fit each other, or marks name no series.
    """
    marks = marks or {}
    if not series or marks.keys() - series.keys():
        raise ValueError(
            f"expected at least one series, and marks for some of them, "
            f"got {list(series)} and {list(marks)}"
        )
    fig = figure(height=0.5 + 1.35 * len(series))
    axes = fig.subplots(len(series), squeeze=False)[:, 0]
    for ax, (name, (x, y)) in zip(axes, series.items(), strict=True):
        same_length(x=x, y=y)
        ax.plot(x, y, color=BLUE, lw=1.2)
        for place in marks.get(name, ()):
            ax.axvline(place, color=MUTED, lw=1, ls=":")
        ax.set_title(name)
        ax.grid(visible=True)
    axes[-1].set_xlabel(xlabel)
    return fig


@checked
@styled
def rolling_origins(
    N: int, train_end: int, valid_end: int, origins: Sequence[int], m: int
) -> Figure:
    """Draw what is known and what is forecast at some origins, below the parts of a series.

    Parameters
    ----------
    N
        Steps of the series; the training part ends after ``train_end`` of them, the validation part
        after ``valid_end``.
    origins
        For each a row: the steps before it are known.
    m
        Steps that are forecast at each.

    Raises
    ------
    ValueError
        If the parts do not follow each other, or a forecast would leave the series.
    """
    if not 0 < train_end < valid_end < N:
        raise ValueError(f"expected 0 < {train_end} < {valid_end} < {N}")
    if not origins or min(origins) < 1 or max(origins) + m > N or m < 1:
        raise ValueError(f"expected origins from 1 to {N - m}, got {list(origins)}")
    fig = figure(height=1.2 + 0.26 * len(origins))
    ax = fig.add_subplot()
    parts = {
        "training": (0, train_end),
        "validation": (train_end, valid_end),
        "test": (valid_end, N),
    }
    for name, (start, end) in parts.items():
        ax.barh(-1.2, end - start, 0.9, start, color=GRID, edgecolor="white", lw=2)
        ax.text((start + end) / 2, -1.2, name, ha="center", va="center", color=INK)
    for row, origin in enumerate(origins):
        hidden = "_" if row else ""  # from the legend, all but the first
        ax.barh(row, origin, 0.55, color=BLUE, alpha=0.55, label=f"{hidden}known")
        ax.barh(row, m, 0.55, origin, color=VERMILLION, label=f"{hidden}forecast")
    ax.set(xlim=(0, N), ylim=(len(origins) - 0.4, -1.8), xlabel="step", ylabel="origins")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    fig.legend(loc="outside upper right", ncols=2)
    return fig


@checked
@styled
def forecast_fan(
    past: Float[np.ndarray, "n"],
    forecast: Float[np.ndarray, "m"],
    lower: Float[np.ndarray, "m"],
    upper: Float[np.ndarray, "m"],
    xlabel: str,
    ylabel: str,
    *,
    came: Float[np.ndarray, "m"] | None = None,
) -> Figure:
    """Draw the end of a series, the forecast of what follows with its intervals, and what came.

    Parameters
    ----------
    past
        The n steps up to the origin, at x = −n + 1 … 0.
    forecast, lower, upper
        For the m steps after it, at x = 1 … m.
    came
        What came then, where it is known.

    Raises
    ------
    ValueError
        If a lower end lies above its upper end.
    """
    if (lower > upper).any():
        raise ValueError("expected lower <= upper at every horizon")
    n, m = len(past), len(forecast)
    h = np.arange(1, m + 1)
    fig = figure(height=3.2)
    ax = fig.add_subplot()
    ax.fill_between(h, lower, upper, color=VERMILLION, alpha=0.2, lw=0, label="interval")
    ax.plot(np.arange(1 - n, 1), past, color=INK, lw=1.4, label="known")
    ax.plot(h, forecast, "--", color=VERMILLION, marker="o", ms=4, label="forecast")
    if came is not None:
        ax.plot(h, came, "-", color=BLUE, marker="s", ms=4, lw=1.2, label="what came")
    ax.axvline(0.5, color=MUTED, lw=1, ls=":")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(visible=True)
    ax.legend(loc="best")
    return fig
