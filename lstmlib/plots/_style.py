"""The one style of the book's figures: sizes, colours, and how a notebook shows them.

A figure is a white card, so that its contrast is the same on a light and on a dark page, 5.6 inches
wide with text of at least 10 points, which a phone's 360 pixels still show 9 pixels high. Readers
with any colour vision tell the colours apart (after Okabe and Ito), and each has a contrast of at
least 3:1 with the card. Notebooks show figures as SVG: sharp at every size, the same bytes each
time.
"""

import io
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 5.6
INK = "#1f2328"
MUTED = "#656d76"
GRID = "#d8dee4"
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#00815e", "#a8467f"
LINES = [(BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":")]
"""Colour and dash of the first, second, … line: told apart by either alone."""

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 130,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same on every machine
    "font.size": 10.5,
    "grid.color": GRID,
    "image.interpolation": "none",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",
    "svg.hashsalt": "lstmlib",
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 10,
}

styled = rc_context(STYLE)
"""Decorator of every function that draws: the style holds inside it and nowhere else."""


class BookFigure(Figure):
    """A ``Figure`` that a notebook shows by itself, without pyplot and whatever its backend."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}

    def svg(self) -> str:
        """Return the figure as SVG, without the date and the versions that would make it differ."""
        file = io.StringIO()
        with rc_context(STYLE):
            nothing = dict.fromkeys(["Creator", "Date", "Format", "Type"])
            self.savefig(file, format="svg", metadata=nothing)
        return file.getvalue()


def figure(height: float, width: float = WIDTH) -> BookFigure:
    """Return an empty figure of this size in inches."""
    return BookFigure(figsize=(width, height))


def show_image(ax: Axes, image: np.ndarray) -> None:
    """Draw a grey-scale image as dark ink on the card, with a thin frame and no ticks."""
    ax.imshow(image, cmap="Greys", vmin=0, vmax=max(image.max(), 1e-12))
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GRID)


def same_length(**arguments: Any) -> None:
    """Raise ``ValueError`` unless all arguments have the same length."""
    lengths = {name: len(value) for name, value in arguments.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"expected the same number of entries, but {said}")
