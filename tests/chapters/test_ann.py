"""The labelled equations of chapters/01_ann.ipynb in float64 against the code behind them."""

import numpy as np
import pytest
import torch

from lstmlib.numpy import (
    MLP,
    SGD,
    gradcheck,
    mean_squared_error,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    softmax_cross_entropy,
    tanh,
    tanh_derivative,
)
from lstmlib.numpy.gradcheck import EPS

CHAPTER = "01_ann"
SIZES = [(1, 1, 1, 1), (5, 3, 2, 4), (7, 2, 6, 1), (4, 5, 5, 5)]  # B, D, H, K
sizes = pytest.mark.parametrize(("B", "D", "H", "K"), SIZES)
SLOPES = {"sigmoid": sigmoid_derivative, "tanh": tanh_derivative, "relu": relu_derivative}
activations = pytest.mark.parametrize("activation", SLOPES)
XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def worst(a, b):
    """The largest difference, relative to the largest entry where that is above 1."""
    return np.abs(a - b).max() / max(1, np.abs(b).max())


def phi(activation, z):
    """One number bent, from the definitions."""
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-z))
    return np.tanh(z) if activation == "tanh" else max(z, 0.0)


def by_loops(params, x, activation):
    """z1, a1 and y of one example, a sum at a time."""
    W1, b1, W2, b2 = params.values()
    z1 = [
        sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(W1, b1, strict=True)
    ]
    a1 = [phi(activation, z) for z in z1]
    y = [
        sum(w * a for w, a in zip(row, a1, strict=True)) + b for row, b in zip(W2, b2, strict=True)
    ]
    return np.array(z1), np.array(a1), np.array(y)


@pytest.fixture
def passes(defined):
    """The chapter's own forward and backward."""
    names = defined("forward-backward", np=np)
    return names["forward"], names["backward"]


@pytest.fixture
def in_torch():
    """Gradients of the mean squared error by automatic differentiation, of each value by name."""

    def gradients(params, x, targets, activation):
        values = {name: torch.tensor(a, requires_grad=True) for name, a in params.items()}
        values["x"] = torch.tensor(x, requires_grad=True)
        values["z1"] = torch.nn.functional.linear(values["x"], values["W1"], values["b1"])
        values["a1"] = getattr(torch, activation)(values["z1"])
        values["y"] = torch.nn.functional.linear(values["a1"], values["W2"], values["b2"])
        for value in values.values():
            value.retain_grad()
        torch.nn.functional.mse_loss(values["y"], torch.tensor(targets)).backward()
        return {name: value.grad.numpy() for name, value in values.items()}

    return gradients


@pytest.mark.parametrize("D", [1, 2, 6])
def test_neuron(D, rng):
    """eq-ann-neuron: a weighted sum and a bias; of a network of one unit it is all there is."""
    net = MLP([D, 1], rng=rng)
    x = rng.normal(size=(5, D))
    for n in range(5):
        z = sum(net.params["W1"][0, d] * x[n, d] for d in range(D)) + net.params["b1"][0]
        assert abs(net.forward(x)[n, 0] - z) < 1e-12


@sizes
def test_mean_squared_error(B, D, H, K, rng):
    """eq-ann-mse: the mean over all outputs of all examples, and torch's."""
    y, targets = rng.normal(size=(2, B, K))
    loss, _ = mean_squared_error(y, targets)
    total = sum((y[n, k] - targets[n, k]) ** 2 for n in range(B) for k in range(K))
    assert abs(loss - total / (B * K)) < 1e-12
    reference = torch.nn.functional.mse_loss(torch.tensor(y), torch.tensor(targets))
    assert abs(loss - reference.item()) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_impossible(seed):
    """eq-ann-impossible: the two sums are equal, so no increasing unit is right on all four."""
    rng = np.random.default_rng(seed)
    for activation in SLOPES:
        net = MLP([2, 1], rng=rng)
        z = net.forward(XOR).ravel()
        W, b = net.params["W1"].ravel(), net.params["b1"]
        assert abs(z[1] + z[2] - (z[0] + z[3])) < 1e-12
        assert abs(z[1] + z[2] - (W.sum() + 2 * b[0])) < 1e-12
        a = [phi(activation, v) for v in z]
        assert min(a[1], a[2]) <= max(a[0], a[3]) + 1e-12


