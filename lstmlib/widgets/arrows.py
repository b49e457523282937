"""Arrows in the drawings of interactive figures; ``browser/arrows.js`` draws the same."""

from math import hypot


def arrow(
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    width: float = 1.5,
    *,
    dashed: bool = False,
) -> str:
    """Return SVG of a straight arrow in one of the colours of figure.css, such as "--blue"."""
    (x, y), (x_tip, y_tip) = start, end
    length = hypot(x_tip - x, y_tip - y)
    along_x, along_y = (x_tip - x) / length, (y_tip - y) / length
    head, half = 4 + width, 2 + width
    x_neck, y_neck = x_tip - head * along_x, y_tip - head * along_y
    dash = ";stroke-dasharray:3 3" if dashed else ""
    return (
        f'<path d="M{x:.1f} {y:.1f}L{x_neck:.1f} {y_neck:.1f}" '
        f'style="stroke:var({colour});stroke-width:{width:.1f}{dash}"/>'
        f'<path d="M{x_tip:.1f} {y_tip:.1f}'
        f"L{x_neck - half * along_y:.1f} {y_neck + half * along_x:.1f}"
        f'L{x_neck + half * along_y:.1f} {y_neck - half * along_x:.1f}Z" '
        f'style="fill:var({colour})"/>'
    )
