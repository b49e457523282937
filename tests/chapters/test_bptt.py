"""The labelled equations of chapters/03_bptt.ipynb in float64: the chapter's cells and lstmlib."""

import contextlib
import io

import numpy as np
import pytest
import torch

from lstmlib.numpy import RNN, gradcheck, mean_squared_error, rnn_step, rnn_step_backward

CHAPTER = "03_bptt"
SEEDS = range(4)


def assert_same(ours, theirs, tolerance=1e-12):
    """Largest difference at most the tolerance times the largest entry."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert np.shape(ours) == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


# The three-step network


@pytest.fixture(params=SEEDS)
def scalar(request):
    """Random numbers for the three-step network, w = 1/2 among them."""
    rng = np.random.default_rng(request.param)
    return {"x": rng.normal(size=3), "targets": rng.normal(size=3), "h_0": rng.normal()}


def scalar_in_torch(x, targets, h_0, w):
    """The states and the loss, from a tensor of three weights."""
    h = [torch.tensor(h_0, dtype=torch.float64)]
    for t in range(3):
        h.append(w[t] * h[t] + x[t])
        if h[-1].requires_grad:
            h[-1].retain_grad()
    return h, sum((h[t + 1] - targets[t]) ** 2 / 2 for t in range(3))


def shared(w=0.5):
    leaf = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    return leaf, leaf.expand(3)


def after(cells, cell, **names):
    """Run a cell silently with these names, and return all names after it."""
    names = {"np": np, **names}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(cells[cell], names)
    return names


def test_scalar(scalar, cells):
    """eq-bptt-scalar: the states as polynomials in three different weights."""
    names = after(cells, "scalar-run")
    names.update(x=scalar["x"], targets=scalar["targets"])
    (a, b, c), (x1, x2, x3), h_0 = np.random.default_rng(9).normal(size=3), scalar["x"], 0.7
    h, e = names["run"](np.array([a, b, c]), h_0)
    expected = np.array(
        [h_0, a * h_0 + x1, a * b * h_0 + b * x1 + x2, a * b * c * h_0 + b * c * x1 + c * x2 + x3]
    )
    assert_same(h, expected)
    assert_same(e, (expected[1:] - scalar["targets"]) ** 2 / 2)


def test_copies(scalar, cells):
    """eq-bptt-copies: the gradient of one shared weight is the sum of those of three."""
    scalar["h_0"] = 2.0  # as in the chapter, whose cell measures the three
    leaf, w = shared()
    scalar_in_torch(**scalar, w=w)[1].backward()
    three = torch.full((3,), 0.5, dtype=torch.float64, requires_grad=True)
    scalar_in_torch(**scalar, w=three)[1].backward()
    assert_same(three.grad.sum().numpy(), leaf.grad)
    names = after(cells, "scalar-run")
    names.update(x=scalar["x"], targets=scalar["targets"])
    assert_same(np.array(after(cells, "slope", **names)["at_one_step"]), three.grad, 1e-8)


def test_paths(scalar, defined):
    """eq-bptt-paths: all paths from a loss to a copy add up to the derivative of that loss."""
    leaf, w = shared()
    h, loss = scalar_in_torch(**scalar, w=w)
    values = np.array([state.item() for state in h])
    path = defined("paths", h=values, targets=scalar["targets"])["path"]
    loss.backward()
    assert_same(sum(path(t, s) for t in (1, 2, 3) for s in range(1, t + 1)), leaf.grad)


def derivatives(scalar, cells):
    leaf, w = shared()
    h, loss = scalar_in_torch(**scalar, w=w)
    values = np.array([state.item() for state in h])
    names = after(cells, "recursions", h=values, targets=scalar["targets"])
    loss.backward()
    other, w = shared()  # a graph of its own: retain_grad would add up
    states, _ = scalar_in_torch(**scalar, w=w)
    total_w = [torch.autograd.grad(state, other, retain_graph=True)[0] for state in states[1:]]
    return names, torch.stack(total_w), torch.stack([state.grad for state in h[1:]]), leaf.grad


def test_derivatives(scalar, cells):
    """eq-bptt-derivatives: both recursions against autograd."""
    names, total_w, total_h, _ = derivatives(scalar, cells)
    assert_same(names["total_w"], total_w)
    assert_same(names["total_h"], total_h)


def test_grouped(scalar, cells):
    """eq-bptt-grouped: one total and one immediate derivative, either way round."""
    names, _, _, slope = derivatives(scalar, cells)
    products = after(cells, "four-products", **names, everywhere=slope.item())["products"]
    right, right_too, totals, immediates = products.values()
    assert_same(right, slope)
    assert_same(right_too, slope)
    assert abs(totals - slope.item()) > 1e-6
    assert abs(immediates - slope.item()) > 1e-6


# The network in full


class Case:
    """A network of random sizes, its gradients by the chapter's code and by autograd."""

    def __init__(self, seed, defined, cut=lambda t: False):
        rng = np.random.default_rng(seed)
        T, B, D, H, K = self.sizes = rng.integers(2, 7, size=5)
        shapes = {"W_x": (H, D), "W_h": (H, H), "b": (H,), "W": (K, H), "b_y": (K,), "h_0": (B, H)}
        self.p = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        self.x, self.targets = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, K))
        self.forward = defined("forward", np=np)["forward"]
        self.backward = defined("backward", np=np)["backward"]
        self.h, self.y = self.forward(self.p, self.x)
        _, self.dy = mean_squared_error(self.y, self.targets)
        self.grads, self.dh, self.dz = self.backward(self.p, self.x, self.h, self.dy)
        self.run_in_torch(cut)

    def run_in_torch(self, cut):
        """Forward and backward with autograd; where cut(t), h_t is a constant for step t + 1."""
        arrays = self.p | {"x": self.x}
        self.leaf = leaf = {name: torch.tensor(a, requires_grad=True) for name, a in arrays.items()}
        self.h_torch, self.z_torch = [leaf["h_0"]], []
        for t, x in enumerate(leaf["x"]):
            before = self.h_torch[t].detach() if t > 0 and cut(t) else self.h_torch[t]
            z = x @ leaf["W_x"].T + before @ leaf["W_h"].T + leaf["b"]
            z.retain_grad()
            self.z_torch.append(z)
            self.h_torch.append(torch.tanh(z))
            self.h_torch[-1].retain_grad()
        self.y_torch = torch.stack(self.h_torch[1:]) @ leaf["W"].T + leaf["b_y"]
        self.y_torch.retain_grad()
        ((self.y_torch - torch.from_numpy(self.targets)) ** 2).mean().backward()

    def layer(self):
        """The library's layer with these weights, after its forward pass."""
        _, _, D, H, _ = (int(size) for size in self.sizes)
        layer = RNN(D, H, rng=np.random.default_rng(0))
        layer.params.update({name: self.p[name] for name in layer.params})
        layer.forward(self.x, self.p["h_0"])
        return layer

    @property
    def dh_immediate(self):
        return self.dy @ self.p["W"]