@activations
@sizes
def test_hidden(B, D, H, K, activation, rng, passes):
    """eq-ann-hidden: a sum for each unit, bent by the definition."""
    params, x = MLP([D, H, K], rng=rng).params, rng.normal(size=(B, D))
    bend = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}[activation]
    values = passes[0](params, x, bend)
    for n in range(B):
        z1, a1, _ = by_loops(params, x[n], activation)
        assert worst(values["z1"][n], z1) < 1e-12
        assert worst(values["a1"][n], a1) < 1e-12


@activations
@sizes
def test_output(B, D, H, K, activation, rng):
    """eq-ann-output: the library's network against sums, and against torch."""
    net, x = MLP([D, H, K], activation=activation, rng=rng), rng.normal(size=(B, D))
    y = net.forward(x)
    for n in range(B):
        assert worst(y[n], by_loops(net.params, x[n], activation)[2]) < 1e-12
    W1, b1, W2, b2 = map(torch.tensor, net.params.values())
    a1 = getattr(torch, activation)(torch.nn.functional.linear(torch.tensor(x), W1, b1))
    assert worst(y, torch.nn.functional.linear(a1, W2, b2).numpy()) < 1e-12


@activations
@sizes
def test_batch(B, D, H, K, activation, rng, passes):
    """eq-ann-batch: B examples at once are those one by one, in the library and the chapter."""
    net, x = MLP([D, H, K], activation=activation, rng=rng), rng.normal(size=(B, D))
    singly = np.stack([by_loops(net.params, x[n], activation)[0] for n in range(B)])
    assert worst(passes[0](net.params, x, np.tanh)["z1"], singly) < 1e-12
    one_by_one = np.concatenate([net.forward(x[n : n + 1]) for n in range(B)])
    assert worst(net.forward(x), one_by_one) < 1e-12


@sizes
def test_collapse(B, D, H, K, rng, passes):
    """eq-ann-collapse: with nothing between, two layers are one linear one."""
    params, x = MLP([D, H, K], rng=rng).params, rng.normal(size=(B, D))
    W1, b1, W2, b2 = params.values()
    layer = torch.nn.Linear(D, K, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(np.einsum("kh,hd->kd", W2, W1)))
        layer.bias.copy_(torch.tensor([W2[k] @ b1 + b2[k] for k in range(K)]))
        one = layer(torch.tensor(x)).numpy()
    assert worst(passes[0](params, x, lambda z: z)["y"], one) < 1e-12


def slope(f, z, eps=1e-5):
    """Central difference of a function of each entry."""
    return (f(z + eps) - f(z - eps)) / (2 * eps)


def test_sigmoid(rng):
    """eq-ann-sigmoid: its definition, its slope by differences, at most 1/4 and that at 0 alone."""
    z = rng.normal(scale=3, size=(7, 5))
    assert worst(sigmoid(z), 1 / (1 + np.exp(-z))) < 1e-12
    assert worst(sigmoid_derivative(z), slope(sigmoid, z)) < 1e-9
    assert sigmoid_derivative(np.zeros(1))[0] == 0.25
    assert (sigmoid_derivative(z) < 0.25).all()


def test_tanh(rng):
    """eq-ann-tanh: its definition, its slope by differences, at most 1 and that at 0 alone."""
    z = rng.normal(scale=3, size=(7, 5))
    assert worst(tanh(z), (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))) < 1e-12
    assert worst(tanh_derivative(z), slope(tanh, z)) < 1e-9
    assert tanh_derivative(np.zeros(1))[0] == 1
    assert (tanh_derivative(z) < 1).all()


def test_relu(rng):
    """eq-ann-relu: the larger of z and 0, slope 1 or 0, and 0 at the corner as torch has it."""
    z = np.append(rng.normal(size=40), 0.0)
    assert relu(z).tolist() == [max(v, 0.0) for v in z]
    assert worst(relu_derivative(z[:-1]), slope(relu, z[:-1], eps=1e-9)) < 1e-6
    at = torch.tensor(z, requires_grad=True)
    torch.relu(at).sum().backward()
    assert relu_derivative(z).tolist() == at.grad.tolist()


