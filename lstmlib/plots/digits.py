"""Figures of handwritten digits that are read row by row, one row a time step."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._style import (
    BLUE,
    GRID,
    INK,
    MUTED,
    VERMILLION,
    figure,
    show_image,
    styled,
)


def _step_ticks(steps: int) -> list[int]:
    """Return the positions 0, 3, 7, …: of steps 1, 4, 8, …, and of the last."""
    return sorted({0, *range(3, steps, 4), steps - 1})


@checked
@styled
def digit_as_rows(image: Shaped[np.ndarray, "T D"]) -> Figure:
    """Draw an image, and beside it the sequence that is read: its rows x_1 … x_T, pulled apart.

    ``image`` is ``(T, D)``: T rows, the time steps, of D pixels, the features.
    """
    T, D = image.shape
    strips = np.full((3 * T - 1, D), np.nan)
    strips[::3], strips[1::3] = image, image  # two lines of ink and one of air for each row
    fig = figure(height=3.9)
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.15])
    show_image(left, image)
    left.set_title("the image")
    left.set_xlabel(f"{D} pixels")
    left.set_ylabel(f"{T} rows")

    right.imshow(strips, cmap="Greys", vmin=0, vmax=image.max() or 1, aspect="auto")
    ticks = _step_ticks(T)
    right.set_yticks([3 * t + 0.5 for t in ticks], [f"$x_{{{t + 1}}}$" for t in ticks])
    right.set_xticks([])
    right.spines[:].set_visible(False)
    right.tick_params(length=0)
    right.set_facecolor("#dbe9f4")
    right.set_title("the sequence")
    right.set_xlabel(f"{D} features a step")
    right.annotate(
        "time", (1.06, 0.03), (1.06, 0.97), xycoords="axes fraction", ha="center", va="top",
        color=BLUE, arrowprops={"arrowstyle": "->", "color": BLUE, "lw": 1.5},
    )  # fmt: skip
    return fig


@checked
@styled
def belief_by_row(
    image: Shaped[np.ndarray, "T D"],
    probabilities: Float[np.ndarray, "T K"],
    labels: Sequence[str] | None = None,
) -> Figure:
    """Draw an image, and beside each row what the network believes after having read it.

    Parameters
    ----------
    image
        ``(T, D)``.
    probabilities
        ``(T, K)``: the distribution over the K classes after rows 1, 1–2, …, 1–T.
    labels
        Names of the classes; their numbers by default.
    """
    T, K = probabilities.shape
    labels = list(map(str, range(K))) if labels is None else labels
    if len(labels) != K:
        raise ValueError(f"expected {K} labels, got {len(labels)}")
    fig = figure(height=3.6)
    left, right = fig.subplots(1, 2, sharey=True, width_ratios=[1, 1.2])
    show_image(left, image)
    left.set_aspect("auto")
    ticks = _step_ticks(T)
    left.set_yticks(ticks, [str(t + 1) for t in ticks])
    left.set_ylabel("row read last")
    left.set_title("what is read")

    heat = right.imshow(probabilities, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    right.set_xticks(range(K), labels)
    right.tick_params(axis="y", labelleft=False)
    right.tick_params(length=0)
    right.spines[:].set(visible=True, color=GRID)
    right.set_title("what is believed")
    right.set_xlabel("class")
    fig.colorbar(heat, ax=right, label="probability", ticks=[0, 0.5, 1]).outline.set_visible(False)
    return fig


@checked
@styled
def confusion_matrix(counts: Int[np.ndarray, "K K"], labels: Sequence[str] | None = None) -> Figure:
    """Draw how often class k (row) was taken for class j (column).

    Only mistakes are coloured, by their share of the row: a coloured diagonal would drown them.

    Parameters
    ----------
    counts
        ``(K, K)``: ``counts[k, j]`` examples of class k were classified as j.
    labels
        Names of the classes; their numbers by default.
    """
    K = len(counts)
    labels = list(map(str, range(K))) if labels is None else labels
    if len(labels) != K:
        raise ValueError(f"expected {K} labels, got {len(labels)}")
    off_diagonal = ~np.eye(K, dtype=bool)
    share = np.where(off_diagonal, counts / np.maximum(counts.sum(1, keepdims=True), 1), 0.0)
    top = max(share.max(), 1e-12)
    fig = figure(height=5.2)
    ax = fig.add_subplot()
    ax.imshow(share, cmap="Oranges", vmin=0, vmax=1.6 * top)
    for k in range(K):
        for j in range(K):
            text = ax.text(j, k, str(counts[k, j]), ha="center", va="center")
            text.set(color=INK if counts[k, j] else MUTED, weight="bold" if k == j else "normal")
    ax.set_xticks(range(K), labels)
    ax.set_yticks(range(K), labels)
    ax.set_xticks(np.arange(K + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(K + 1) - 0.5, minor=True)
    ax.grid(visible=True, which="minor")
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="predicted class", ylabel="true class")
    return fig


@checked
@styled
def mistakes(
    images: Shaped[np.ndarray, "N H W"],
    true: Int[np.ndarray, "N"],
    predicted: Int[np.ndarray, "N"],
    *,
    columns: int = 6,
) -> Figure:
    """Draw misread digits in a grid, each with "true → predicted" above it.

    Parameters
    ----------
    images
        ``(N, H, W)``, at least one.
    true, predicted
        ``(N,)``: the classes.
    columns
        Images in a row of the grid.
    """
    if len(images) == 0:
        raise ValueError("expected at least one image, got none")
    rows = -(-len(images) // columns)
    fig = figure(height=1.2 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(images) :]:
        ax.set_axis_off()
    for ax, image, k, j in zip(axes, images, true, predicted, strict=False):
        show_image(ax, image)
        ax.set_title(f"{k} → {j}", loc="center", color=INK if k == j else VERMILLION)
    return fig


@checked
@styled
def augmentation_grid(
    originals: Shaped[np.ndarray, "N H W"], variants: Shaped[np.ndarray, "M N H W"]
) -> Figure:
    """Draw N images in a row, and below each the M variants made of it.

    ``originals`` is ``(N, H, W)``, ``variants`` ``(M, N, H, W)``.
    """
    M, N = variants.shape[:2]
    if M * N == 0:
        raise ValueError(f"expected at least one variant of one image, got {M} of {N}")
    fig = figure(height=(M + 1) * 5.4 / N + 0.5)
    axes = fig.subplots(M + 1, N, squeeze=False)
    for row, images in zip(axes, [originals, *variants], strict=True):
        for ax, image in zip(row, images, strict=True):
            show_image(ax, image)
    axes[0, 0].set_title("original")
    axes[1, 0].set_title("distorted")
    for ax in axes[0]:
        ax.spines[:].set(color=BLUE, linewidth=1.5)
    return fig
