"""Lines, repeated runs and tables of numbers: the figures that every chapter needs."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._style import BLUE, INK, LINES, MUTED, figure, styled


@checked
@styled
def curves(
    lines: Mapping[str, tuple],
    xlabel: str,
    ylabel: str,
    *,
    xscale: Literal["linear", "log"] = "linear",
    yscale: Literal["linear", "log"] = "linear",
    references: Mapping[str, float | int] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw y against x, one line a name; of repeated runs the median, and their range as a band.

    Parameters
    ----------
    lines
        ``{name: (x, y)}``: x has N entries, y as many, or (S, N) of S repeated runs. At most four.
    xlabel, ylabel
        What the axes show, with units.
    xscale, yscale
        "linear" or "log".
    references
        ``{name: y}``: horizontal lines to compare with, such as a bound.

    Raises
    ------
    ValueError
        If there is no line or more than four, or x and y do not fit each other.
    """
    if not 1 <= len(lines) <= len(LINES):
        raise ValueError(f"expected 1 to {len(LINES)} lines, got {len(lines)}")
    fig = figure(height=3.4)
    ax = fig.add_subplot()
    for (name, line), (color, dash) in zip(lines.items(), LINES, strict=False):
        if len(line) != 2:
            raise ValueError(f"line {name!r}: expected (x, y), got {len(line)} entries")
        x, y = (np.asarray(part, dtype=float) for part in line)
        if x.ndim != 1 or x.size == 0 or y.ndim not in (1, 2) or y.shape[-1] != len(x):
            raise ValueError(
                f"line {name!r}: expected x of shape (N,) and y of shape (N,) or (S, N), "
                f"got {x.shape} and {y.shape}"
            )
        runs = np.atleast_2d(y)
        marker = "o" if len(x) <= 20 else ""
        ax.plot(x, np.median(runs, axis=0), dash, color=color, marker=marker, ms=4, label=name)
        if len(runs) > 1:
            ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.18, lw=0)
    for name, level in (references or {}).items():
        ax.axhline(level, color=MUTED, lw=1)
        ax.annotate(
            name, (1, level), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color=MUTED,
        )  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale, title=title or "")
    ax.grid(visible=True)
    if len(lines) > 1:
        ax.legend()
    return fig


@checked
@styled
def runs(
    results: Mapping[str, Sequence[float | int] | Float[np.ndarray, "S"]],
    xlabel: str,
    *,
    references: Mapping[str, float | int] | None = None,
) -> Figure:
    """Draw the result of every run as a point, a row for each name, and the median as a bar.

    Parameters
    ----------
    results
        ``{name: results}``: what each run, one a seed, came out with.
    xlabel
        What was measured, with units.
    references
        ``{name: x}``: vertical lines to compare with, such as the result of guessing.

    Raises
    ------
    ValueError
        If there is no name, or one without results.
    """
    if not results or not all(len(values) for values in results.values()):
        raise ValueError("expected at least one result for each name, and at least one name")
    fig = figure(height=0.9 + 0.42 * len(results))
    ax = fig.add_subplot()
    for row, values in enumerate(results.values()):
        ax.plot(values, np.full(len(values), row), "o", color=BLUE, ms=6, alpha=0.6, mew=0)
        ax.plot([np.median(values)] * 2, [row - 0.3, row + 0.3], color=INK, lw=2)
    for name, x in (references or {}).items():
        ax.axvline(x, color=MUTED, lw=1)
        ax.annotate(
            name, (x, 1), (3, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="left", va="bottom", color=MUTED,
        )  # fmt: skip
    ax.set_yticks(range(len(results)), list(results))
    ax.set(xlabel=xlabel, ylim=(len(results) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.grid(visible=True, axis="x")
    return fig


@checked
@styled
def heat_map(
    matrix: Float[np.ndarray, "R C"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    xlabel: str = "",
    ylabel: str = "",
    digits: int | None = 2,
) -> Figure:
    """Draw a matrix as coloured cells, blue above zero and red below, white at zero.

    Parameters
    ----------
    rows, columns
        The names of the R rows and the C columns.
    digits
        Digits after the point of the number written into each cell; None writes none.

    Raises
    ------
    ValueError
        If there are not as many names as rows or columns.
    """
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(
            f"expected {matrix.shape[0]} names of rows and {matrix.shape[1]} of columns, "
            f"got {len(rows)} and {len(columns)}"
        )
    R, C = matrix.shape
    fig = figure(height=0.9 + 0.4 * R)
    ax = fig.add_subplot()
    limit = max(np.abs(matrix).max(), 1e-12)
    ax.imshow(matrix, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    for r, c in np.ndindex(R, C) if digits is not None else ():
        ink = "white" if abs(matrix[r, c]) > 0.65 * limit else INK
        ax.text(c, r, f"{matrix[r, c]:.{digits}f}", ha="center", va="center", color=ink)
    ax.set_xticks(range(C), list(columns))
    ax.set_yticks(range(R), list(rows))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True)
    return fig
