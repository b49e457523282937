"""The labelled equations of chapters/02_rnn.ipynb in float64 against the code behind them."""

import numpy as np
import pytest
import torch

from lstmlib.data import windows
from lstmlib.numpy import (
    MLP,
    RNN,
    Dense,
    Network,
    gradcheck,
    mean_squared_error,
    rnn_step,
    softmax,
    softmax_cross_entropy,
)

CHAPTER = "02_rnn"
SIZES = [(1, 1, 1, 1, 2), (5, 3, 4, 6, 2), (7, 2, 6, 3, 5)]  # T, B, D, H, K
sizes = pytest.mark.parametrize(("T", "B", "D", "H", "K"), SIZES)


def worst(a, b):
    """The largest difference, relative to the largest entry where that is above 1."""
    return np.abs(a - b).max() / max(1, np.abs(b).max())


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@sizes
def test_step(T, B, D, H, K, activation, rng):
    """eq-rnn-step: a sum for each unit and example, the step, the layer and torch.nn.RNN."""
    layer = RNN(D, H, rng=rng, activation=activation)
    W_x, W_h, b = (layer.params[name] for name in ("W_x", "W_h", "b"))
    x, h_0 = rng.standard_normal((T, B, D)), rng.uniform(-1, 1, (B, H))
    phi = np.tanh if activation == "tanh" else lambda z: max(z, 0.0)
    expected = np.zeros((T, B, H))
    for t, n, j in np.ndindex(T, B, H):
        h_prev = expected[t - 1, n] if t > 0 else h_0[n]
        z = sum(W_x[j, d] * x[t, n, d] for d in range(D))
        z += sum(W_h[j, k] * h_prev[k] for k in range(H)) + b[j]
        expected[t, n, j] = phi(z)

    h_t = h_0
    for t in range(T):
        h_t, _ = rnn_step(x[t], h_t, W_x, W_h, b, activation)
        assert worst(h_t, expected[t]) < 1e-12
    h, state = layer.forward(x, h_0)
    assert worst(h, expected) < 1e-12
    assert worst(state, expected[-1]) < 1e-12

    peer = torch.nn.RNN(D, H, nonlinearity=activation, dtype=torch.float64)
    values = {"weight_ih_l0": W_x, "weight_hh_l0": W_h, "bias_ih_l0": b, "bias_hh_l0": 0 * b}
    peer.load_state_dict({name: torch.from_numpy(a) for name, a in values.items()})
    with torch.no_grad():
        in_torch, _ = peer(torch.from_numpy(x), torch.from_numpy(h_0)[None])
    assert worst(in_torch.numpy(), expected) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_split(seed):
    """eq-rnn-split: cut at any place, with the state passed on; not so if it is left out."""
    rng = np.random.default_rng(seed)
    T, B, D, H = rng.integers(2, 9, size=4)
    layer = RNN(int(D), int(H), rng=rng)
    x, h_0 = rng.standard_normal((T, B, D)), rng.uniform(-1, 1, (B, H))
    h, state = layer.forward(x, h_0)
    for k in range(1, T):
        h_a, state_k = layer.forward(x[:k], h_0)
        h_b, state_T = layer.forward(x[k:], state_k)
        assert worst(np.concatenate([h_a, h_b]), h) < 1e-12
        assert worst(state_T, state) < 1e-12
        assert worst(layer.forward(x[k:])[0], h[k:]) > 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_unrolled(seed):
    """eq-rnn-unrolled: three nested steps of columns, and W_h in all three by its gradient."""
    rng = np.random.default_rng(seed)
    D, H = rng.integers(1, 6, size=2)
    layer = RNN(int(D), int(H), rng=rng)
    W_x, W_h, b = (torch.from_numpy(layer.params[name]) for name in ("W_x", "W_h", "b"))
    W_h.requires_grad_()
    x, h_0 = rng.standard_normal((3, 1, D)), rng.uniform(-1, 1, (1, H))
    x_1, x_2, x_3 = torch.from_numpy(x[:, 0])
    start, phi = torch.from_numpy(h_0[0]), torch.tanh
    inner = phi(W_x @ x_1 + W_h @ start + b)
    h_3 = phi(W_x @ x_3 + W_h @ phi(W_x @ x_2 + W_h @ inner + b) + b)
    h, state = layer.forward(x, h_0)
    assert worst(h[2, 0], h_3.detach().numpy()) < 1e-12

    h_3.sum().backward()
    layer.backward(None, np.ones_like(state))
    assert worst(layer.grads["W_h"], W_h.grad.numpy()) < 1e-12


