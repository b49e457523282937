"""The essential statements of appendix/sources_and_corrections.ipynb, for random networks.

What is right is compared with autograd or central differences; what the sources say must differ.
"""

import numpy as np
import pytest
import torch

from lstmlib.analysis import cell_path
from lstmlib.numpy import LSTM, RNN, gru_step, lstm_step, lstm_step_backward, softmax
from lstmlib.torch import ConvLSTMCell

SEEDS = pytest.mark.parametrize("seed", range(5))
EXACT = 1e-12


def sizes(seed):
    """A generator, and T, D, H."""
    rng = np.random.default_rng(seed)
    return rng, *(int(n) for n in rng.integers(3, 7, size=3))


def torch_lstm(x, state, W_x, W_h, b):
    """Every (h, c) of an LSTM in torch, for one example: x (T, D)."""
    h, c = state
    states = []
    for x_t in x:
        z_i, z_f, z_g, z_o = (W_x @ x_t + W_h @ h + b).chunk(4)
        c = z_f.sigmoid() * c + z_i.sigmoid() * z_g.tanh()
        h = z_o.sigmoid() * c.tanh()
        states.append((h, c))
    return states


def lstm_weights(rng, D, H):
    return rng.normal(size=(4 * H, D)), rng.normal(size=(4 * H, H)), rng.normal(size=4 * H)


@SEEDS
def test_the_product_rule_has_two_terms(seed):
    """eq-bptt-forward: with the immediate term it is autograd's, as (5.11) has it it is zero."""
    rng, T, D, H = sizes(seed)
    W_x, W_h, x = rng.normal(size=(H, D)), rng.normal(size=(H, H)), rng.normal(size=(T, D))

    def last(W_h):
        h = torch.zeros(H, dtype=torch.float64)
        for x_t in torch.from_numpy(x):
            h = torch.tanh(torch.from_numpy(W_x) @ x_t + W_h @ h)
        return h

    expected = torch.autograd.functional.jacobian(last, torch.from_numpy(W_h)).numpy()
    h, right, printed = np.zeros(H), np.zeros((H, H, H)), np.zeros((H, H, H))
    for x_t in x:
        h_prev, h = h, np.tanh(W_x @ x_t + W_h @ h)
        through = np.einsum("jk,kab->jab", W_h, right)
        immediate = np.einsum("ja,b->jab", np.eye(H), h_prev)
        right = (1 - h**2)[:, None, None] * (immediate + through)
        printed = (1 - h**2)[:, None, None] * np.einsum("jk,kab->jab", W_h, printed)
    assert np.abs(right - expected).max() < EXACT
    assert np.abs(expected).max() > 1e-3
    assert not printed.any()


@SEEDS
def test_elmans_gradient_is_one_step_long_and_the_network_is_not(seed):
    """eq-bptt-elman: truncated at one step it is autograd's with h_{t−1} detached."""
    rng, T, D, H = sizes(seed)
    layer = RNN(D, H, rng=rng)
    x, dh = rng.normal(size=(T, 2, D)), rng.normal(size=(T, 2, H))
    h, _ = layer.forward(x)
    layer.backward(dh, truncate=1)
    params = {k: torch.from_numpy(p).requires_grad_() for k, p in layer.params.items()}
    h_t = torch.zeros(2, H, dtype=torch.float64)
    for x_t, dh_t in zip(torch.from_numpy(x), torch.from_numpy(dh), strict=True):
        h_t = x_t @ params["W_x"].T + h_t.detach() @ params["W_h"].T + params["b"]
        h_t = torch.tanh(h_t)
        (h_t * dh_t).sum().backward()
    for name, parameter in params.items():
        assert np.abs(layer.grads[name] - parameter.grad.numpy()).max() < EXACT
    x[0] += 1
    assert (layer.forward(x)[0][-1] != h[-1]).any()


