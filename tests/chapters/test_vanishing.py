"""Chapter 4: each equation against an independent computation."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from lstmlib.analysis import jacobian_products, lag_bound, lag_norms, rnn_jacobians
from lstmlib.data import latch
from lstmlib.numpy import (
    RNN,
    SGD,
    Dense,
    Network,
    clip_grad_norm,
    identity,
    orthogonal,
    relu_derivative,
    rnn_step,
    sigmoid_derivative,
    softmax_cross_entropy,
    tanh,
    tanh_derivative,
    train,
)

CHAPTER = "04_vanishing_gradients"
ACTIVATIONS = pytest.mark.parametrize("activation", ["tanh", "relu"])
SEEDS = pytest.mark.parametrize("seed", range(4))


def random_run(seed, activation="tanh"):
    """Return a layer with random sizes and weights, its inputs, and its states."""
    rng = np.random.default_rng(seed)
    T, B, D, H = rng.integers(2, 7, size=4).tolist()
    layer = RNN(D, H, rng=rng, activation=activation)
    x = rng.normal(size=(T, B, D))
    return layer, x, layer.forward(x)[0]


def torch_jacobian(layer, x, lag):
    """Return dh_T/dh_{T−lag} of every example, by autograd of the step as torch computes it."""
    phi = torch.tanh if layer.activation == "tanh" else torch.relu
    W_x, W_h, b = (torch.from_numpy(layer.params[name]) for name in ("W_x", "W_h", "b"))

    def end(h, inputs):
        for x_t in inputs:
            h = phi(W_x @ x_t + W_h @ h + b)
        return h

    start = len(x) - lag
    rows = []
    for example in torch.from_numpy(x).unbind(1):
        h = end(torch.zeros(len(b), dtype=torch.float64), example[:start])
        later = example[start:]
        rows.append(
            torch.autograd.functional.jacobian(lambda h, later=later: end(h, later), h).numpy()
        )
    return np.stack(rows)


def test_slopes(rng):
    """eq-vanishing-slopes: autograd's derivatives, with maxima 1/4 and 1 at z = 0."""
    z = rng.normal(scale=3, size=500)
    ours = {torch.sigmoid: sigmoid_derivative, torch.tanh: tanh_derivative}
    for function, slope in {**ours, torch.relu: relu_derivative}.items():
        leaf = torch.from_numpy(z.copy()).requires_grad_()
        function(leaf).sum().backward()
        np.testing.assert_allclose(slope(z), leaf.grad.numpy(), rtol=0, atol=1e-12)
    zero = np.zeros(1)
    assert sigmoid_derivative(zero) == 0.25 > sigmoid_derivative(z).max()
    assert tanh_derivative(zero) == 1 > tanh_derivative(z).max()
    assert set(relu_derivative(np.append(z, 0.0))) == {0.0, 1.0}
    assert relu_derivative(zero) == 0


@pytest.mark.parametrize("w", [-1.3, 0.4, 2.0])
@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_scalar(w, activation, rng, defined):
    """eq-vanishing-scalar: autograd, for one unit and every lag; |w|^k exactly if linear."""
    names = {"np": np, "tanh": tanh, "tanh_derivative": tanh_derivative}
    x = rng.normal(size=8)
    ours = defined("scalar", **names)["scalar_factors"](w, x, activation)
    h = [torch.zeros((), dtype=torch.float64, requires_grad=True)]
    for x_t in x:
        z = w * h[-1] + x_t
        h.append(torch.tanh(z) if activation == "tanh" else z)
    expected = [g.item() for g in torch.autograd.grad(h[-1], h)][::-1]
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    if activation == "linear":
        np.testing.assert_allclose(ours, [w**k for k in range(9)], rtol=1e-12)


@pytest.mark.parametrize("w", [-0.7, 0.5, 1.1])
def test_weight(w, rng, defined):
    """eq-vanishing-weight: a sum over lags, by autograd; with constant input (1 − w)^−2."""
    weight_gradient = defined("weight", np=np)["weight_gradient"]
    x = rng.normal(size=9)
    leaf = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    h = torch.zeros((), dtype=torch.float64)
    for x_t in x:
        h = leaf * h + x_t
    h.backward()
    ours, gradient = weight_gradient(w, x)
    assert ours == pytest.approx(h.item(), rel=1e-12)
    assert gradient == pytest.approx(leaf.grad.item(), rel=1e-12)
    if abs(w) < 1:
        assert weight_gradient(w, np.ones(400))[1] == pytest.approx((1 - w) ** -2, rel=1e-12)