@pytest.mark.parametrize(("D", "H"), [(1, 1), (3, 4), (28, 96)])
def test_parameters(D, H, defined, rng):
    """eq-rnn-parameters: counted in the layer and in torch, and the same for every T and B."""
    P = defined("parameters")["parameters"](D, H)
    layer = RNN(D, H, rng=rng)
    for T, B in ((1, 1), (20, 3)):
        layer.forward(rng.standard_normal((T, B, D)))
        assert sum(p.size for p in layer.params.values()) == P
    assert sum(p.numel() for p in torch.nn.RNNCell(D, H).parameters()) == P + H  # a second bias


@pytest.mark.parametrize("w", [1.01, 1.2, 1.5, 3.0])
def test_fixed_point(w, defined, rng):
    """eq-rnn-fixed-point: stays put, is where the state goes, and is the only one above 0."""
    h_star = defined("fixed-point", np=np)["fixed_point"](w)
    assert 0 < h_star < 1
    assert abs(np.tanh(w * h_star) - h_star) < 1e-12
    states = np.linspace(1e-3, 1, 100_001)
    assert np.count_nonzero(np.diff(np.sign(np.tanh(w * states) - states))) == 1
    layer = RNN(1, 1, rng=rng)
    layer.params.update(W_x=np.ones((1, 1)), W_h=np.full((1, 1), w), b=np.zeros(1))
    starts = np.array([[1e-3], [0.9], [-0.5], [0.0]])
    _, state = layer.forward(np.zeros((4000, 4, 1)), starts)
    assert worst(state[:, 0], np.array([h_star, h_star, -h_star, 0])) < 1e-9


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("size", [0.5, 0.99, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_forgets(seed, size, activation):
    """eq-rnn-forgets: two starts, the same inputs, and never further apart than the bound."""
    rng = np.random.default_rng(seed)
    layer = RNN(3, 6, rng=rng, activation=activation)
    layer.params["W_h"] *= size / np.linalg.svd(layer.params["W_h"])[1].max()
    x, (h_0, other) = rng.standard_normal((30, 2, 3)), rng.uniform(-1, 1, (2, 2, 6))
    apart = np.linalg.norm(layer.forward(x, h_0)[0] - layer.forward(x, other)[0], axis=2)
    start = np.linalg.norm(h_0 - other, axis=1)
    bound = size ** np.arange(1, 31)[:, None] * start
    assert (apart <= bound * (1 + 1e-12)).all()
    if size < 1:
        assert (apart[0] > 0).all()


def test_forgets_is_sharp():
    """eq-rnn-forgets: for an orthogonal matrix and ReLU above 0 the bound is reached."""
    layer = RNN(1, 2, rng=np.random.default_rng(0), activation="relu")
    layer.params.update(W_x=np.zeros((2, 1)), W_h=0.9 * np.eye(2)[::-1].copy(), b=np.zeros(2))
    h_0, other = np.array([[1.0, 2.0]]), np.array([[3.0, 0.5]])
    x = np.zeros((20, 1, 1))
    apart = np.linalg.norm(layer.forward(x, h_0)[1] - layer.forward(x, other)[1])
    assert abs(apart / (0.9**20 * np.linalg.norm(h_0 - other)) - 1) < 1e-12


@sizes
def test_readout(T, B, D, H, K, rng):
    """eq-rnn-readout: a product and a sum at every step and for every example, or at the last."""
    layer, readout = RNN(D, H, rng=rng), Dense(H, K, rng=rng)
    W, b_y = readout.params["W"], readout.params["b"]
    x = rng.standard_normal((T, B, D))
    h, _ = layer.forward(x)
    expected = np.array([[W @ h[t, n] + b_y for n in range(B)] for t in range(T)])
    assert worst(Network(layer, readout, mean_squared_error).forward(x)[0], expected) < 1e-12
    last = Network(layer, readout, mean_squared_error, last=True).forward(x)[0]
    assert worst(last, expected[-1]) < 1e-12


@pytest.mark.parametrize("K", [2, 10, 65])
def test_softmax_bound(K, defined, rng):
    """eq-rnn-softmax-bound: no state of a tanh layer gives more, and some come near."""
    surest = defined("softmax-bound", np=np)["surest"](K)
    _, h = rnn_step(
        rng.standard_normal((500, 3)), np.zeros((500, K)), 9 * rng.standard_normal((K, 3)),
        np.zeros((K, K)), np.zeros(K),
    )[::-1]  # fmt: skip
    assert softmax(h).max() <= surest
    near = np.tanh(np.where(np.arange(K) == 0, 20.0, -20.0))
    assert abs(softmax(near)[0] - surest) < 1e-12
    assert abs(surest - np.e / (np.e + (K - 1) / np.e)) < 1e-12


def loop_loss(y, targets, loss):
    if loss is softmax_cross_entropy:
        return -np.log(np.exp(y[targets]) / np.exp(y).sum())
    return sum((a - b) ** 2 for a, b in zip(y, targets, strict=True)) / len(y)


@pytest.mark.parametrize("loss", [softmax_cross_entropy, mean_squared_error])
@sizes
def test_loss(T, B, D, H, K, loss, rng):
    """eq-rnn-loss, eq-rnn-loss-last: means over steps and examples, or over examples alone."""
    for last in (False, True):
        network = Network(RNN(D, H, rng=rng), Dense(H, K, rng=rng), loss, last=last)
        x = rng.standard_normal((T, B, D))
        shape = (B,) if last else (T, B)
        if loss is softmax_cross_entropy:
            targets = rng.integers(K, size=shape)
        else:
            targets = rng.standard_normal((*shape, K))
        h, _ = network.layer.forward(x)
        W, b_y = network.readout.params["W"], network.readout.params["b"]
        total = 0.0
        for index in np.ndindex(shape):
            state = h[(-1, *index)] if last else h[index]
            total += loop_loss(W @ state + b_y, targets[index], loss)
        expected = total / np.prod(shape)
        assert abs(network.loss_and_grads(x, targets) - expected) < 1e-12 * max(1, expected)


@pytest.mark.parametrize("seed", range(3))
def test_one_step(seed):
    """eq-rnn-one-step: the network of chapter 1, and no gradient of W_h."""
    rng = np.random.default_rng(seed)
    B, D, H, K = 5, *(int(n) for n in rng.integers(1, 6, size=3))
    network = Network(RNN(D, H, rng=rng), Dense(H, K, rng=rng), mean_squared_error)
    x, targets = rng.standard_normal((1, B, D)), rng.standard_normal((1, B, K))
    mlp = MLP([D, H, K], rng=rng)
    p = network.params
    mlp.params.update(W1=p["layer.W_x"], b1=p["layer.b"], W2=p["readout.W"], b2=p["readout.b"])
    assert worst(network.forward(x)[0], mlp.forward(x)) < 1e-12
    network.loss_and_grads(x, targets)
    assert not network.grads["layer.W_h"].any()
    mlp.backward(mean_squared_error(mlp.forward(x), targets)[1])
    for name, other in (("layer.W_x", "W1"), ("layer.b", "b1"), ("readout.W", "W2")):
        assert worst(network.grads[name], mlp.grads[other]) < 1e-12
    other_state = rng.uniform(0.1, 1, (B, H))  # with another start W_h does matter
    network.loss_and_grads(x, targets, other_state)
    assert network.grads["layer.W_h"].all()


def test_encoder_decoder(defined, rng):
    """eq-rnn-encoder-decoder: step by step, and its gradients by central differences."""
    kind = defined(
        "encoder-decoder", np=np, RNN=RNN, Dense=Dense, softmax_cross_entropy=softmax_cross_entropy
    )["EncoderDecoder"]
    n, m, B, D, H, K = 5, 3, 4, 2, 6, 3
    network = kind(D=D, H=H, K=K, m=m, rng=rng)
    x, targets = rng.standard_normal((n, B, D)), rng.integers(K, size=(m, B))
    p = network.params
    expected = np.zeros((m, B, K))
    for k in range(B):
        h = np.zeros(H)
        for t in range(n):
            h = np.tanh(p["encoder.W_x"] @ x[t, k] + p["encoder.W_h"] @ h + p["encoder.b"])
        for j in range(m):
            h = np.tanh(p["decoder.W_h"] @ h + p["decoder.b"])
            expected[j, k] = p["readout.W"] @ h + p["readout.b"]
    assert worst(network.forward(x)[0], expected) < 1e-12

    def function(params):
        for name, a in params.items():
            network.params[name][...] = a
        return network.loss_and_grads(x, targets), network.grads

    assert gradcheck(function, dict(p)) < 1e-6


@pytest.mark.parametrize(("N", "F", "n", "m"), [(8, 1, 4, 2), (20, 3, 5, 1), (6, 2, 3, 3)])
def test_windows(N, F, n, m, rng):
    """eq-rnn-windows: each entry of each window, and as many windows as fit."""
    v = rng.standard_normal((N, F))
    x, targets = windows(v, n, m)
    B = N - n - m + 1
    assert (x.shape, targets.shape) == ((n, B, F), (m, B, F))
    for j in range(B):  # j and t count from 0 here
        for t in range(n):
            assert np.array_equal(x[t, j], v[j + t])
        for t in range(m):
            assert np.array_equal(targets[t, j], v[j + n + t])
    with pytest.raises(ValueError, match="steps"):
        windows(v[: n + m - 1], n, m)