@pytest.fixture(params=SEEDS)
def case(request, defined):
    return Case(request.param, defined)


def test_network(case):
    """eq-bptt-network: every example by itself, as columns."""
    p, (T, B, *_) = case.p, case.sizes
    for n in range(B):
        h = p["h_0"][n]
        for t in range(T):
            h = np.tanh(p["W_x"] @ case.x[t, n] + p["W_h"] @ h + p["b"])
            assert_same(case.h[t + 1, n], h)
            assert_same(case.y[t, n], p["W"] @ h + p["b_y"])


def test_readout(case):
    """eq-bptt-readout: the gradients of the read-out, and the immediate one of each state."""
    assert_same(case.dy, case.y_torch.grad)
    assert_same(case.grads["W"], case.leaf["W"].grad)
    assert_same(case.grads["b_y"], case.leaf["b_y"].grad)
    h = torch.tensor(case.h[1:], requires_grad=True)  # states that nothing else depends on
    y = h @ case.leaf["W"].detach().T + case.leaf["b_y"].detach()
    ((y - torch.from_numpy(case.targets)) ** 2).mean().backward()
    assert_same(case.dh_immediate, h.grad)


def test_total(case):
    """eq-bptt-total: the total derivative of every state, the first one included."""
    assert_same(case.dh, torch.stack([h.grad for h in case.h_torch[1:]]))
    assert_same(case.layer().backward(case.dh_immediate)[1], case.h_torch[0].grad)


