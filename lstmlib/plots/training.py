"""Figures of a training: what fell, and how far."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._style import LINES, MUTED, figure, styled


@checked
@styled
def loss_curves(
    curves: Mapping[str, tuple],
    *,
    xlabel: str = "training step",
    ylabel: str = "loss",
    references: Mapping[str, float | int] | None = None,
) -> Figure:
    """Draw losses against training steps, one line a curve.

    Parameters
    ----------
    curves
        ``{name: (steps, losses)}``, say ``{"training": (steps, losses), "validation": …}``; steps
        and losses are sequences of the same length. At most four curves.
    xlabel, ylabel
        What the axes show, with units.
    references
        ``{name: loss}``: horizontal lines to compare with, such as the loss of guessing.

    Raises
    ------
    ValueError
        If there is no curve or more than four, or a curve has not as many steps as losses, or none.
    """
    if not 1 <= len(curves) <= len(LINES):
        raise ValueError(f"expected 1 to {len(LINES)} curves, got {len(curves)}")
    fig = figure(height=3.4)
    ax = fig.add_subplot()
    for (name, curve), (color, dash) in zip(curves.items(), LINES, strict=False):
        if len(curve) != 2:
            raise ValueError(f"curve {name!r}: expected (steps, losses), got {len(curve)} entries")
        steps, losses = (np.asarray(part, dtype=float) for part in curve)
        if steps.ndim != 1 or steps.shape != losses.shape or steps.size == 0:
            raise ValueError(
                f"curve {name!r}: expected as many losses as steps, at least one of each, "
                f"got shapes {losses.shape} and {steps.shape}"
            )
        # A measured point is marked where there are few; a noisy curve of many is a thinner line.
        few = len(steps) <= 40
        marker, width = ("o", 1.8) if few else ("", 1.2)
        ax.plot(steps, losses, dash, color=color, marker=marker, lw=width, ms=4, label=name)
    for name, loss in (references or {}).items():
        ax.axhline(loss, color=MUTED, lw=1)
        ax.annotate(
            name, (1, loss), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color=MUTED,
        )  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(visible=True)
    if len(curves) > 1:
        ax.legend()
    return fig
