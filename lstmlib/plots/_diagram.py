"""Boxes, circles and arrows: what the drawings of networks are made of."""

from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch

from lstmlib.plots._style import INK, WIDTH, BookFigure, figure

Point = tuple[float, float]
FILLS = {"value": "white", "operation": "#e7eef5", "layer": "#fdf0e4", "loss": "#f3e9f0"}
"""A quantity, an operation entry by entry, a layer with weights, the loss."""


class Diagram:
    """A drawing in units of its own: x to the right, y upwards, one unit as long in both.

    Parameters
    ----------
    width, height
        Its size in units; the figure is as wide as all figures of the book.
    """

    def __init__(self, width: float, height: float) -> None:
        self.scale = WIDTH / width  # inches a unit
        self.figure: BookFigure = figure(height=height * self.scale)
        self.figure.set_layout_engine("none")
        self.ax: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.ax.set_axis_off()

    def node(
        self,
        at: Point,
        text: str,
        kind: Literal["value", "operation", "layer", "loss"] = "value",
        *,
        size: tuple[float, float] | None = None,
        radius: float = 0.28,
        color: str = INK,
        fontsize: float = 11,
    ) -> Patch:
        """Draw a circle, or a box of the given (width, height), and return it for arrows."""
        style: dict[str, Any] = {"fc": FILLS[kind], "ec": color, "lw": 1.3, "zorder": 2}
        shape: Patch
        if size is None:
            shape = Circle(at, radius, **style)
        else:
            (x, y), (w, h) = at, size
            box = f"round,pad=0,rounding_size={0.2 * min(w, h)}"
            shape = FancyBboxPatch((x - w / 2, y - h / 2), w, h, boxstyle=box, **style)
        self.ax.add_patch(shape)
        self.text(at, text, color=color, fontsize=fontsize)
        return shape

    def arrow(
        self,
        start: Patch | Point,
        end: Patch | Point,
        text: str = "",
        *,
        bend: float = 0.0,
        color: str = INK,
        dashed: bool = False,
        width: float = 1.3,
        offset: Point = (0.0, 0.0),
    ) -> None:
        """Draw an arrow from border to border, with a text beside its middle."""
        (a, patch_a), (b, patch_b) = (self._end(part) for part in (start, end))
        self.ax.add_patch(
            FancyArrowPatch(
                a, b, patchA=patch_a, patchB=patch_b, shrinkA=1, shrinkB=1, zorder=1.5,
                connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=11,
                color=color, lw=width, linestyle="--" if dashed else "-",
            )
        )  # fmt: skip
        if text:
            middle = ((a[0] + b[0]) / 2 + offset[0], (a[1] + b[1]) / 2 + offset[1])
            self.text(middle, text, color=color, fontsize=10)

    def text(
        self,
        at: Point,
        text: str,
        *,
        color: str = INK,
        fontsize: float = 10.5,
        ha: Literal["left", "center", "right"] = "center",
    ) -> None:
        """Write at a point."""
        self.ax.text(*at, text, color=color, fontsize=fontsize, ha=ha, va="center", zorder=3)

    @staticmethod
    def _end(part: Patch | Point) -> tuple[Point, Patch | None]:
        if isinstance(part, Circle):
            return part.center, part
        if isinstance(part, FancyBboxPatch):
            x, y, w, h = part.get_x(), part.get_y(), part.get_width(), part.get_height()
            return (x + w / 2, y + h / 2), part
        return part, None  # type: ignore[return-value]