def test_dz(case):
    """eq-bptt-dz: the gradient of every pre-activation, in the chapter and in rnn_step_backward."""
    assert_same(case.dz, torch.stack([z.grad for z in case.z_torch]))
    weights = {name: case.p[name] for name in ("W_x", "W_h", "b")}
    for t, x in enumerate(case.x):
        _, cache = rnn_step(x, case.h[t], **weights)
        here = rnn_step_backward(case.dh[t], cache)[2]
        assert_same(here["b"], case.z_torch[t].grad.sum(axis=0))


def test_weights(case):
    """eq-bptt-weights: the sums over the steps, in the chapter and in the layer."""
    layer = case.layer()
    layer.backward(case.dh_immediate)
    for name in layer.grads:
        assert_same(case.grads[name], case.leaf[name].grad)
        assert_same(layer.grads[name], case.leaf[name].grad)


def test_gradients_by_central_differences(case):
    """eq-bptt-total, eq-bptt-dz, eq-bptt-weights, eq-bptt-inputs: every entry nudged."""

    def loss(arrays):
        p = {name: arrays[name] for name in case.p}
        h, y = case.forward(p, arrays["x"])
        value, dy = mean_squared_error(y, case.targets)
        return value, case.backward(p, arrays["x"], h, dy)[0]

    assert gradcheck(loss, case.p | {"x": case.x}) < 1e-6


def test_inputs(case):
    """eq-bptt-inputs: the gradients of the inputs and of the first state."""
    dx, dstate = case.layer().backward(case.dh_immediate)
    for ours in (case.grads["x"], dx):
        assert_same(ours, case.leaf["x"].grad)
    for ours in (case.grads["h_0"], dstate):
        assert_same(ours, case.leaf["h_0"].grad)


def test_batch(case):
    """eq-bptt-batch: the gradients of single examples add up to that of the batch."""
    layer = case.layer()
    total = dict.fromkeys(layer.params, 0)
    for n in range(case.sizes[1]):
        one = slice(n, n + 1)
        layer.forward(case.x[:, one], case.p["h_0"][one])
        layer.backward(np.ascontiguousarray(case.dh_immediate[:, one]))
        total = {name: total[name] + layer.grads[name] for name in total}
    for name, gradient in total.items():
        assert_same(gradient, case.leaf[name].grad)


def test_forward(case, defined):
    """eq-bptt-forward: from the first step to the last, the same gradient; without ∂⁺ nothing."""
    forward_mode = defined("front", np=np)["forward_mode"]
    examples = [(case.h[:, n], case.dh_immediate[:, n]) for n in range(case.sizes[1])]
    gradient = sum(forward_mode(case.p["W_h"], h, dh) for h, dh in examples)
    assert_same(gradient, case.leaf["W_h"].grad)
    assert not forward_mode(case.p["W_h"], *examples[0], keep_immediate=False).any()


def test_jacobian(case):
    """eq-bptt-jacobian: the product over the steps is the derivative of the last state."""
    p = {name: torch.from_numpy(a) for name, a in case.p.items()}
    x = torch.from_numpy(case.x[:, 0])

    def last(h):
        for x_t in x:
            h = torch.tanh(p["W_x"] @ x_t + p["W_h"] @ h + p["b"])
        return h

    product = np.eye(case.sizes[3])
    for h in case.h[1:, 0]:
        product = np.diag(1 - h**2) @ case.p["W_h"] @ product
    assert_same(product, torch.autograd.functional.jacobian(last, p["h_0"][0]))


