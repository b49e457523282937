"""Tables that are computed from arrays: their shapes, and how far two sets of them agree.

A table is a list of rows. A notebook shows it as HTML, ``print`` as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from lstmlib._shapes import checked

STACKED = 2, 3, 4  # blocks of H rows: two directions, three gates of a GRU, four of an LSTM


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first cell of a row is its name."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join(padded)

    def _repr_html_(self) -> str:
        names = (f'<th scope="col">{escape(cell)}</th>' for cell in self.header)
        head = "".join(names).replace('<th scope="col"></th>', "<td></td>")  # a corner
        lines = [f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"]
        for name, *cells in self.rows:
            data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            lines.append(f'<tr><th scope="row"><code>{escape(name)}</code></th>{data}</tr>')
        return "\n".join([*lines, "</tbody>\n</table>"])


@checked
def shape_table(arrays: Mapping[str, np.ndarray], **sizes: int) -> Table:
    """Make a table of the shapes of arrays, in letters and in numbers.

    Parameters
    ----------
    arrays
        ``{name: array}``, such as a layer's ``params``.
    sizes
        What the letters stand for: ``B=5, D=3, H=2``. With H come 2H, 3H and 4H, the stacked gates.
        An axis with the length of none of them appears as its number.

    Returns
    -------
    table
        name, such as ``W_x``; axes, such as ``(4H, D)``; shape, such as ``(8, 3)``.

    Raises
    ------
    ValueError
        An axis could be two of the sizes: a table of a network with D = H would prove nothing.
    """
    if "H" in sizes:
        lengths = sizes | {f"{k}H": k * sizes["H"] for k in STACKED}
    else:
        lengths = sizes

    def letter(name: str, n: int) -> str:
        fits = [symbol for symbol, size in lengths.items() if size == n]
        if len(fits) > 1:
            raise ValueError(
                f"an axis of {name}, of shape {arrays[name].shape}, is {' or '.join(fits)}: "
                f"all are {n}, choose sizes that differ"
            )
        return fits[0] if fits else str(n)

    rows = []
    for name, a in arrays.items():
        axes = [letter(name, n) for n in a.shape]
        rows.append((name, _tuple(axes), _tuple([str(n) for n in a.shape])))
    return Table(("name", "axes", "shape"), tuple(rows))


@checked
def comparison_table(
    ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], *, tolerance: float = 1e-12
) -> Table:
    """Make a table of how far two sets of arrays agree, one row a name.

    After the comparison of Karpathy's lecture on backpropagation: each intermediate result beside
    that of another computation. Whether two are exactly equal can change with the processor, whose
    order of additions rounds differently: a notebook's cell that shows this table has the tag
    ``sample``, and another asserts the claim.

    Parameters
    ----------
    ours, theirs
        Arrays by name, the same names and shapes in both.
    tolerance
        The largest difference, relative to the largest entry of ``theirs``, that counts as
        rounding.

    Returns
    -------
    table
        name; exact: the same to the last bit; approximate: within the tolerance; largest
        difference: ``0``, ``below 1e-12`` (the tolerance), or the number where it is more.

    Raises
    ------
    ValueError
        The names or the shapes differ.
    """
    if ours.keys() != theirs.keys():
        raise ValueError(f"ours has {', '.join(ours)}; theirs has {', '.join(theirs)}")
    rows = []
    for name, a in ours.items():
        b = theirs[name]
        if a.shape != b.shape:
            raise ValueError(f"{name} has shape {a.shape} in ours, {b.shape} in theirs")
        difference = float(np.max(np.abs(a - b), initial=0))
        difference /= float(np.max(np.abs(b), initial=0)) or 1.0
        exact, approximate = np.array_equal(a, b), difference <= tolerance
        size = f"below {tolerance:.0e}" if approximate else f"{difference:.1e}"
        rows.append((name, _yes(exact), _yes(approximate), "0" if exact else size))
    return Table(("name", "exact", "approximate", "largest difference"), tuple(rows))


def _tuple(parts: list[str]) -> str:
    """Write a shape as Python does: (3,) with one axis."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"
