"""Recurrent networks in NumPy, with every derivative by hand.

Layers are small objects with ``params`` and ``grads`` (dicts with the same keys and shapes):
``forward`` computes, ``backward`` takes the gradients of what forward returned, fills ``grads`` and
returns the gradients of what forward was given. Arrays are time-major: x is (T, B, D), h is (T, B,
H).
"""

from lstmlib.numpy.activations import (
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    tanh,
    tanh_derivative,
)
from lstmlib.numpy.ann import MLP, Dense
from lstmlib.numpy.gradcheck import gradcheck
from lstmlib.numpy.gru import GRU, gru_step, gru_step_backward
from lstmlib.numpy.init import glorot, identity, orthogonal, uniform
from lstmlib.numpy.losses import mean_squared_error, softmax_cross_entropy
from lstmlib.numpy.lstm import LSTM, LSTMState, lstm_step, lstm_step_backward
from lstmlib.numpy.network import Network, train
from lstmlib.numpy.optim import SGD, Adam, RMSProp, clip_grad_norm
from lstmlib.numpy.rnn import RNN, rnn_step, rnn_step_backward
from lstmlib.numpy.wrappers import Bidirectional, Stacked

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "SGD",
    "Adam",
    "Bidirectional",
    "Dense",
    "LSTMState",
    "Network",
    "RMSProp",
    "Stacked",
    "clip_grad_norm",
    "glorot",
    "gradcheck",
    "gru_step",
    "gru_step_backward",
    "identity",
    "lstm_step",
    "lstm_step_backward",
    "mean_squared_error",
    "orthogonal",
    "relu",
    "relu_derivative",
    "rnn_step",
    "rnn_step_backward",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
    "tanh_derivative",
    "train",
    "uniform",
]