@ACTIVATIONS
@SEEDS
def test_jacobian(activation, seed):
    """eq-vanishing-jacobian: central differences and autograd of one step."""
    layer, x, h = random_run(seed, activation)
    J = rnn_jacobians(layer.params["W_h"], h, activation)
    np.testing.assert_allclose(J[-1], torch_jacobian(layer, x, 1), rtol=0, atol=1e-12)
    eps, before = 1e-6, h[-2]
    for j in range(h.shape[-1]):
        move = np.zeros_like(before)
        move[:, j] = eps
        up, down = (
            rnn_step(x[-1], before + s * move, **layer.params, activation=activation)[0]
            for s in (1, -1)
        )
        np.testing.assert_allclose(J[-1][:, :, j], (up - down) / (2 * eps), rtol=0, atol=1e-8)


@ACTIVATIONS
@SEEDS
def test_product(activation, seed):
    """eq-vanishing-product: autograd through k steps, for every lag."""
    layer, x, h = random_run(seed, activation)
    products = jacobian_products(rnn_jacobians(layer.params["W_h"], h, activation))
    for lag in range(len(x) + 1):
        expected = torch_jacobian(layer, x, lag)
        np.testing.assert_allclose(products[lag], expected, rtol=0, atol=1e-12)


@SEEDS
def test_total(seed):
    """eq-vanishing-total: the transposed product gives what the backward pass gives."""
    layer, x, h = random_run(seed)
    last = np.random.default_rng(seed).normal(size=h[0].shape)
    for k in range(1, len(x) + 1):
        state = h[-k - 1] if k < len(x) else np.zeros_like(h[0])
        part, _ = layer.forward(x[-k:], state)
        _, dstate = layer.backward(None, last)
        product = jacobian_products(rnn_jacobians(layer.params["W_h"], part))[k]
        expected = np.stack([A.T @ v for A, v in zip(product, last, strict=True)])
        np.testing.assert_allclose(dstate, expected, rtol=0, atol=1e-12)


@SEEDS
def test_norm(seed):
    """eq-vanishing-norm: no vector is stretched more, one is; √ of an eigenvalue of AᵀA."""
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(1, 1, 4, 4))
    A, norm = J[0, 0], lag_norms(J)[1, 0]
    v = rng.normal(size=(4, 10_000))
    assert (np.linalg.norm(A @ v, axis=0) <= norm * np.linalg.norm(v, axis=0) * (1 + 1e-12)).all()
    values, vectors = np.linalg.eigh(A.T @ A)
    assert norm == pytest.approx(math.sqrt(values[-1]), rel=1e-12)
    assert np.linalg.norm(A @ vectors[:, -1]) == pytest.approx(norm, rel=1e-12)
    B = rng.normal(size=(4, 4))
    product = lag_norms((A @ B)[None, None])[1, 0]
    assert product <= norm * lag_norms(B[None, None])[1, 0]
    assert lag_norms(np.diag([-3.0, 2.0])[None, None])[1, 0] == pytest.approx(3, rel=1e-12)


@ACTIVATIONS
@SEEDS
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_bound(activation, seed, scale):
    """eq-vanishing-bound: never exceeded, and reached by a linear run with one singular value."""
    layer, x, _ = random_run(seed, activation)
    layer.params["W_h"] *= scale
    h, _ = layer.forward(x)
    norms = lag_norms(rnn_jacobians(layer.params["W_h"], h, activation))
    bound = lag_bound(layer.params["W_h"], len(x))
    assert (norms <= bound[:, None] * (1 + 1e-12)).all()
    largest = math.sqrt(np.linalg.eigvalsh(layer.params["W_h"].T @ layer.params["W_h"])[-1])
    np.testing.assert_allclose(bound, [largest**k for k in range(len(x) + 1)], rtol=1e-10)
    Q = scale * orthogonal((3, 3), rng=np.random.default_rng(seed))
    linear = lag_norms(np.broadcast_to(Q, (5, 1, 3, 3)))[:, 0]
    np.testing.assert_allclose(linear, lag_bound(Q, 5), rtol=1e-12)


