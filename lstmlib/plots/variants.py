"""What flows in an LSTM and in a GRU, and films (chapter 7)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram
from lstmlib.plots._style import BLUE, INK, MUTED, VERMILLION, figure, show_image, styled


@checked
@styled
def lstm_and_gru() -> Figure:
    """Draw the way of the states through a step: an LSTM's two above, a GRU's one below."""
    drawing = Diagram(10, 6.3)
    drawing.text((0.1, 6.0), "LSTM: two states", ha="left")
    _memory(drawing, 4.9, ("$c_{t-1}$", "$f_t$", r"$i_t \odot g_t$", "$c_t$"), color=BLUE)
    tanh = drawing.node((5.9, 3.7), "tanh", "operation", size=(0.95, 0.55))
    times = drawing.node((7.4, 3.7), r"$\odot$", "operation")
    shown = drawing.node((9.1, 3.7), "$h_t$", radius=0.42, color=VERMILLION)
    drawing.arrow((5.9, 4.9), tanh, color=BLUE)
    drawing.arrow(tanh, times)
    drawing.arrow((7.4, 2.85), times)
    drawing.text((7.4, 2.65), "$o_t$")
    drawing.arrow(times, shown, color=VERMILLION)

    drawing.ax.axhline(2.25, color=MUTED, lw=0.8)
    drawing.text((0.1, 1.95), "GRU: one state", ha="left")
    names = ("$h_{t-1}$", "$z_t$", r"$(1 - z_t) \odot n_t$", "$h_t$")
    _memory(drawing, 1.2, names, color=VERMILLION)
    return drawing.figure


def _memory(drawing: Diagram, y: float, names: tuple[str, ...], *, color: str) -> None:
    """Draw a state that is kept by a gate and added to: before, gate, what is added, after."""
    before, gate, added, after = names
    start = drawing.node((0.7, y), before, radius=0.42, color=color)
    keep = drawing.node((2.4, y), r"$\odot$", "operation")
    add = drawing.node((4.4, y), "+", "operation")
    end = drawing.node((9.1, y), after, radius=0.42, color=color)
    for a, b in ((start, keep), (keep, add), (add, end)):
        drawing.arrow(a, b, color=color, width=2.2)
    for x, name, part in ((2.4, gate, keep), (4.4, added, add)):
        drawing.arrow((x, y - 0.8), part)
        drawing.text((x, y - 1.0), name, color=INK)


@checked
@styled
def films(films: Mapping[str, np.ndarray], columns: list[str]) -> Figure:
    """Draw films below each other, frame by frame; what is bright in them is ink.

    Parameters
    ----------
    films
        ``{name: frames}``, the frames (N, Y, X) with values of at least 0; all of the same N. A
        frame of which nothing is known is NaN everywhere, and left empty.
    columns
        What stands above the N frames.

    Raises
    ------
    ValueError
        If there is no film, or one has not as many frames as there are columns.
    """
    if not films:
        raise ValueError("expected at least one film")
    for name, frames in films.items():
        if frames.ndim != 3 or len(frames) != len(columns):
            raise ValueError(
                f"film {name!r}: expected {len(columns)} frames, (N, Y, X), one for each column, "
                f"got shape {frames.shape}"
            )
    fig = figure(height=0.3 + 1.05 * len(films))
    grid = fig.subplots(len(films), len(columns), squeeze=False)
    for axes, (name, frames) in zip(grid, films.items(), strict=True):
        axes[0].set_ylabel(name)
        for ax, frame in zip(axes, frames, strict=True):
            if np.isnan(frame).all():
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
            else:
                show_image(ax, frame)
    for ax, title in zip(grid[0], columns, strict=True):
        ax.set_title(title, loc="center")
    return fig
