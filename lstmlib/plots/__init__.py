"""Figures from plain arrays, in one style.

Every function takes arrays, draws one figure of the book and returns it as a matplotlib ``Figure``.
Nothing here knows a model, and nothing touches matplotlib's global state: figures are made without
``pyplot``, so there is nothing to close and no default is changed. A notebook shows the figure that
is the last value of a cell.
"""

from lstmlib.plots.charts import curves, heat_map, runs
from lstmlib.plots.digits import (
    augmentation_grid,
    belief_by_row,
    confusion_matrix,
    digit_as_rows,
    mistakes,
)
from lstmlib.plots.text import next_symbol_bars
from lstmlib.plots.training import loss_curves

__all__ = [
    "augmentation_grid",
    "belief_by_row",
    "confusion_matrix",
    "curves",
    "digit_as_rows",
    "heat_map",
    "loss_curves",
    "mistakes",
    "next_symbol_bars",
    "runs",
]
