"""Drawings of recurrent networks: the kinds of task, the network unrolled, a cell's wiring."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram
from lstmlib.plots._style import BLUE, INK, VERMILLION, styled

Steps = Sequence[int]
COLUMNS = 10  # steps side by side, gaps between tasks included


@checked
@styled
def sequence_tasks(tasks: Mapping[str, tuple[Steps, Steps]]) -> Figure:
    """Draw kinds of sequence task: at which steps something goes in, at which something comes out.

    Parameters
    ----------
    tasks
        ``{name: (steps with an input, steps with an output)}``, steps counted from 0. A task has
        as many steps as its last input or output needs, at most 10.

    Raises
    ------
    ValueError
        There is no task, or one without input, without output, or with more than 10 steps.
    """
    if not tasks:
        raise ValueError("expected at least one task, got none")
    rows: list[list[tuple[str, int, int]]] = [[]]  # of (name, column of its first step, its steps)
    column = 0
    for name, (inputs, outputs) in tasks.items():
        if not inputs or not outputs or min(*inputs, *outputs) < 0:
            raise ValueError(
                f"task {name!r}: expected steps from 0 with an input and steps with an output, "
                f"got {inputs} and {outputs}"
            )
        T = max(*inputs, *outputs) + 1
        if T > COLUMNS:
            raise ValueError(f"task {name!r}: expected at most {COLUMNS} steps, got {T}")
        width = max(T, 2)  # room for the name of a task of one step
        if column + width > COLUMNS:
            rows.append([])
            column = 0
        rows[-1].append((name, column, T))
        column += width + 1
    diagram = Diagram(COLUMNS + 0.6, 3.9 * len(rows) - 0.2)
    for row, placed in enumerate(rows):
        y = 3.9 * (len(rows) - 1 - row) + 1.5  # of the states
        for name, column, T in placed:
            inputs, outputs = tasks[name]
            states: list[Patch] = []
            for t in range(T):
                x = column + t + 0.8
                state = diagram.node((x, y), f"$h_{{{t + 1}}}$", "layer", size=(0.62, 0.62))
                if t in inputs:
                    below = diagram.node((x, y - 1.1), f"$x_{{{t + 1}}}$", radius=0.32)
                    diagram.arrow(below, state)
                if t in outputs:
                    above = diagram.node((x, y + 1.1), f"$y_{{{t + 1}}}$", radius=0.32)
                    diagram.arrow(state, above)
                if states:
                    diagram.arrow(states[-1], state)
                states.append(state)
            diagram.text((column + 0.48, y + 1.8), name, ha="left", fontsize=10.5)
    return diagram.figure


@checked
@styled
def unrolled(steps: int) -> Figure:
    """Draw an Elman network with its loop, and the same network unrolled over the given steps.

    Raises
    ------
    ValueError
        Unless there are 2 to 5 steps.
    """
    if not 2 <= steps <= 5:
        raise ValueError(f"expected 2 to 5 steps, got {steps}")
    diagram = Diagram(2.9 + 1.5 * steps, 4.3)
    y = 2.15

    def column(x: float, index: str) -> Patch:
        """Draw input, state and output of one step, and return the state."""
        below = diagram.node((x, y - 1.5), f"$x_{{{index}}}$", radius=0.34)
        state = diagram.node((x, y), f"$h_{{{index}}}$", "layer", size=(0.72, 0.72))
        above = diagram.node((x, y + 1.5), f"$y_{{{index}}}$", radius=0.34)
        diagram.arrow(below, state, "$W_x$", offset=(0.3, 0), color=BLUE)
        diagram.arrow(state, above, "$W$", offset=(0.24, 0))
        return state

    column(0.75, "t")
    corner = 1.11  # where the box of h_t ends
    diagram.arrow((corner, y - 0.2), (corner, y + 0.2), bend=2.0, color=VERMILLION)
    diagram.text((corner + 0.7, y), "$W_h$", color=VERMILLION)
    diagram.text((2.3, y), "=", fontsize=16)
    state = diagram.node((2.9, y), "$h_0$", radius=0.34)
    for t in range(1, steps + 1):
        before, state = state, column(2.9 + 1.3 * t, str(t))
        diagram.arrow(before, state, "$W_h$", offset=(0, 0.24), color=VERMILLION)
    return diagram.figure


@checked
@styled
def wiring(
    W_x: Float[np.ndarray, "H D"], W_h: Float[np.ndarray, "H H"], b: Float[np.ndarray, "H"]
) -> Figure:
    """Draw every weight of a small Elman layer as an arrow from where to where it leads.

    The number on an arrow is the weight; thicker is larger, dashed and red is negative.

    Parameters
    ----------
    W_x, W_h, b
        The parameters of a layer with at most two units and two inputs.

    Raises
    ------
    ValueError
        There are more.
    """
    H, D = W_x.shape
    if max(H, D) > 2:
        raise ValueError(f"expected at most 2 units and 2 inputs, got H = {H} and D = {D}")
    apart = 5.8 / (D + H)
    diagram = Diagram(9.6, 6.2)
    largest = max(np.abs(a).max() for a in (W_x, W_h)) or 1.0
    top = 6.2 - apart / 2 - 0.1
    names = [f"$h_{{t-1,{k + 1}}}$" for k in range(H)] + [f"$x_{{t,{d + 1}}}$" for d in range(D)]
    places = [(0.75, top - apart * k) for k in range(H + D)]
    sources = [diagram.node(at, name, radius=0.5) for at, name in zip(places, names, strict=True)]
    for j in range(H):
        at = (6.3, top - apart * (D + H - 1) * (2 * j + 1) / (2 * H))
        unit = diagram.node(at, "tanh", "layer", radius=0.5)
        out = diagram.node((8.8, at[1]), f"$h_{{t,{j + 1}}}$", radius=0.5)
        diagram.arrow(unit, out)
        diagram.text((at[0], at[1] - 0.78), f"$b_{j + 1}$ = {_number(b[j])}", fontsize=10)
        for place, source, w in zip(places, sources, [*W_h[j], *W_x[j]], strict=True):
            color = BLUE if w >= 0 else VERMILLION
            width = 0.8 + 2.2 * abs(w) / largest
            diagram.arrow(source, unit, color=color, dashed=bool(w < 0), width=width)
            near = 0.22  # where the number stands: so far along the arrow
            x, y = ((1 - near) * p + near * q for p, q in zip(place, at, strict=True))
            diagram.ax.text(
                x, y, _number(w), color=INK, fontsize=10, ha="center",
                va="center", zorder=3, bbox={"fc": "white", "ec": "none", "pad": 0.8},
            )  # fmt: skip
    return diagram.figure


def _number(a: float) -> str:
    return f"{a:.2f}".replace("-", "−")