@sizes
def test_softmax(B, D, H, K, rng):
    """eq-ann-softmax: exponentials by their sum."""
    s = rng.normal(scale=3, size=(B, K))
    for n in range(B):
        total = sum(np.exp(s[n, j]) for j in range(K))
        assert worst(softmax(s)[n], np.array([np.exp(s[n, k]) / total for k in range(K)])) < 1e-12


@sizes
def test_cross_entropy(B, D, H, K, rng):
    """eq-ann-cross-entropy: both of its forms, as a mean over the batch, and torch's."""
    s, right = rng.normal(scale=3, size=(B, K)), rng.integers(K, size=B)
    loss, _ = softmax_cross_entropy(s, right)
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    assert abs(loss + sum(np.log(p[n, right[n]]) for n in range(B)) / B) < 1e-12
    other = sum(np.log(np.exp(s[n]).sum()) - s[n, right[n]] for n in range(B)) / B
    assert abs(loss - other) < 1e-12
    reference = torch.nn.functional.cross_entropy(torch.tensor(s), torch.tensor(right))
    assert abs(loss - reference.item()) < 1e-12


@sizes
def test_dlogits(B, D, H, K, rng):
    """eq-ann-dlogits: probabilities less one-hot, by autograd, and each row sums to 0."""
    s, right = rng.normal(scale=3, size=(B, K)), rng.integers(K, size=B)
    _, dlogits = softmax_cross_entropy(s, right)
    logits = torch.tensor(s, requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor(right)).backward()
    assert worst(dlogits, logits.grad.numpy()) < 1e-12
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    assert worst(dlogits, (p - (np.arange(K) == right[:, None])) / B) < 1e-12
    assert np.abs(dlogits.sum(axis=1)).max() < 1e-12


@pytest.fixture
def both(passes, in_torch, rng):
    """The chapter's gradients and autograd's, for one activation and one set of sizes."""

    def gradients(B, D, H, K, activation):
        params = MLP([D, H, K], rng=rng).params
        x, targets = rng.normal(size=(B, D)), rng.normal(size=(B, K))
        forward, backward = passes
        bend = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}[activation]
        ours = backward(params, x, targets, forward(params, x, bend), SLOPES[activation])
        return ours, in_torch(params, x, targets, activation)

    return gradients


@activations
@sizes
def test_backward_output(B, D, H, K, activation, both):
    """eq-ann-backward-output: dy and da1 by autograd."""
    ours, theirs = both(B, D, H, K, activation)
    assert worst(ours["y"], theirs["y"]) < 1e-12
    assert worst(ours["a1"], theirs["a1"]) < 1e-12


@activations
@sizes
def test_backward_hidden(B, D, H, K, activation, both):
    """eq-ann-backward-hidden: dz1 by autograd."""
    ours, theirs = both(B, D, H, K, activation)
    assert worst(ours["z1"], theirs["z1"]) < 1e-12


@activations
@pytest.mark.parametrize(("D", "H", "K"), [size[1:] for size in SIZES])
def test_weights(D, H, K, activation, both):
    """eq-ann-weights: of one example, what came back times what went in, by autograd."""
    ours, theirs = both(1, D, H, K, activation)
    for name in ("W1", "b1", "W2", "b2"):
        assert worst(ours[name], theirs[name]) < 1e-12


@activations
@sizes
def test_backward_input(B, D, H, K, activation, both):
    """eq-ann-backward-input: dx by autograd."""
    ours, theirs = both(B, D, H, K, activation)
    assert worst(ours["x"], theirs["x"]) < 1e-12