@SEEDS
def test_a_small_norm_is_sufficient_and_a_large_one_is_not(seed):
    """eq-vanishing-bound: below 1 every product is bounded; above 1 it may vanish all the same."""
    rng, T, _, H = sizes(seed)
    W = rng.normal(size=(H, H))
    W *= 0.9 / np.linalg.norm(W, 2)
    product = np.eye(H)
    for k in range(1, T + 1):
        slopes = rng.uniform(0, 1, size=H)  # of tanh, at any states
        product = slopes[:, None] * W @ product
        assert np.linalg.norm(product, 2) <= 0.9**k * (1 + EXACT)
    sheared = 0.5 * np.eye(H) + np.triu(np.full((H, H), 9.0), 1)
    assert np.linalg.norm(sheared, 2) > 8
    assert np.linalg.norm(np.linalg.matrix_power(sheared, 200), 2) < 1e-20


@SEEDS
def test_examples_share_weights_and_their_gradients_add(seed):
    """eq-lstm-parameters, eq-lstmback-weights: no shape has a batch axis."""
    rng, T, D, H = sizes(seed)
    B = 4
    layer = LSTM(D, H, rng=rng)
    x, dh = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    total = dict.fromkeys(layer.params, 0)
    for b in range(B):
        layer.forward(x[:, b : b + 1])
        layer.backward(dh[:, b : b + 1])
        total = {name: total[name] + g for name, g in layer.grads.items()}
    layer.forward(x)
    layer.backward(dh)
    shapes = {"W_x": (4 * H, D), "W_h": (4 * H, H), "b": (4 * H,)}
    for name, shape in shapes.items():
        assert layer.params[name].shape == layer.grads[name].shape == shape
        assert np.abs(layer.grads[name] - total[name]).max() < EXACT


@pytest.mark.parametrize("K", [2, 10, 67])
def test_softmax_of_a_hidden_state_is_never_sure(K, rng):
    """eq-rnn-softmax-bound, eq-rnn-readout: without a read-out no probability is above it."""
    h = np.tanh(10 * rng.normal(size=(1000, K)))
    ceiling = 1 / (1 + (K - 1) * np.exp(-2))
    assert softmax(h).max() <= ceiling
    best = np.append(1.0, -np.ones(K - 1))
    assert softmax(best)[0] == pytest.approx(ceiling, rel=EXACT)


@SEEDS
def test_the_hidden_state_is_bounded_by_its_tanh(seed):
    """eq-lstm-hidden: |h| < 1 where o c, without tanh, is not."""
    rng, _, D, H = sizes(seed)
    W_x, W_h, b = np.zeros((4 * H, D)), np.zeros((4 * H, H)), rng.uniform(4, 8, size=4 * H)
    state = np.zeros((1, H)), np.zeros((1, H))
    for _ in range(10):
        state, cache = lstm_step(np.zeros((1, D)), tuple(state), W_x, W_h, b)
    assert (np.abs(state.h) < 1).all()
    assert (cache.o * state.c > 5).all()


@SEEDS
def test_what_comes_back_from_the_next_step(seed):
    """eq-lstmback-dc, eq-lstmback-dh, eq-lstmback-dh-prev: what is added makes it autograd's.

    Left out, as (5.40) and (5.42) have it, the gradient is another one.
    """
    rng, T, D, H = sizes(seed)
    weights = lstm_weights(rng, D, H)
    x, dh = rng.normal(size=(T, D)), rng.normal(size=(T, H))
    leaves = [torch.from_numpy(w).requires_grad_() for w in weights]
    zero = torch.zeros(H, dtype=torch.float64)
    states = torch_lstm(torch.from_numpy(x), (zero, zero), *leaves)
    sum((h * torch.from_numpy(d)).sum() for (h, _), d in zip(states, dh, strict=True)).backward()
    expected = leaves[1].grad.numpy()

    state, caches = (np.zeros((1, H)), np.zeros((1, H))), []
    for x_t in x:
        state, cache = lstm_step(x_t[None], tuple(state), *weights)
        caches.append(cache)
    for carried in (True, False):
        back, found = (np.zeros((1, H)), np.zeros((1, H))), 0
        for cache, dh_t in zip(reversed(caches), reversed(dh), strict=True):
            dstate = (dh_t + back[0], back[1]) if carried else (dh_t[None], np.zeros((1, H)))
            _, back, grads = lstm_step_backward(dstate, cache)
            found = found + grads["W_h"]
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert error < EXACT if carried else error > 1e-2


