"""The labelled equations of chapters/05_lstm.ipynb in float64, each by another computation."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import tensor

from lstmlib.numpy import (
    LSTM,
    RNN,
    Adam,
    Dense,
    LSTMState,
    Network,
    Stacked,
    lstm_step,
    mean_squared_error,
    softmax,
    softmax_cross_entropy,
    train,
)
from lstmlib.weights import to_torch

CHAPTER = "05_lstm"
GATES = "ifgo"
sizes = {
    "B": st.integers(1, 4),
    "D": st.integers(1, 5),
    "H": st.integers(1, 5),
    "seed": st.integers(0, 999),
}


def draw(B, D, H, seed):
    """Random inputs, states and weights, no bias 0."""
    rng = np.random.default_rng(seed)
    shapes = {"W_x": (4 * H, D), "W_h": (4 * H, H), "b": (4 * H,)}
    x, h, c = rng.normal(size=(B, D)), rng.uniform(-1, 1, size=(B, H)), rng.normal(size=(B, H))
    return x, (h, 2 * c), {name: rng.normal(size=shape) for name, shape in shapes.items()}


def scalar_sigmoid(z):
    return 1 / (1 + np.exp(-z))


def worst(a, b):
    """The largest difference relative to the largest entry."""
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-300)


def pre_activations(x, state, params):
    """Each gate's z of each example and unit, entry by entry: a dict of (B, H)."""
    W_x, W_h, b = params.values()
    h = state[0]
    (B, D), H = x.shape, h.shape[1]
    z = {gate: np.zeros((B, H)) for gate in GATES}
    for k, gate in enumerate(GATES):
        for n, j in np.ndindex(B, H):
            row = k * H + j
            z[gate][n, j] = b[row] + sum(W_x[row, d] * x[n, d] for d in range(D))
            z[gate][n, j] += sum(W_h[row, m] * h[n, m] for m in range(H))
    return z


def torch_layer(params, D, H):
    layer = torch.nn.LSTM(D, H, dtype=torch.float64)
    layer.load_state_dict({name: tensor(a) for name, a in to_torch(params).items()})
    return layer


@pytest.mark.parametrize("T", [1, 10, 1000])
def test_add(T, rng):
    """eq-lstm-add: autograd through a sum finds 1, through a product the power."""
    c_0 = tensor(0.3, dtype=torch.float64, requires_grad=True)
    c = h = c_0
    for u in rng.normal(size=T):
        c, h = c + u, 0.9 * h + u
    assert torch.autograd.grad(c, c_0)[0].item() == 1
    assert torch.autograd.grad(h, c_0)[0].item() == pytest.approx(0.9**T, rel=1e-12)


@given(**sizes)
@settings(max_examples=25, deadline=None)
def test_pre_activations(B, D, H, seed):
    """eq-lstm-preactivation, eq-lstm-batch: the gates' arguments are sums of single products."""
    x, state, params = draw(B, D, H, seed)
    _, cache = lstm_step(x, state, **params)
    z = pre_activations(x, state, params)
    for gate in "ifo":
        logit = np.log(getattr(cache, gate)) - np.log1p(-getattr(cache, gate))
        assert worst(logit, z[gate]) < 1e-9  # what σ squashes is hard to get back
    Z = x @ params["W_x"].T + state[0] @ params["W_h"].T + np.ones((B, 1)) @ params["b"][None]
    assert worst(Z, np.hstack(list(z.values()))) < 1e-12