@activations
@sizes
def test_sum(B, D, H, K, activation, rng, in_torch):
    """eq-ann-sum: the batch's gradient is the mean of its examples', in the library too."""
    net = MLP([D, H, K], activation=activation, rng=rng)
    x, targets = rng.normal(size=(B, D)), rng.normal(size=(B, K))
    _, dy = mean_squared_error(net.forward(x), targets)
    dx = net.backward(dy)
    singly = [in_torch(net.params, x[n : n + 1], targets[n : n + 1], activation) for n in range(B)]
    for name, gradient in net.grads.items():
        assert worst(gradient, sum(each[name] for each in singly) / B) < 1e-12
    assert worst(dx, np.concatenate([each["x"] for each in singly]) / B) < 1e-12


@pytest.mark.parametrize("lr", [0.01, 0.3])
def test_descent(lr, rng):
    """eq-ann-descent: against torch.optim.SGD over several steps, which go downhill if small."""
    net = MLP([3, 4, 2], rng=rng)
    x, targets = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    peer = {name: torch.tensor(a, requires_grad=True) for name, a in net.params.items()}
    optimizer, peer_optimizer = SGD(net.params, lr=lr), torch.optim.SGD(peer.values(), lr=lr)
    losses = []
    for _ in range(5):
        loss, dy = mean_squared_error(net.forward(x), targets)
        net.backward(dy)
        optimizer.step(net.grads)
        losses.append(loss)
        peer_optimizer.zero_grad()
        a1 = torch.tanh(torch.tensor(x) @ peer["W1"].T + peer["b1"])
        y = a1 @ peer["W2"].T + peer["b2"]
        torch.nn.functional.mse_loss(y, torch.tensor(targets)).backward()
        peer_optimizer.step()
    for name, parameter in net.params.items():
        assert worst(parameter, peer[name].detach().numpy()) < 1e-12
    assert lr > 0.1 or losses == sorted(losses, reverse=True)


def test_gradcheck(rng, defined):
    """eq-ann-gradcheck: the differences are a quadratic's gradient, the error what was planted."""
    A, v = rng.normal(size=(4, 4)), rng.normal(size=4)
    gradient = (A + A.T) @ v
    names = defined("differences", np=np)
    delta = names["differences"](lambda: v @ A @ v, v, eps=1e-4)
    assert worst(delta, gradient) < 1e-9
    assert names["error"](gradient, delta) < 1e-9
    assert gradcheck(lambda at: (float(at @ A @ at), (A + A.T) @ at), v) < 1e-8
    for planted in (0.5, 1e-3):
        wrong = gradient + planted * np.abs(gradient).max() * np.eye(4)[2]
        assert names["error"](wrong, delta) == pytest.approx(planted, rel=1e-4)
        worst_entry = gradcheck(lambda at, wrong=wrong: (float(at @ A @ at), wrong), v)
        assert worst_entry == pytest.approx(planted, rel=1e-4)
        assert worst_entry.index == (2,)


@pytest.mark.parametrize("at", [0.5, 1.0, 2.5])
@pytest.mark.parametrize(
    ("f", "first", "third"),
    [(np.sin, np.cos, lambda t: -np.cos(t)), (np.exp, np.exp, np.exp)],
)
def test_step_size(f, first, third, at):
    """eq-ann-step-size: truncation where the step is large, within its bound where it is best."""
    u = 2.0**-53
    assert EPS / 3 < (3 * u) ** (1 / 3) < EPS * 3  # the library's step, for f and f''' of one size

    def error(eps):
        return abs((f(at + eps) - f(at - eps)) / (2 * eps) - first(at))

    def expected(eps):
        return eps**2 / 6 * abs(third(at)) + u * abs(f(at)) / eps

    best = (3 * u * abs(f(at)) / abs(third(at))) ** (1 / 3)
    grid = np.geomspace(best / 1000, best * 1000, 2001)
    assert grid[expected(grid).argmin()] == pytest.approx(best, rel=0.01)
    assert error(1e3 * best) == pytest.approx((1e3 * best) ** 2 / 6 * abs(third(at)), rel=1e-2)
    near = np.median([error(best * factor) for factor in np.linspace(0.5, 2, 31)])
    far = np.median([error(best * factor / 1000) for factor in np.linspace(0.5, 2, 31)])
    assert near < 2 * expected(best)  # the points themselves are rounded too
    assert near < error(100 * best)
    assert near < far