@SEEDS
def test_the_cells_gradient_has_a_direct_path_and_others(seed):
    """eq-lstmback-split, eq-lstmback-direct: ∏ f alone is not dc_T/dc_t."""
    rng, T, D, H = sizes(seed)
    weights = lstm_weights(rng, D, H)
    x = rng.normal(size=(T, D))
    path = cell_path(dict(zip(("W_x", "W_h", "b"), weights, strict=True)), x[:, None])
    zero = torch.zeros(H, dtype=torch.float64)
    W_x, W_h, b = (torch.from_numpy(w) for w in weights)
    (h_1, c_1), *_ = torch_lstm(torch.from_numpy(x[:1]), (zero, zero), W_x, W_h, b)
    o_1 = (W_x @ torch.from_numpy(x[0]) + b).chunk(4)[3].sigmoid()
    assert torch.allclose(h_1, o_1 * c_1.tanh())

    def last(c):
        return torch_lstm(torch.from_numpy(x[1:]), (o_1 * c.tanh(), c), W_x, W_h, b)[-1][1]

    expected = torch.autograd.functional.jacobian(last, c_1).numpy()
    assert np.abs(path.total[0, 0] - expected).max() < EXACT * max(1, np.abs(expected).max())
    assert np.abs(np.diag(path.direct[0, 0]) - expected).max() > 1e-3 * np.abs(expected).max()


@SEEDS
def test_two_misprints_and_one_order_of_factors(seed):
    """eq-lstmback-weights: outer products with the gate's own delta; (5.51) as printed is not."""
    rng, _, D, H = sizes(seed)
    W_x, W_h, b = lstm_weights(rng, D, H)
    x, (h_prev, c_prev, dh) = rng.normal(size=D), rng.normal(size=(3, H))

    def loss(W_h):
        state, _ = lstm_step(x[None], (h_prev[None], c_prev[None]), W_x, W_h, b)
        return dh @ state.h[0]

    numeric = np.zeros_like(W_h)
    for index in np.ndindex(W_h.shape):
        step = np.zeros_like(W_h)
        step[index] = 1e-6
        numeric[index] = (loss(W_h + step) - loss(W_h - step)) / 2e-6
    _, cache = lstm_step(x[None], (h_prev[None], c_prev[None]), W_x, W_h, b)
    o, g, i, c = cache.o[0], cache.g[0], cache.i[0], cache.c[0]
    do, dg = dh * np.tanh(c), dh * o * (1 - np.tanh(c) ** 2) * i
    rows = slice(2 * H, 3 * H)
    assert np.abs(np.outer(dg * (1 - g**2), h_prev) - numeric[rows]).max() < 1e-8
    printed = np.outer(do * (1 - g**2), h_prev)
    assert np.abs(printed - numeric[rows]).max() > 1e-2 * np.abs(numeric[rows]).max()


@SEEDS
def test_a_gru_keeps_what_it_does_not_take(seed):
    """eq-variants-gru: h_t lies between h_{t−1} and the candidate, and is the only state."""
    rng, _, D, H = sizes(seed)
    weights = [rng.normal(size=shape) for shape in ((3 * H, D), (3 * H, H), (3 * H,), (H,))]
    h_prev = rng.normal(size=(2, H))
    h, cache = gru_step(rng.normal(size=(2, D)), h_prev, *weights)
    low, high = np.minimum(h_prev, cache.n), np.maximum(h_prev, cache.n)
    assert ((low - EXACT <= h) & (h <= high + EXACT)).all()
    assert np.abs((h - cache.n) / (h_prev - cache.n) - cache.z).max() < 1e-9


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_a_convlstm_hears_its_neighbours_alone(kernel_size):
    """eq-variants-convlstm: a pixel of h reaches a window of one kernel in a step."""
    torch.manual_seed(kernel_size)
    cell = ConvLSTMCell(1, 2, kernel_size).double()
    h = torch.zeros(1, 2, 11, 11, dtype=torch.float64)
    touched = h.clone()
    touched[0, :, 5, 5] = 1
    with torch.no_grad():
        change = cell(h[:, :1], (touched, h + 1))[0] - cell(h[:, :1], (h, h + 1))[0]
    reached = change.abs().amax(dim=(0, 1)) > 0
    half = kernel_size // 2
    window = slice(5 - half, 5 + half + 1)
    assert reached[window, window].all()
    assert reached.sum() == kernel_size**2