def test_sum(case, defined):
    """eq-bptt-sum, eq-bptt-jacobian: pair by pair, and lag by lag, the same gradient."""
    double_sum = defined("double-sum", np=np)["double_sum"]
    h, dh = case.h, case.dh_immediate
    gradient = sum(double_sum(case.p["W_h"], h[:, n], dh[:, n]) for n in range(case.sizes[1]))
    assert_same(gradient, case.leaf["W_h"].grad)

    layer = case.layer()
    states, _ = layer.forward(case.x)
    parts = defined("lags", np=np)["by_lag"](layer, states, dh)
    assert_same(parts.sum(axis=0), layer.grads["W_h"])
    for lag, part in enumerate(parts):
        assert_same(part, part_of_lag(lag, layer.params["W_h"], states, dh), 1e-11)


def part_of_lag(lag, W_h, h, dh):
    """All pairs with t - s = lag, one by one; the first state is 0."""
    T, B, H = h.shape
    part = np.zeros((H, H))
    for n in range(B):
        for t in range(lag, T):
            g = dh[t, n]
            for r in range(t, t - lag, -1):
                g = W_h.T @ ((1 - h[r, n] ** 2) * g)
            before = h[t - lag - 1, n] if t > lag else np.zeros(H)
            part += np.outer((1 - h[t - lag, n] ** 2) * g, before)
    return part


class Counted(np.ndarray):
    """An array that counts the multiplications of its matrix products."""

    multiplications = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        inputs = [np.asarray(a) for a in inputs]
        if ufunc is np.matmul:
            Counted.multiplications += np.prod(inputs[0].shape) * inputs[1].shape[-1]
        kwargs = {
            name: tuple(map(np.asarray, a)) if name == "out" else a for name, a in kwargs.items()
        }
        return np.asarray(getattr(ufunc, method)(*inputs, **kwargs)).view(Counted)


def test_cost(case):
    """eq-bptt-cost: the multiplications counted one by one, and what the layer keeps."""
    T, B, D, H, K = case.sizes
    counted = {name: a.view(Counted) for name, a in case.p.items()}
    x, N = case.x.view(Counted), H * D + H * H + K * H
    Counted.multiplications = 0
    h, _ = case.forward(counted, x)
    assert Counted.multiplications == T * B * N
    Counted.multiplications = 0
    case.backward(counted, x, h.view(Counted), case.dy.view(Counted))
    assert Counted.multiplications == 2 * T * B * N
    kept = sum(a.size for a in case.layer()._cache if a is not None)
    assert kept == T * B * D + (T + 1) * B * H


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_truncated(seed, k, defined):
    """eq-bptt-truncated: as if the state were a constant after every k steps."""
    case = Case(seed, defined, cut=lambda t: t % k == 0)
    layer = case.layer()
    dx, dstate = layer.backward(case.dh_immediate, truncate=k)
    for name, gradient in layer.grads.items():
        assert_same(gradient, case.leaf[name].grad)
    assert_same(dx, case.leaf["x"].grad)
    assert_same(dstate, case.leaf["h_0"].grad)


@pytest.mark.parametrize("seed", SEEDS)
def test_elman(seed, defined):
    """eq-bptt-elman: backpropagation through one step, the state before it an input."""
    case = Case(seed, defined, cut=lambda t: True)
    layer = case.layer()
    layer.backward(case.dh_immediate, truncate=1)
    slope = 1 - case.h[1:] ** 2
    elman = np.einsum("tbj,tbi->ji", slope * case.dh_immediate, case.h[:-1])
    assert_same(layer.grads["W_h"], case.leaf["W_h"].grad)
    assert_same(elman, case.leaf["W_h"].grad)


@pytest.mark.parametrize("angle", [0.1, 1.0, 2.5])
@pytest.mark.parametrize("length", [0.3, 1.0, 2.0])
def test_lost(angle, length, defined, rng):
    """eq-bptt-lost: a vector of known angle and length, by the law of cosines."""
    lost = defined("lost", np=np)["lost"]
    full, other = rng.normal(size=(2, 20))
    other -= full * (full @ other) / (full @ full)
    other *= np.sqrt((full @ full) / (other @ other))
    cosine, error = lost(full, length * (np.cos(angle) * full + np.sin(angle) * other))
    assert cosine == pytest.approx(np.cos(angle), rel=1e-12)
    assert error == pytest.approx(np.sqrt(1 + length**2 - 2 * length * np.cos(angle)), rel=1e-12)
