"""The LSTM cell in three pictures: wires with numbers on them, valves, and blocks of weights."""

from collections.abc import Collection, Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram, Point
from lstmlib.plots._style import BLUE, GRID, INK, MUTED, figure, styled

# Each value of the cell: its name in formulas, where its number stands, the wires that carry it.
BUS = [((0.9, 1.5), (9.3, 1.5)), *(((x, 1.5), (x, 2.55)) for x in (2.5, 4.7, 7.1, 9.3))]
VALUES: dict[str, tuple[str, Point, list[tuple[Point, ...]]]] = {
    "c_prev": ("c_{t-1}", (1.0, 8.1), [((0.1, 7.2), (2.15, 7.2))]),
    "h_prev": ("h_{t-1}", (0.7, 2.5), [((0.1, 1.5), (0.9, 1.5)), *BUS]),
    "x": ("x_t", (3.3, 0.6), [((2.5, 0.1), (2.5, 1.5)), *BUS]),
    "f": ("f_t", (1.7, 5.0), [((2.5, 3.45), (2.5, 6.85))]),
    "i": ("i_t", (3.9, 4.6), [((4.7, 3.45), (4.7, 4.9), (5.55, 4.9))]),
    "g": ("g_t", (7.9, 4.6), [((7.1, 3.45), (7.1, 4.9), (6.25, 4.9))]),
    "f*c_prev": (r"f_t \odot c_{t-1}", (4.2, 8.1), [((2.85, 7.2), (5.55, 7.2))]),
    "i*g": (r"i_t \odot g_t", (6.9, 6.15), [((5.9, 5.25), (5.9, 6.85))]),
    "c": ("c_t", (8.3, 8.1), [((6.25, 7.2), (12.8, 7.2)), ((10.5, 7.2), (10.5, 6.75))]),
    "tanh(c)": (r"\tanh(c_t)", (8.8, 5.75), [((10.5, 5.95), (10.5, 5.25))]),
    "o": ("o_t", (10.95, 3.7), [((9.3, 3.45), (9.3, 4.9), (10.15, 4.9))]),
    "h": ("h_t", (12.0, 5.8), [((10.85, 4.9), (12.8, 4.9))]),
}
LAYERS = {(2.5, 3.0): r"\sigma", (4.7, 3.0): r"\sigma", (7.1, 3.0): r"\tanh", (9.3, 3.0): r"\sigma"}
OPERATIONS = {(2.5, 7.2): r"\times", (5.9, 4.9): r"\times", (5.9, 7.2): "+", (10.5, 4.9): r"\times"}
SQUASH = (10.5, 6.35)


@checked
@styled
def lstm_cell(
    values: Mapping[str, Float[np.ndarray, "_"]],
    new: Collection[str] = (),
) -> Figure:
    """Draw one step of an LSTM as wires, with the number of every value that is known.

    The cell state runs along the top, h_{t−1} and x_t come from below into the four layers.

    Parameters
    ----------
    values
        What is known, of c_prev, h_prev, x, f, i, g, o, "f*c_prev", "i*g", c, "tanh(c)" and h:
        vectors of one example, written as columns. The wires of the others are grey.
    new
        Those to draw in colour.

    Raises
    ------
    ValueError
        If a name is none of these, or one of ``new`` has no value.
    """
    if unknown := [*(set(values) - set(VALUES)), *(set(new) - set(values))]:
        raise ValueError(
            f"expected values among {', '.join(VALUES)}, and new ones among the values; "
            f"got {', '.join(sorted(unknown))}"
        )
    drawing = Diagram(12.9, 9.0)
    for at, text in LAYERS.items():
        drawing.node(at, f"${text}$", "layer", size=(1.5, 0.9))
    drawing.node(SQUASH, r"$\tanh$", "operation", size=(1.5, 0.8))
    for at, text in OPERATIONS.items():
        drawing.node(at, f"${text}$", "operation", radius=0.35)
    # The grey wires first, then the known ones, then the new ones, which cover what they share.
    order = sorted(VALUES, key=lambda name: (name in values) + (name in new))
    for name in order:
        symbol, at, wires = VALUES[name]
        color = BLUE if name in new else INK if name in values else GRID
        for wire in wires:
            _wire(drawing, wire, color)
        if name in values:
            column = [f"${symbol}$", *map(_number, values[name])]
            drawing.text(at, "\n".join(column), color=color, fontsize=10)
    return drawing.figure


def _wire(drawing: Diagram, points: tuple[Point, ...], color: str) -> None:
    """Draw a line through the points that ends in an arrow."""
    for start, corner in pairwise(points[:-1]):
        xs, ys = zip(start, corner, strict=True)
        drawing.ax.plot(xs, ys, color=color, lw=1.3, zorder=1.5, solid_capstyle="projecting")
    drawing.arrow(points[-2], points[-1], color=color)


