"""Figures of a network with one hidden layer: its wiring, and what its hidden units see."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram, Point
from lstmlib.plots._style import BLUE, INK, LINES, MUTED, VERMILLION, figure, styled

MARKERS = "os^D"


@checked
@styled
def hidden_layer(
    x: Float[np.ndarray, "B D"],
    W1: Float[np.ndarray, "H D"],
    b1: Float[np.ndarray, "H"],
    W2: Float[np.ndarray, "K H"],
    b2: Float[np.ndarray, "K"],
) -> Figure:
    """Draw a network with one hidden layer: weights on its arrows, shapes below its parts.

    An arrow is as thick as its weight is large, blue above zero and red, dashed, below.

    Parameters
    ----------
    x
        The batch that goes in.
    W1, b1, W2, b2
        The weights, an entry an arrow, and the biases, written under the units.

    Raises
    ------
    ValueError
        There are more than 3 inputs, units or outputs.
    """
    B, D = x.shape
    H, K = W1.shape[0], W2.shape[0]
    if max(D, H, K) > 3:
        raise ValueError(f"at most 3 inputs, units and outputs can be drawn, got {D}, {H} and {K}")
    height = 1.9 * max(D, H, K) + 1.3
    diagram = Diagram(10, height)
    middle = height / 2 + 0.65

    def column(x: float, names: list[str], biases: np.ndarray | None) -> list[Point]:
        """Draw one unit a name, from top to bottom, and return where they are."""
        n = len(names)
        places = [(x, middle + 1.9 * ((n - 1) / 2 - k)) for k in range(n)]
        for k, (at, name) in enumerate(zip(places, names, strict=True)):
            diagram.node(at, name, "value" if biases is None else "layer", radius=0.42)
            if biases is not None:
                below = (at[0], at[1] - 0.68)
                diagram.text(below, f"bias {_number(biases[k])}", color=MUTED, fontsize=10)
        return places

    inputs = column(0.9, [f"$x_{d + 1}$" for d in range(D)], None)
    units = column(5.0, [f"$a_{{1,{j + 1}}}$" for j in range(H)], b1)
    outputs = column(9.1, [f"$y_{k + 1}$" if K > 1 else "$y$" for k in range(K)], b2)
    for W, sources, targets in ((W1, inputs, units), (W2, units, outputs)):
        for (j, d), w in np.ndenumerate(W):
            _connect(diagram, sources[d], targets[j], w, float(np.abs(W).max()))

    shapes = {
        0.9: f"x\n{x.shape}", 2.95: f"W1\n{W1.shape}", 5.0: f"b1 {b1.shape}\na1 {(B, H)}",
        7.05: f"W2\n{W2.shape}", 9.1: f"b2 {b2.shape}\ny {(B, K)}",
    }  # fmt: skip
    for place, text in shapes.items():
        diagram.text((place, 0.5), text, fontsize=10)
    return diagram.figure


def _connect(diagram: Diagram, start: Point, end: Point, w: float, largest: float) -> None:
    """Draw the arrow of a weight, with its number on it."""
    (x0, y0), (x1, y1) = start, end
    length = np.hypot(x1 - x0, y1 - y0)
    shift = 0.46 / length  # from the centres of the circles to their borders
    border = (x0 + shift * (x1 - x0), y0 + shift * (y1 - y0))
    tip = (x1 - shift * (x1 - x0), y1 - shift * (y1 - y0))
    color = BLUE if w >= 0 else VERMILLION
    thick = 0.8 + 1.4 * abs(w) / max(largest, 1e-12)
    diagram.arrow(border, tip, color=color, dashed=w < 0, width=thick)
    at = (x0 + 0.33 * (x1 - x0), y0 + 0.33 * (y1 - y0))  # before the arrows cross
    diagram.ax.text(
        *at, _number(w), color=color, fontsize=10, ha="center", va="center", zorder=3,
        bbox={"fc": "white", "ec": "none", "pad": 1.5},
    )  # fmt: skip


def _number(value: float) -> str:
    """Write with at most two digits after the point, and a minus as long as a plus."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


@checked
@styled
def two_planes(
    x: Float[np.ndarray, "B 2"],
    a: Float[np.ndarray, "B 2"],
    classes: Int[np.ndarray, "B"],
    line: tuple[float, float, float],
) -> Figure:
    """Draw examples in the plane of the inputs and in the plane of two hidden units.

    Parameters
    ----------
    x, a
        The inputs, and what the two hidden units make of them. Examples that fall on one point are
        drawn there once, with their number.
    classes
        The class of each example: 0, 1, ….
    line
        (u, v, c): where u a₁ + v a₂ + c = 0 a line is drawn between the classes in the plane of the
        units.

    Raises
    ------
    ValueError
        There are more than four classes, or u = v = 0.
    """
    u, v, c = line
    if u == 0 and v == 0:
        raise ValueError(f"line is {line}: u a₁ + v a₂ + c = 0 with u = v = 0 is no line")
    if classes.min() < 0 or classes.max() >= len(MARKERS):
        raise ValueError(f"expected classes from 0 to {len(MARKERS) - 1}, got {set(classes)}")
    fig = figure(height=3.1)
    left, right = fig.subplots(1, 2)
    for ax, points in ((left, x), (right, a)):
        for k in np.unique(classes):
            places, counts = np.unique(points[classes == k], axis=0, return_counts=True)
            color = LINES[k][0]
            ax.plot(*places.T, MARKERS[k], color=color, ms=9, label=f"class {k}", clip_on=False)
            for place, n in zip(places, counts, strict=True):
                if n > 1:
                    ax.annotate(f"{n}×", place, (8, 6), textcoords="offset points", color=INK)
        low, high = points.min(axis=0), points.max(axis=0)
        margin = 0.3 * np.maximum(high - low, 0.1)
        ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]))
        ax.set(ylim=(low[1] - margin[1], high[1] + margin[1]))
        ax.grid(visible=True)
    left.set(xlabel="$x_1$", ylabel="$x_2$", title="inputs")
    right.set(xlabel="$a_{1,1}$", ylabel="$a_{1,2}$", title="hidden units")
    foot = np.array([u, v]) * -c / (u**2 + v**2)
    right.axline(foot, foot + np.array([-v, u]), color=MUTED, ls="--", lw=1.5)
    left.legend(loc="center")
    return fig
