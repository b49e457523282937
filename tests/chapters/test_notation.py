"""The equations of the opening page and of the notation, in float64 against their code."""

import numpy as np
import pytest
import torch

from lstmlib.numpy import lstm_step
from lstmlib.weights import to_torch


@pytest.mark.parametrize("seed", range(5))
def test_a_step_of_torch(seed):
    """eq-intro-cell, eq-notation-lstm: the step, and that of torch.nn.LSTMCell with its weights."""
    rng = np.random.default_rng(seed)
    B, D, H = rng.integers(1, 7, size=3)
    x, h, c = rng.normal(size=(B, D)), *rng.normal(size=(2, B, H))
    params = {"W_x": (4 * H, D), "W_h": (4 * H, H), "b": (4 * H,)}
    params = {name: rng.normal(size=shape) for name, shape in params.items()}
    state, _ = lstm_step(x, (h, c), **params)
    cell = torch.nn.LSTMCell(D, H, dtype=torch.float64)
    weights = to_torch(params).items()
    cell.load_state_dict({k.removesuffix("_l0"): torch.from_numpy(v) for k, v in weights})
    with torch.no_grad():
        expected = cell(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))
    for ours, theirs in zip(state, expected, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-12


def test_the_lines_of_the_opening_page(rng):
    """eq-intro-cell: entry by entry, from the gates that the step keeps."""
    B, D, H = 3, 2, 4
    x, h, c = rng.normal(size=(B, D)), *rng.normal(size=(2, B, H))
    W_x, W_h, b = (rng.normal(size=shape) for shape in ((4 * H, D), (4 * H, H), (4 * H,)))
    state, cache = lstm_step(x, (h, c), W_x, W_h, b)
    for n, k in np.ndindex(B, H):
        c_t = cache.f[n, k] * c[n, k] + cache.i[n, k] * cache.g[n, k]
        assert state.c[n, k] == pytest.approx(c_t, rel=1e-12)
        assert state.h[n, k] == pytest.approx(cache.o[n, k] * np.tanh(c_t), rel=1e-12)
