"""Measures taken from a model: plain arrays in, plain arrays out."""

from lstmlib.analysis.backward import back_through, saliency
from lstmlib.analysis.cell_path import CellPath, cell_path
from lstmlib.analysis.features import text_features
from lstmlib.analysis.gates import GateTrace, half_life, trace_gates
from lstmlib.analysis.gradients import jacobian_products, lag_bound, lag_norms, rnn_jacobians
from lstmlib.analysis.units import (
    best_substitute,
    correlations,
    duplicate_units,
    find_units,
    removal_order,
    still_units,
    substitute_units,
)

__all__ = [
    "CellPath",
    "GateTrace",
    "back_through",
    "best_substitute",
    "cell_path",
    "correlations",
    "duplicate_units",
    "find_units",
    "half_life",
    "jacobian_products",
    "lag_bound",
    "lag_norms",
    "removal_order",
    "rnn_jacobians",
    "saliency",
    "still_units",
    "substitute_units",
    "text_features",
    "trace_gates",
]
