"""The trace is what the layer computes; the half-life is that of a cell with constant gates."""

import numpy as np
import pytest
import torch

from lstmlib.analysis import half_life, trace_gates
from lstmlib.numpy import LSTM
from lstmlib.weights import from_torch

T, B, D, H = 7, 3, 4, 5


def test_states_are_those_of_the_layer():
    rng = np.random.default_rng(0)
    layer = LSTM(D, H, rng=rng)
    x, start = rng.normal(size=(T, B, D)), (rng.normal(size=(B, H)), rng.normal(size=(B, H)))
    h, end = layer.forward(x, start)
    trace = trace_gates(layer.params, x, start)
    np.testing.assert_allclose(trace.h, h, atol=1e-12)
    np.testing.assert_allclose(trace.c[-1], end.c, atol=1e-12)
    before = np.concatenate([start[1][None], trace.c[:-1]])
    np.testing.assert_allclose(trace.c, trace.f * before + trace.i * trace.g, atol=1e-12)
    np.testing.assert_allclose(trace.h, trace.o * np.tanh(trace.c), atol=1e-12)


def test_the_same_for_a_layer_of_pytorch():
    torch.manual_seed(0)
    layer = torch.nn.LSTM(D, H, dtype=torch.float64)
    x = torch.randn(T, B, D, dtype=torch.float64)
    with torch.no_grad():
        h, (_, c) = layer(x)
    trace = trace_gates(from_torch(layer.state_dict()), x.numpy())
    np.testing.assert_allclose(trace.h, h.numpy(), atol=1e-12)
    np.testing.assert_allclose(trace.c[-1], c[0].numpy(), atol=1e-12)


@pytest.mark.parametrize("bias", [-2.0, 0.0, 3.0])
def test_a_cell_with_constant_gates_halves_in_its_half_life(bias):
    layer = LSTM(D, H, rng=np.random.default_rng(0), forget_bias=bias)
    for name in ("W_x", "W_h"):
        layer.params[name][...] = 0
    layer.params["b"][:H] = -1e3  # input gates shut: the cell only forgets
    start = np.zeros((B, H)), np.ones((B, H))
    trace = trace_gates(layer.params, np.zeros((T, B, D)), start)
    np.testing.assert_allclose(
        trace.c[-1] ** (1 / T), 0.5 ** (1 / half_life(trace.f)[None]) * np.ones((B, 1))
    )


def test_a_gate_that_is_always_open_never_forgets():
    assert np.isinf(half_life(np.ones((T, B, H)))).all()
    with pytest.raises(ValueError, match="above 0 and up to 1, got 0.0 to 0.0"):
        half_life(np.zeros((T, B, H)))
