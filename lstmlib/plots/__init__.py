"""Figures from plain arrays, in one style.

Every function takes arrays, draws one figure of the book and returns it as a matplotlib ``Figure``.
Nothing here knows a model, and nothing touches matplotlib's global state: figures are made without
``pyplot``, so there is nothing to close and no default is changed. A notebook shows the figure that
is the last value of a cell.
"""

from lstmlib.plots.cell import lstm_blocks, lstm_cell, lstm_valves
from lstmlib.plots.cell_gradient import cell_gradient
from lstmlib.plots.charts import curves, heat_map, runs
from lstmlib.plots.digits import (
    augmentation_grid,
    belief_by_row,
    confusion_matrix,
    digit_as_rows,
    mistakes,
)
from lstmlib.plots.graph import gradient_paths, step_graph
from lstmlib.plots.inside import digit_saliency, gates_along_text, painted_text
from lstmlib.plots.layers import hidden_layer, two_planes
from lstmlib.plots.recurrence import sequence_tasks, unrolled, wiring
from lstmlib.plots.series import forecast_fan, rolling_origins, series_panels
from lstmlib.plots.text import next_symbol_bars
from lstmlib.plots.training import loss_curves
from lstmlib.plots.variants import films, lstm_and_gru

__all__ = [
    "augmentation_grid",
    "belief_by_row",
    "cell_gradient",
    "confusion_matrix",
    "curves",
    "digit_as_rows",
    "digit_saliency",
    "films",
    "forecast_fan",
    "gates_along_text",
    "gradient_paths",
    "heat_map",
    "hidden_layer",
    "loss_curves",
    "lstm_and_gru",
    "lstm_blocks",
    "lstm_cell",
    "lstm_valves",
    "mistakes",
    "next_symbol_bars",
    "painted_text",
    "rolling_origins",
    "runs",
    "sequence_tasks",
    "series_panels",
    "step_graph",
    "two_planes",
    "unrolled",
    "wiring",
]