def test_sufficient_is_not_necessary(defined):
    """eq-vanishing-bound, eq-vanishing-radius: counterexamples to the converse, both ways."""
    radius = defined("measured", np=np, T=60)["spectral_radius"]
    A = np.array([[0.5, 3.0], [0.0, 0.5]])
    assert lag_bound(A, 1)[1] > 3
    assert radius(A) == pytest.approx(0.5, abs=1e-7)
    assert np.linalg.norm(np.linalg.matrix_power(A, 40), 2) < 1e-8

    layer = RNN(2, 2, rng=np.random.default_rng(0))  # radius 0, and slopes of 1 and 1/10
    W = np.array([[2.0, -2.0], [2.0, -2.0]])
    layer.params.update(W_x=np.eye(2), W_h=W, b=np.zeros(2))
    assert radius(W) == pytest.approx(0, abs=1e-6)
    z = np.array([0.0, math.atanh(math.sqrt(0.9))])
    x = np.tile(z - W @ np.tanh(z), (20, 1, 1))
    x[0] = z
    layer.forward(x)
    _, back = layer.backward(None, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(back, 2 * 1.8**19 * np.array([[1.0, -1.0]]), rtol=1e-6)


@SEEDS
def test_radius(seed, defined):
    """eq-vanishing-radius: the k-th root of the norm of the k-th power, k = 2^20."""
    W = np.random.default_rng(seed).normal(size=(5, 5))
    power, log = W.copy(), 0.0
    for _ in range(20):  # squared again and again, the size kept apart
        size = np.linalg.norm(power, 2)
        power, log = (power / size) @ (power / size), 2 * (log + math.log(size))
    root = math.exp((log + math.log(np.linalg.norm(power, 2))) / 2**20)
    radius = defined("measured", np=np, T=60)["spectral_radius"]
    assert radius(W) == pytest.approx(root, rel=1e-5)


@SEEDS
def test_rate(seed, defined):
    """eq-vanishing-rate: the logarithm of the product's effect, and ln ρ for equal steps."""
    growth_rate = defined("rate", np=np)["growth_rate"]
    layer, _, h = random_run(seed)
    J = rnn_jacobians(layer.params["W_h"], h)
    ours = growth_rate(J, np.random.default_rng(7))
    v = np.random.default_rng(7).normal(size=h[0].shape)
    for b, product in enumerate(jacobian_products(J)[-1]):
        stretched = np.linalg.norm(product.T @ v[b]) / np.linalg.norm(v[b])
        assert ours[b] == pytest.approx(math.log(stretched) / len(J), rel=1e-10)
    symmetric = layer.params["W_h"] + layer.params["W_h"].T
    rho = abs(np.linalg.eigvalsh(symmetric)).max()
    steps = np.broadcast_to(symmetric, (5000, 1, *symmetric.shape))
    assert growth_rate(steps, np.random.default_rng(8)) == pytest.approx(math.log(rho), abs=0.01)


@pytest.mark.parametrize(("bits", "dtype"), [(149, np.float32), (1074, np.float64)])
@pytest.mark.parametrize("w", [Fraction(1, 2), Fraction(9, 10), Fraction(-2, 3)])
def test_underflow(w, bits, dtype):
    """eq-vanishing-underflow: with exact fractions, the first power below the smallest number."""
    m = Fraction(1, 2**bits)
    assert float(m) == np.finfo(dtype).smallest_subnormal
    border = -bits * math.log(2) / math.log(abs(w))
    k = math.floor(border) + 1
    assert abs(w) ** k < m <= abs(w) ** (k - 1)


@pytest.mark.parametrize("T", [1, 4, 12])
def test_wall(T, rng, defined):
    """eq-vanishing-wall: autograd through every step."""
    names = {"np": np, "tanh": tanh, "tanh_derivative": tanh_derivative}
    b = rng.uniform(0.3, 0.6, size=7)
    loss, gradient = defined("wall", **names)["wall"](b, T)
    leaf = torch.from_numpy(b.copy()).requires_grad_()
    h = torch.full_like(leaf, -0.9)
    for _ in range(T):
        h = torch.tanh(2 * h + leaf)
    ((h - 0.9) ** 2).sum().backward()
    np.testing.assert_allclose(loss, (h.detach().numpy() - 0.9) ** 2, rtol=1e-12)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-11)


