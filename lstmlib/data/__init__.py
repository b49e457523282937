"""Texts, digits and series, and the batches that models are trained on. Works offline."""

from lstmlib.data.digits import Digits, RowBatches, digits, distort, mnist, rows
from lstmlib.data.observed import co2, economy, sea_temperature, sunspots
from lstmlib.data.series import (
    WindowBatches,
    ice_cream,
    quarterly_revenue,
    random_walk,
    windows,
)
from lstmlib.data.tasks import adding, latch
from lstmlib.data.text import (
    Streams,
    Vocabulary,
    shakespeare,
    tiny_shakespeare,
    train_valid_split,
)

__all__ = [
    "Digits",
    "RowBatches",
    "Streams",
    "Vocabulary",
    "WindowBatches",
    "adding",
    "co2",
    "digits",
    "distort",
    "economy",
    "ice_cream",
    "latch",
    "mnist",
    "quarterly_revenue",
    "random_walk",
    "rows",
    "sea_temperature",
    "shakespeare",
    "sunspots",
    "tiny_shakespeare",
    "train_valid_split",
    "windows",
]
