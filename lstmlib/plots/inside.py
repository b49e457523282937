"""Figures of what a trained model does along its input: gates, units and gradients."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lstmlib._shapes import checked
from lstmlib.plots._style import GRID, INK, MUTED, WIDTH, figure, show_image, styled
from lstmlib.plots.text import VISIBLE


@checked
@styled
def gates_along_text(
    gates: Float[np.ndarray, "U T"], text: str, names: Sequence[str], *, label: str = "forget gate"
) -> Figure:
    """Draw the gates of U units at every character, a row a unit, from 0 (white) to 1 (blue).

    Parameters
    ----------
    gates
        ``(U, T)``: between 0 and 1.
    text
        The T characters, written below; a space and a line break are shown as ␣ and ↵.
    names
        What stands at the left of each row.
    label
        What the colour means.

    Raises
    ------
    ValueError
        If there are not as many characters or names as columns or rows.
    """
    if gates.shape != (len(names), len(text)):
        raise ValueError(
            f"expected {gates.shape[0]} names and {gates.shape[1]} characters, "
            f"got {len(names)} and {len(text)}"
        )
    fig = figure(height=1.2 + 0.28 * len(names))
    ax = fig.add_subplot()
    heat = ax.imshow(gates, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(text)), [VISIBLE.get(c, c) for c in text], family="DejaVu Sans Mono")
    ax.set_yticks(range(len(names)), list(names))
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, color=GRID)
    bar = fig.colorbar(heat, ax=ax, ticks=[0, 0.5, 1], location="top", aspect=40, shrink=0.6)
    bar.set_label(label)
    bar.outline.set_visible(False)
    return fig


@checked
@styled
def painted_text(
    values: Float[np.ndarray, "T"], text: str, *, label: str = "", columns: int = 52
) -> Figure:
    """Write a text on cells coloured by a value: blue above zero, red below, white at zero.

    Parameters
    ----------
    values
        ``(T,)``: one for each character.
    label
        What the colour means.
    columns
        Characters in a row; a longer line goes on in the next.

    Raises
    ------
    ValueError
        If there are not as many values as characters, or none.
    """
    if len(values) != len(text) or not text:
        raise ValueError(
            f"expected a value for each character, got {len(values)} and {len(text)} characters"
        )
    places, row, column = [], 0, 0
    for character in text:
        if column == columns:
            row, column = row + 1, 0
        places.append((row, column))
        column += 1
        if character == "\n":
            row, column = row + 1, 0
    rows, wide = places[-1][0] + 1, max(column for _, column in places) + 1
    size = max(np.abs(values).max(), 1e-12)
    fig = figure(height=0.75 + 0.24 * rows, width=WIDTH)
    ax = fig.add_subplot()
    cells = np.zeros((rows, wide))
    for place, value in zip(places, values, strict=True):
        cells[place] = value
    heat = ax.imshow(cells, cmap="RdBu", vmin=-size, vmax=size, aspect="auto")
    for (r, c), character, value in zip(places, text, values, strict=True):
        ink = "white" if abs(value) > 0.65 * size else INK
        sign = {" ": "", "\n": "↵"}.get(character, character)
        ax.text(c, r, sign, ha="center", va="center", color=ink, family="DejaVu Sans Mono")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GRID)
    bar = fig.colorbar(heat, ax=ax, ticks=[-size, 0, size], location="top", aspect=40, shrink=0.6)
    bar.ax.set_xticklabels([f"−{size:.1g}", "0", f"{size:.1g}"])
    bar.set_label(label)
    bar.outline.set_visible(False)
    return fig


@checked
@styled
def digit_saliency(
    images: Shaped[np.ndarray, "N T D"],
    gradients: Float[np.ndarray, "N T D"],
    titles: Sequence[str],
) -> Figure:
    """Draw digits, and below each where more ink would speak for its class (blue) or against (red).

    Below that stands how large the gradient is in each row: what the answer owes to every step.

    Parameters
    ----------
    images, gradients
        ``(N, T, D)``: N images of T rows, and the derivatives with respect to their pixels.
    titles
        What stands above each of them.

    Raises
    ------
    ValueError
        If there is no image, or not as many titles.
    """
    N = len(images)
    if N == 0 or len(titles) != N:
        raise ValueError(f"expected at least one image and as many titles, got {N}, {len(titles)}")
    fig = figure(height=4.2)
    axes = fig.subplots(3, N, squeeze=False)
    for (top, middle, bottom), image, gradient, title in zip(
        axes.T, images, gradients, titles, strict=True
    ):
        show_image(top, image)
        top.set_title(title)
        limit = max(np.abs(gradient).max(), 1e-12)
        middle.imshow(gradient, cmap="RdBu", vmin=-limit, vmax=limit)
        ink = image > 0.5 * max(image.max(), 1e-12)
        middle.contour(ink, levels=[0.5], colors=[MUTED], linewidths=0.8)
        middle.set(xticks=[], yticks=[])
        middle.spines[:].set(visible=True, color=GRID)
        size = np.linalg.norm(gradient, axis=1)
        for row, length in enumerate(size / max(size.max(), 1e-12)):
            bottom.add_patch(Rectangle((0, row - 0.4), length, 0.8, color=MUTED, lw=0))
        bottom.set(xlim=(0, 1.05), ylim=(len(size) - 0.5, -0.5), xticks=[])
        bottom.set_yticks([0, len(size) - 1], ["1", str(len(size))])
    axes[0, 0].set_ylabel("image")
    axes[1, 0].set_ylabel("gradient")
    axes[2, 0].set_ylabel("size by row")
    return fig