@SEEDS
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_clip(seed, scale):
    """eq-vanishing-clip: torch's clipping, and one factor for all arrays."""
    rng = np.random.default_rng(seed)
    grads = {"W": scale * rng.normal(size=(3, 4)), "b": scale * rng.normal(size=3)}
    before = {name: g.copy() for name, g in grads.items()}
    theirs = [
        torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in before.values()
    ]
    for p, g in zip(theirs, before.values(), strict=True):
        p.grad = torch.from_numpy(g.copy())
    norm = clip_grad_norm(grads, 2.0)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 2.0)
    assert norm == pytest.approx(expected.item(), rel=1e-12)
    factor = min(1, 2.0 / math.sqrt(sum(e**2 for g in before.values() for e in g.flat)))
    for (name, g), p in zip(grads.items(), theirs, strict=True):
        np.testing.assert_allclose(g, factor * before[name], rtol=1e-12)
        np.testing.assert_allclose(g, p.grad.numpy(), rtol=1e-6)  # torch adds 1e-6 to the norm


@SEEDS
def test_clipped_step(seed):
    """eq-vanishing-clipped-step: no step of a training is longer than rate times threshold."""
    rng = np.random.default_rng(seed)
    layer = RNN(1, 6, rng=rng, activation="relu")
    layer.params["W_h"][...] = 1.3 * identity(6)
    network = Network(layer, Dense(6, 2, rng=rng), softmax_cross_entropy, last=True)
    lengths = []
    for _ in range(20):
        before = {name: p.copy() for name, p in network.params.items()}
        train(network, [latch(12, 8, rng=rng)], SGD(network.params, lr=0.1), clip=0.5)
        moved = [np.ravel(p - before[name]) for name, p in network.params.items()]
        lengths.append(np.linalg.norm(np.concatenate(moved)))
    assert max(lengths) <= 0.1 * 0.5 * (1 + 1e-12)
    assert max(lengths) > 0.1 * 0.5 * (1 - 1e-9)


@SEEDS
def test_orthogonal(seed):
    """eq-vanishing-orthogonal: lengths stay, over any number of steps, forward and back."""
    rng = np.random.default_rng(seed)
    Q = orthogonal((6, 6), rng=rng)
    np.testing.assert_allclose(Q.T @ Q, np.eye(6), rtol=0, atol=1e-12)
    v = rng.normal(size=6)
    length, forward, back = np.linalg.norm(v), v, v
    for _ in range(50):
        forward, back = Q @ forward, Q.T @ back
        assert np.linalg.norm(forward) == pytest.approx(length, rel=1e-12)
        assert np.linalg.norm(back) == pytest.approx(length, rel=1e-12)


@SEEDS
def test_irnn(seed, defined):
    """eq-vanishing-irnn: running sums cut off at 0, whose Jacobians are diagonal with 0 and 1."""
    names = {"RNN": RNN, "orthogonal": orthogonal, "identity": identity}
    layer = defined("remedies-make", **names)["make"](
        "identity, ReLU", 5, np.random.default_rng(seed)
    )
    x = np.random.default_rng(seed).normal(size=(9, 3, 1))
    h, _ = layer.forward(x)
    expected = np.zeros((3, 5))
    for t in range(9):
        expected = np.maximum(0, x[t] * layer.params["W_x"][:, 0] + expected)
        np.testing.assert_allclose(h[t], expected, rtol=0, atol=1e-12)
    J = rnn_jacobians(layer.params["W_h"], h, "relu")
    assert set(J.ravel()) == {0.0, 1.0}
    assert not (J * (1 - np.eye(5))).any()
    np.testing.assert_allclose(J[-1], torch_jacobian(layer, x, 1), rtol=0, atol=1e-12)


def test_latch():
    """eq-vanishing-latch: the first input is the class, what follows is normal noise."""
    x, y = latch(3, 200_000, rng=np.random.default_rng(0))
    assert [x[0, y == c, 0].tolist()[:1] for c in (0, 1)] == [[-1.0], [1.0]]
    np.testing.assert_array_equal(x[0, :, 0], 2.0 * y - 1)
    noise = x[1:].ravel()
    for moment, expected in {1: 0, 2: 0.3**2, 3: 0, 4: 3 * 0.3**4}.items():  # of a normal
        assert np.mean(noise**moment) == pytest.approx(expected, abs=1e-3)
    assert abs(np.mean(y) - 0.5) < 0.005