@given(**sizes)
@settings(max_examples=25, deadline=None)
def test_step(B, D, H, seed):
    """eq-lstm-gates, eq-lstm-candidate, eq-lstm-cell, eq-lstm-hidden: loops, and torch's cell."""
    x, state, params = draw(B, D, H, seed)
    (h, c), cache = lstm_step(x, state, **params)
    z = pre_activations(x, state, params)
    for n, j in np.ndindex(B, H):
        i, f, o = (scalar_sigmoid(z[gate][n, j]) for gate in "ifo")
        g = np.tanh(z["g"][n, j])
        found = [a[n, j] for a in (cache.i, cache.f, cache.g, cache.o, c, h)]
        cell = f * state[1][n, j] + i * g
        assert found == pytest.approx([i, f, g, o, cell, o * np.tanh(cell)], rel=1e-11, abs=1e-12)
    theirs = torch.nn.LSTMCell(D, H, dtype=torch.float64)
    weights = {k.removesuffix("_l0"): tensor(a) for k, a in to_torch(params).items()}
    theirs.load_state_dict(weights)
    with torch.no_grad():
        h_torch, c_torch = theirs(tensor(x), tuple(map(tensor, state)))
    assert worst(h, h_torch.numpy()) < 1e-12
    assert worst(c, c_torch.numpy()) < 1e-12


