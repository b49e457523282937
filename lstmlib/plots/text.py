"""Figures of a model of text."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._style import BLUE, figure, same_length, styled

VISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥"}
"""Signs for the characters that would not be seen."""


@checked
@styled
def next_symbol_bars(
    probabilities: Float[np.ndarray, "K V"],
    temperatures: Sequence[float | int],
    symbols: Sequence[str],
    *,
    top: int = 12,
) -> Figure:
    """Draw the distribution of the next symbol at several temperatures, one row of bars each.

    Shown are the ``top`` symbols that are likeliest at the first temperature, in the same order in
    every row, so that one sees how the same distribution sharpens and flattens.

    Parameters
    ----------
    probabilities
        ``(K, V)``: a distribution over the V symbols for each of K temperatures.
    temperatures
        The K temperatures.
    symbols
        The V symbols; a space, a line break and a tab are shown as ␣, ↵ and ⇥.
    top
        How many symbols to show.

    Raises
    ------
    ValueError
        If the numbers of temperatures or symbols do not fit, or a row does not sum to 1.
    """
    same_length(probabilities=probabilities, temperatures=temperatures)
    if len(symbols) != probabilities.shape[1]:
        raise ValueError(f"expected {probabilities.shape[1]} symbols, got {len(symbols)}")
    sums = probabilities.sum(1)
    if not np.allclose(sums, 1, atol=1e-3):
        raise ValueError(f"expected rows of probabilities that sum to 1, got sums {sums.tolist()}")

    shown = np.argsort(-probabilities[0], kind="stable")[:top]
    labels = [VISIBLE.get(symbols[k], symbols[k]) for k in shown]
    fig = figure(height=0.6 + 1.15 * len(temperatures))
    axes = fig.subplots(len(temperatures), sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, p, temperature in zip(axes, probabilities, temperatures, strict=True):
        ax.bar(range(len(shown)), p[shown], color=BLUE, width=0.75)
        ax.set_title(f"temperature {temperature:g}")
        ax.grid(visible=True, axis="y")
        ax.tick_params(axis="x", length=0)
    axes[-1].set_xticks(range(len(shown)), labels, fontsize=12)
    axes[-1].set_xlabel("next character")
    fig.supylabel("probability", fontsize=10.5)
    return fig
