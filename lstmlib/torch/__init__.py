"""Recurrent networks with autograd: cells, the models of the book, their training and files."""

from lstmlib.torch.cells import (
    ConvLSTMCell,
    GRUCell,
    LSTMCell,
    PeepholeLSTMCell,
    RNNCell,
    unroll,
)
from lstmlib.torch.checkpoints import CheckpointError, load_model, pretrained, save_model
from lstmlib.torch.models import CharModel, Forecaster, RowClassifier
from lstmlib.torch.training import (
    History,
    TrainingDivergedError,
    TrainingInterrupted,
    evaluate,
    fit,
    sample,
)

__all__ = [
    "CharModel",
    "CheckpointError",
    "ConvLSTMCell",
    "Forecaster",
    "GRUCell",
    "History",
    "LSTMCell",
    "PeepholeLSTMCell",
    "RNNCell",
    "RowClassifier",
    "TrainingDivergedError",
    "TrainingInterrupted",
    "evaluate",
    "fit",
    "load_model",
    "pretrained",
    "sample",
    "save_model",
    "unroll",
]