@checked
@styled
def lstm_valves(i: float, f: float, g: float, o: float, c_prev: float) -> Figure:
    """Draw one unit as a store with three valves, each as far open as its gate says.

    Through the valve f comes what lay in the store, through the valve i the candidate g; tanh(c)
    goes out through the valve o.

    Parameters
    ----------
    i, f, g, o
        The three gates, 0 to 1, and the candidate g.
    c_prev
        What lay in the store.

    Raises
    ------
    ValueError
        If a gate is not between 0 and 1.
    """
    if wrong := {name: v for name, v in {"i": i, "f": f, "o": o}.items() if not 0 <= v <= 1}:
        raise ValueError(f"expected gates between 0 and 1, got {wrong}")
    c = f * c_prev + i * g
    drawing = Diagram(12.9, 5.9)
    boxes: dict[str, tuple[str, Point, float]] = {
        "c_prev": ("c_{t-1}", (2.6, 4.6), c_prev),
        "g": ("g_t", (1.0, 1.5), g),
        "c": ("c_t", (6.45, 1.5), c),
        "h": ("h_t", (11.9, 1.5), o * np.tanh(c)),
    }
    parts = {
        name: drawing.node(
            at, f"${symbol}$\n{_number(value)}", "operation" if name == "c" else "value",
            size=(1.7, 1.6),
        )
        for name, (symbol, at, value) in boxes.items()
    }  # fmt: skip
    for name, gate, at, source, sink in (
        ("f", f, (6.45, 4.6), "c_prev", "c"),
        ("i", i, (3.7, 1.5), "g", "c"),
        ("o", o, (9.2, 1.5), "c", "h"),
    ):
        text = f"${name}_t$ = {_number(gate)}"
        valve = _valve(drawing, at, text, gate)
        drawing.arrow(parts[source], valve, width=4)
        drawing.arrow(valve, parts[sink], color=BLUE if gate > 0 else GRID, width=0.5 + 3.5 * gate)
    drawing.text((8.0, 0.9), r"$\tanh$", color=MUTED)
    drawing.arrow((5.6, 2.2), (3.2, 3.7), color=MUTED, dashed=True)
    drawing.text((3.1, 3.0), "next step", color=MUTED, fontsize=10)
    return drawing.figure


def _valve(drawing: Diagram, at: Point, text: str, gate: float) -> Patch:
    """Draw a gauge that is filled as far as the gate is open, with its text above."""
    (x, y), w, h = at, 0.9, 1.1
    valve = drawing.node(at, "", size=(w, h))
    fill = Rectangle((x - w / 2, y - h / 2), w, h * gate, color=BLUE, alpha=0.55, zorder=2.5, lw=0)
    drawing.ax.add_patch(fill)
    drawing.text((x, y + 0.95), text)
    return valve


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


@checked
@styled
def lstm_blocks(
    W_x: Float[np.ndarray, "R D"], W_h: Float[np.ndarray, "R H"], b: Float[np.ndarray, "R"]
) -> Figure:
    """Draw the weights as one matrix [W_x | W_h | b] in four blocks of rows, i, f, g, o.

    Blue is above zero, red below; small matrices have their numbers written into them.

    Parameters
    ----------
    W_x, W_h, b
        (4H, D), (4H, H) and (4H,).

    Raises
    ------
    ValueError
        If W_h has not four times as many rows as columns.
    """
    (rows, H), D = W_h.shape, W_x.shape[1]
    if rows != 4 * H:
        raise ValueError(f"expected W_h of shape (4H, H), got {W_h.shape}")
    W = np.concatenate([W_x, W_h, b[:, None]], axis=1)
    fig = figure(height=3.9)
    ax = fig.add_subplot()
    limit = max(np.abs(W).max(), 1e-12)
    ax.imshow(W, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    for row, column in np.ndindex(*W.shape) if W.size <= 60 else ():
        ink = "white" if abs(W[row, column]) > 0.65 * limit else INK
        ax.text(column, row, _number(float(W[row, column])), ha="center", va="center", color=ink)
    for row in (H, 2 * H, 3 * H):
        ax.axhline(row - 0.5, color=INK, lw=2)
    for column in (D, D + H):
        ax.axvline(column - 0.5, color=INK, lw=2)
    gates = [rf"$z_{gate}$" for gate in "ifgo"]
    ax.set_yticks([H * k + (H - 1) / 2 for k in range(4)], gates)
    sources = [(D - 1) / 2, D + (H - 1) / 2, D + H]
    ax.set_xticks(sources, [f"$W_x$ ({rows}, {D})", f"$W_h$ ({rows}, {H})", f"$b$ ({rows},)"])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True)
    return fig
