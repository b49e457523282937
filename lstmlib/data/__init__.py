"""Texts, digits and series, and the batches that models are trained on. Works offline."""

from lstmlib.data.digits import Digits, RowBatches, digits, distort, mnist, rows
from lstmlib.data.series import windows
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
    "adding",
    "digits",
    "distort",
    "latch",
    "mnist",
    "rows",
    "shakespeare",
    "tiny_shakespeare",
    "train_valid_split",
    "windows",
]