@given(**sizes, T=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_unrolled(B, D, H, seed, T):
    """eq-lstm-unrolled: the weighted sum of all candidates, and its weights by autograd."""
    x, state, params = draw(B, D, H, seed)
    rng = np.random.default_rng(seed)
    h, c = state
    f, i, g = [], [], []
    for _ in range(T):
        (h, c), cache = lstm_step(rng.normal(size=x.shape), (h, c), **params)
        f.append(cache.f), i.append(cache.i), g.append(cache.g)
    expected = np.prod(f, axis=0) * state[1]
    for k in range(T):
        weight = np.ones((B, H))
        for j in range(k + 1, T):
            weight *= f[j]
        expected += weight * i[k] * g[k]
    assert worst(c, expected) < 1e-12


@pytest.mark.parametrize("f", [0.0, 0.5, 0.9, 0.999])
def test_constant(f, rng):
    """eq-lstm-constant: gates that stand still, step by step; where they lead; the half-life."""
    c_0, i, g = 3.0, 0.7, -0.4
    c = c_0
    for t in range(1, 60):
        c = f * c + i * g
        assert c == pytest.approx(f**t * c_0 + (1 - f**t) / (1 - f) * i * g, rel=1e-11)
    limit = i * g / (1 - f)
    assert f * limit + i * g == pytest.approx(limit, rel=1e-12)
    if f:
        half = np.log(0.5) / np.log(f)
        assert f**half == pytest.approx(0.5, rel=1e-12)


@given(**sizes, T=st.integers(1, 30), scale=st.floats(0.1, 30))
@settings(max_examples=25, deadline=None)
def test_bounds(B, D, H, seed, T, scale):
    """eq-lstm-bounds: h stays within 1, c grows by at most 1 a step (both with rounding)."""
    x, (h, c), params = draw(B, D, H, seed)
    params = {name: scale * a for name, a in params.items()}
    rng, c_0 = np.random.default_rng(seed), c
    for t in range(1, T + 1):
        before = c
        (h, c), _ = lstm_step(rng.normal(size=x.shape), (h, c), **params)
        assert (np.abs(h) <= 1).all()
        assert (np.abs(c) <= np.abs(before) + 1).all()
        assert (np.abs(c) <= np.abs(c_0) + t).all()


@given(**sizes)
@settings(max_examples=20, deadline=None)
def test_first(B, D, H, seed):
    """eq-lstm-first: neither W_h nor anything of the forget gate has a part in the first step."""
    x, _, params = draw(B, D, H, seed)
    nothing = np.zeros((B, H))
    h, c = lstm_step(x, (nothing, nothing), **params)[0]
    blocks = [np.split(params[name], 4) for name in ("W_x", "b")]
    z_i, z_g, z_o = (x @ blocks[0][k].T + blocks[1][k] for k in (0, 2, 3))
    c_1 = scalar_sigmoid(z_i) * np.tanh(z_g)
    assert worst(c, c_1) < 1e-12
    assert worst(h, scalar_sigmoid(z_o) * np.tanh(c_1)) < 1e-12


@given(H=st.integers(1, 6), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_silent(H, seed):
    """eq-lstm-silent: where a cell rests without input; from the equations alone, and stepping."""
    layer = LSTM(2, H, rng=np.random.default_rng(seed))
    rest = LSTMState(np.zeros((1, H)), np.zeros((1, H)))
    for _ in range(4):
        rest = layer.forward(np.zeros((500, 1, 2)), rest)[1]
    z_i, z_f, z_g, z_o = np.split(layer.params["W_h"] @ rest.h[0] + layer.params["b"], 4)
    c = scalar_sigmoid(z_i) * np.tanh(z_g) / (1 - scalar_sigmoid(z_f))
    assert np.abs(c - rest.c[0]).max() < 1e-10
    assert np.abs(scalar_sigmoid(z_o) * np.tanh(c) - rest.h[0]).max() < 1e-10


@given(D=st.integers(1, 40), H=st.integers(1, 40), L=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_parameters(D, H, L, defined):
    """eq-lstm-parameters, eq-lstm-layers: counted in our layers and in torch's."""
    rng = np.random.default_rng(0)
    parameters = defined("parameters-code")["parameters"]
    stacked = defined("cost", parameters=parameters)["stacked_parameters"]
    layers = [LSTM(D if l == 0 else H, H, rng=rng) for l in range(L)]
    assert sum(a.size for a in layers[0].params.values()) == parameters(D, H)
    count = sum(a.size for a in Stacked(layers).params.values())
    assert count == stacked(D, H, L)
    theirs = torch.nn.LSTM(D, H, num_layers=L)
    assert sum(p.numel() for p in theirs.parameters()) == count + L * 4 * H


def test_cost(defined):
    """eq-lstm-cost: the products of the two matrix products of a step, counted by a number."""

    class Counted(float):
        products = 0

        def __mul__(self, other):
            Counted.products += 1
            return Counted(float(self) * float(other))

        def __add__(self, other):
            return Counted(float(self) + float(other))

    T, B, D, H = 2, 3, 4, 5
    multiplications = defined("cost")["multiplications"]

    def numbers(*shape):
        return np.array([Counted(1)] * np.prod(shape), dtype=object).reshape(shape)

    for _ in range(T):
        numbers(B, D) @ numbers(D, 4 * H)
        numbers(B, H) @ numbers(H, 4 * H)
    assert multiplications(T, B, D, H) == Counted.products


@given(**sizes, T=st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_fused(B, D, H, seed, T):
    """eq-lstm-fused: the layer against a loop of steps and torch's; σ as a tanh."""
    x, state, params = draw(B, D, H, seed)
    x = np.random.default_rng(seed).normal(size=(T, B, D))
    layer = LSTM(D, H, rng=np.random.default_rng(0))
    layer.params.update(params)
    h, last = layer.forward(x, state)
    step, expected = LSTMState(*state), []
    for x_t in x:
        step, _ = lstm_step(x_t, tuple(step), **params)
        expected.append(step.h)
    assert worst(h, np.array(expected)) < 1e-12
    assert worst(last.c, step.c) < 1e-12
    with torch.no_grad():
        start = tuple(tensor(s)[None] for s in state)
        h_torch, (_, c_torch) = torch_layer(params, D, H)(tensor(x), start)
    assert worst(h, h_torch.numpy()) < 1e-12
    assert worst(last.c, c_torch[0].numpy()) < 1e-12
    z = np.random.default_rng(seed).normal(size=20) * 10
    assert np.abs((1 + np.tanh(z / 2)) / 2 - scalar_sigmoid(z)).max() < 1e-12


@given(**sizes, T=st.integers(2, 10), k=st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_carry(B, D, H, seed, T, k):
    """eq-lstm-carry: two parts with the state handed on are what torch makes of the whole."""
    k = min(k, T - 1)
    _, state, params = draw(B, D, H, seed)
    x = np.random.default_rng(seed).normal(size=(T, B, D))
    layer = LSTM(D, H, rng=np.random.default_rng(0))
    layer.params.update(params)
    first, middle = layer.forward(x[:k], state)
    second, last = layer.forward(x[k:], middle)
    with torch.no_grad():
        start = tuple(tensor(s)[None] for s in state)
        h, (_, c) = torch_layer(params, D, H)(tensor(x), start)
    assert worst(np.concatenate([first, second]), h.numpy()) < 1e-12
    assert worst(last.c, c[0].numpy()) < 1e-12


@given(**sizes, T=st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_padding(B, D, H, seed, T):
    """eq-lstm-padding: the masked gates in a loop, and torch's packed sequences."""
    x, state, params = draw(B, D, H, seed)
    rng = np.random.default_rng(seed)
    x, lengths = rng.normal(size=(T, B, D)), rng.integers(1, T + 1, size=B)
    layer = LSTM(D, H, rng=rng)
    layer.params.update(params)
    h, last = layer.forward(x, state, lengths)
    h_t, c_t = state
    for t in range(T):
        m = (t < lengths)[:, None].astype(float)
        _, cache = lstm_step(x[t], (h_t, c_t), **params)
        c_t = (m * cache.f + 1 - m) * c_t + m * cache.i * cache.g
        h_t = m * cache.o * np.tanh(c_t)
        assert np.abs(h[t] - h_t).max() < 1e-12
    assert worst(last.c, c_t) < 1e-12
    packed = torch.nn.utils.rnn.pack_padded_sequence(tensor(x), lengths, enforce_sorted=False)
    with torch.no_grad():
        start = tuple(tensor(s)[None] for s in state)
        _, (h_end, c_end) = torch_layer(params, D, H)(packed, start)
    assert worst(last.h, h_end[0].numpy()) < 1e-12
    assert worst(last.c, c_end[0].numpy()) < 1e-12


def test_readout(rng):
    """eq-lstm-readout: a weighted sum for each score, then exponentials over their sum."""
    T, B, H, K = 4, 3, 5, 6
    h, readout = rng.normal(size=(T, B, H)), Dense(H, K, rng=rng)
    s = readout.forward(h)
    W, b = readout.params["W"], readout.params["b"]
    for t, n, k in np.ndindex(T, B, K):
        assert s[t, n, k] == pytest.approx(W[k] @ h[t, n] + b[k], rel=1e-12, abs=1e-13)
        total = sum(np.exp(s[t, n, j]) for j in range(K))
        assert softmax(s)[t, n, k] == pytest.approx(np.exp(s[t, n, k]) / total, rel=1e-12)


def test_loss(rng):
    """eq-lstm-loss: the mean surprise over steps and batch, or over the batch at the last step."""
    T, B, K = 5, 3, 4
    s, y = rng.normal(size=(T, B, K)), rng.integers(K, size=(T, B))
    log_p = torch.log_softmax(tensor(s), dim=2).numpy()
    every = -np.mean([log_p[t, n, y[t, n]] for t in range(T) for n in range(B)])
    end = -np.mean([log_p[-1, n, y[-1, n]] for n in range(B)])
    assert softmax_cross_entropy(s, y)[0] == pytest.approx(every, rel=1e-12)
    assert softmax_cross_entropy(s[-1], y[-1])[0] == pytest.approx(end, rel=1e-12)


def test_the_elman_network_stays_ahead(defined):
    """eq-lstm-parameters: after ten times the training the smaller network is still ahead."""
    echo = defined("echo", np=np)["echo"]
    for lr in (0.005, 0.01):
        losses = {LSTM: [], RNN: []}
        for (cell, H), seed in itertools.product(((LSTM, 7), (RNN, 14)), range(10, 13)):
            rng = np.random.default_rng(seed)
            layer = cell(1, H, rng=rng)
            network = Network(layer, Dense(H, 1, rng=rng), mean_squared_error)
            batches = [echo(20, 32, rng) for _ in range(2000)]
            train(network, batches, Adam(network.params, lr=lr), clip=1.0)
            x, y = echo(20, 500, np.random.default_rng(99))
            losses[cell].append(mean_squared_error(network.forward(x)[0], y)[0])
        lstm, elman = np.median(losses[LSTM]), np.median(losses[RNN])
        assert elman < lstm / 1.2
        assert elman > lstm / 6  # no longer by a factor of ten
