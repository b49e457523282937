"""The graph of a recurrent network over a few steps, and the gradient's paths through it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram, Point
from lstmlib.plots._style import INK, LINES, MUTED, styled

STEP = 2.0  # from one state to the next
STATES, LOSSES, WEIGHTS = 1.7, 3.4, 0.45  # heights of the three rows
LANE = 0.17  # between two paths that run side by side


@checked
@styled
def step_graph(
    states: Sequence[float] | Float[np.ndarray, "S"],
    losses: Sequence[float] | Float[np.ndarray, "T"],
) -> Figure:
    """Draw h_0 → h_1 → … with the loss of each step above, and below each step its copy of w.

    Parameters
    ----------
    states
        h_0, …, h_T: the T + 1 numbers written under their names.
    losses
        e_1, …, e_T.

    Raises
    ------
    ValueError
        There is no step or there are more than four, or not one state more than losses.
    """
    T = _steps(len(losses))
    if len(states) != T + 1:
        raise ValueError(f"expected {T + 1} states for {T} losses, got {len(states)}")
    drawing = Diagram(STEP * T + 1.3, LOSSES + 0.6)
    h = [
        drawing.node((_x(t), STATES), f"$h_{t}$\n{_number(states[t])}", radius=0.46)
        for t in range(T + 1)
    ]
    for t in range(1, T + 1):
        drawing.arrow(h[t - 1], h[t])
        w = drawing.node((_x(t), WEIGHTS), "$w$", "layer", size=(0.6, 0.5))
        drawing.arrow(w, h[t])
        text = f"$e_{t}$\n{_number(losses[t - 1])}"
        drawing.arrow(h[t], drawing.node((_x(t), LOSSES), text, "loss", radius=0.46))
    return drawing.figure


@checked
@styled
def gradient_paths(contributions: Float[np.ndarray, "T T"]) -> Figure:
    """Draw every path from a loss e_t back to a copy of w, in the colour and dash of its loss.

    Parameters
    ----------
    contributions
        Entry [t − 1, s − 1] is what the path from e_t to the copy of w at step s adds to dL/dw; a
        loss has no path to a later step, so the entries with s > t are 0. They are written below
        the copies.

    Raises
    ------
    ValueError
        There are no steps or more than four, or an entry with s > t is not 0.
    """
    T = _steps(len(contributions))
    if np.triu(contributions, 1).any():
        raise ValueError("expected 0 above the diagonal: a loss has no path to a later step")
    bottom = 0.42 * T - 0.1  # room for the numbers
    drawing = Diagram(STEP * T + 1.3, LOSSES + 0.6 + bottom)
    states, losses, weights = STATES + bottom, LOSSES + bottom, WEIGHTS + bottom
    for t in range(T + 1):
        drawing.node((_x(t), states), f"$h_{t}$", color=MUTED if t == 0 else INK, radius=0.46)
    drawing.arrow((_x(0) + 0.46, states), (_x(1) - 0.46, states), color=MUTED)
    paths = [(t, s) for t in range(1, T + 1) for s in range(1, t + 1)]
    for t in range(1, T + 1):
        drawing.node((_x(t), weights), "$w$", "layer", size=(0.9, 0.5))
        drawing.node((_x(t), losses), f"$e_{t}$", "loss", radius=0.46, color=LINES[t - 1][0])
        down = [path for path in paths if path[0] == t]
        back = [path for path in paths if path[1] < t <= path[0]]
        into = [path for path in paths if path[1] == t]
        _lanes(drawing, down, (_x(t), losses), (_x(t), states))
        _lanes(drawing, back, (_x(t), states), (_x(t - 1), states))
        _lanes(drawing, into, (_x(t), states), (_x(t), weights))
    for t, s in paths:
        at = (_x(s), weights - 0.55 - 0.42 * (t - s))
        amount = _number(contributions[t - 1, s - 1], sign=True)
        drawing.text(at, f"$e_{t}$: {amount}", color=LINES[t - 1][0])
    return drawing.figure


def _lanes(drawing: Diagram, paths: list[tuple[int, int]], start: Point, end: Point) -> None:
    """Draw one line a path from start to end, side by side, with a tip in the middle."""
    (x, y), (x_end, y_end) = start, end
    tip = "v" if x == x_end else "<"
    for k, (t, _) in enumerate(paths):
        color, dash = LINES[t - 1]
        aside = LANE * (k - (len(paths) - 1) / 2)
        dx, dy = (aside, 0.0) if x == x_end else (0.0, aside)
        x_line, y_line = [x + dx, x_end + dx], [y + dy, y_end + dy]
        drawing.ax.plot(x_line, y_line, dash, color=color, lw=1.6, zorder=1.2)
        drawing.ax.plot(np.mean(x_line), np.mean(y_line), tip, color=color, ms=5, zorder=1.2)


def _x(t: int) -> float:
    return 0.65 + STEP * t


def _steps(T: int) -> int:
    """Return T, or raise ValueError unless there is a colour for each of the T losses."""
    if not 1 <= T <= len(LINES):
        raise ValueError(f"expected 1 to {len(LINES)} steps, got {T}")
    return T


def _number(value: float, *, sign: bool = False) -> str:
    """Write a number with three digits at most, and a true minus."""
    return f"{value:{'+' if sign else ''}.3g}".replace("-", "\N{MINUS SIGN}")
