"""The split of dc_T/dc_t against autograd, against a sum over paths, and where one part is 0."""

import numpy as np
import pytest
import torch

from lstmlib.analysis import cell_path
from lstmlib.numpy import LSTM, lstm_step

SIZES = [(6, 3, 2, 4), (1, 2, 3, 1), (9, 1, 1, 5)]


def example(T, B, D, H, seed, size=1.5):
    rng = np.random.default_rng(seed)
    params = LSTM(D, H, rng=rng).params
    params = {name: size * p for name, p in params.items()}
    return params, rng.normal(size=(T, B, D)), tuple(rng.normal(size=(2, B, H)))


def states(params, x, state):
    caches = []
    for x_t in x:
        state, cache = lstm_step(x_t, tuple(state), **params)
        caches.append(cache)
    return caches


def rest_of_the_way(c, o, x, params):
    """c_T from c_t: h_t = o_t tanh(c_t), then the steps after it, in torch."""
    W_x, W_h, b = (torch.from_numpy(params[name]) for name in ("W_x", "W_h", "b"))
    h = o * torch.tanh(c)
    for x_t in torch.from_numpy(x):
        i, f, g, o = (W_x @ x_t + W_h @ h + b).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * torch.tanh(c)
    return c


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_sum_is_the_total_derivative(sizes, seed):
    params, x, state = example(*sizes, seed)
    caches = states(params, x, state)
    total = cell_path(params, x, state).total
    for t, b in np.ndindex(total.shape[:2]):
        o = torch.from_numpy(caches[t].o[b])
        expected = torch.autograd.functional.jacobian(
            lambda c, t=t, b=b, o=o: rest_of_the_way(c, o, x[t + 1 :, b], params),
            torch.from_numpy(caches[t].c[b]),
        ).numpy()
        assert np.abs(total[t, b] - expected).max() < 1e-12 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("seed", range(3))
def test_direct_is_the_product_of_forget_gates(seed):
    params, x, state = example(7, 2, 3, 4, seed)
    caches = states(params, x, state)
    direct = cell_path(params, x, state).direct
    assert (direct[-1] == 1).all()
    for t in range(7):
        expected = np.prod([np.ones((2, 4)), *(cache.f for cache in caches[t + 1 :])], axis=0)
        assert np.abs(direct[t] - expected).max() < 1e-14


def test_without_a_way_back_from_h_only_the_direct_path_is_left():
    params, x, state = example(8, 2, 3, 4, seed=0)
    params["W_h"] = np.zeros_like(params["W_h"])
    path = cell_path(params, x, state)
    assert (path.through_h == 0).all()
    assert (path.direct > 0).all()


def test_nothing_has_left_the_cell_at_the_last_step():
    params, x, state = example(5, 2, 3, 4, seed=1)
    path = cell_path(params, x, state)
    assert (path.through_h[-1] == 0).all()
    assert (path.through_h[-2] != 0).any()


def test_examples_of_a_batch_do_not_mix():
    params, x, state = example(5, 3, 2, 4, seed=2)
    whole = cell_path(params, x, state)
    for b in range(3):
        one = cell_path(params, x[:, [b]], tuple(s[[b]] for s in state))
        for part, single in zip(whole, one, strict=True):
            np.testing.assert_allclose(part[:, b], single[:, 0], rtol=1e-12, atol=1e-14)


def test_the_state_starts_at_zero():
    params, x, _ = example(5, 3, 2, 4, seed=2)
    zeros = np.zeros((3, 4)), np.zeros((3, 4))
    for part, same in zip(cell_path(params, x), cell_path(params, x, zeros), strict=True):
        assert (part == same).all()


@pytest.mark.parametrize("name", ["W_x", "W_h", "b"])
def test_params_that_do_not_fit(name):
    params, x, state = example(3, 2, 3, 4, seed=0)
    params[name] = params[name][:-1]
    with pytest.raises(ValueError, match="expected params"):
        cell_path(params, x, state)


def test_no_steps():
    params, x, state = example(3, 2, 3, 4, seed=0)
    with pytest.raises(ValueError, match="expected params"):
        cell_path(params, x[:0], state)
