"""Gradients of an answer against autograd, central differences, and a layer made by hand."""

import numpy as np
import pytest
import torch

from lstmlib.analysis import back_through, saliency
from lstmlib.numpy import LSTM, Dense, softmax
from lstmlib.weights import from_torch

T, B, D, H, K = 6, 4, 3, 5, 7


def layers_and_readout(rng, count=1):
    layers = [LSTM(D if k == 0 else H, H, rng=rng) for k in range(count)]
    return layers, Dense(H, K, rng=rng)


def log_p(layers, readout, x, chosen):
    for layer in layers:
        x, _ = layer.forward(x)
    return np.log(softmax(readout.forward(x[-1])))[np.arange(len(chosen)), chosen]


@pytest.mark.parametrize("count", [1, 2])
def test_saliency_is_the_central_difference(count):
    rng = np.random.default_rng(count)
    layers, readout = layers_and_readout(rng, count)
    x, chosen = rng.normal(size=(T, B, D)), rng.integers(K, size=B)
    found = saliency([layer.params for layer in layers], readout.params, x, chosen)
    for t, b, d in [(0, 0, 0), (2, 3, 1), (T - 1, 1, 2), (3, 2, 0)]:
        up, down = x.copy(), x.copy()
        up[t, b, d] += 1e-5
        down[t, b, d] -= 1e-5
        slope = (log_p(layers, readout, up, chosen) - log_p(layers, readout, down, chosen)) / 2e-5
        assert found[t, b, d] == pytest.approx(slope[b], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2])
def test_saliency_of_a_model_of_pytorch(count):
    torch.manual_seed(count)
    lstm, head = torch.nn.LSTM(D, H, count).double(), torch.nn.Linear(H, K).double()
    x = torch.randn(T, B, D, dtype=torch.float64, requires_grad=True)
    chosen = torch.randint(K, (B,))
    h, _ = lstm(x)
    head(h[-1]).log_softmax(1)[torch.arange(B), chosen].sum().backward()
    stacked = from_torch(lstm.state_dict())
    layers = [
        {name: stacked[f"{k}.{name}" if count > 1 else name] for name in ("W_x", "W_h", "b")}
        for k in range(count)
    ]
    found = saliency(layers, from_torch(head.state_dict()), x.detach().numpy(), chosen.numpy())
    np.testing.assert_allclose(found, x.grad.numpy(), atol=1e-13)


def test_the_gradient_of_a_state_is_total():
    """Against autograd through a loop in which every h_t is a leaf of the graph."""
    rng = np.random.default_rng(3)
    layer = LSTM(D, H, rng=rng)
    x, dh = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    W_x, W_h, b = (torch.from_numpy(layer.params[k]) for k in ("W_x", "W_h", "b"))
    h, c = torch.zeros(B, H, dtype=torch.float64), torch.zeros(B, H, dtype=torch.float64)
    states, loss = [], torch.zeros((), dtype=torch.float64)
    for t in range(T):
        z = torch.from_numpy(x[t]) @ W_x.T + h @ W_h.T + b
        i, f, g, o = z.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = (o.sigmoid() * c.tanh()).requires_grad_()
        h.retain_grad()
        states.append(h)
        loss = loss + (h * torch.from_numpy(dh[t])).sum()
    loss.backward()
    total, dx = back_through(layer.params, x, dh)
    np.testing.assert_allclose(total, np.stack([s.grad.numpy() for s in states]), atol=1e-13)
    layer.forward(x)
    np.testing.assert_allclose(dx, layer.backward(dh)[0], atol=1e-13)


def test_a_cell_that_holds_one_input_for_ever():
    """Its gate is open at one input only, so the answer moves with that input and no other."""
    big = 50.0
    W_x, b = np.zeros((4, 2)), np.array([-big, big, 0.0, big])  # i shut, f open, o open
    W_x[0, 1] = 2 * big  # the second feature opens the input gate
    W_x[2, 0] = 1.0  # the first is what is written
    x = np.array([[0.3, 0], [0.7, 1], [-0.4, 0], [0.9, 0]])[:, None]
    readout = {"W": np.array([[1.0], [0.0]]), "b": np.zeros(2)}
    found = saliency([{"W_x": W_x, "W_h": np.zeros((4, 1)), "b": b}], readout, x, np.array([0]))[
        :, 0, 0
    ]
    g = np.tanh(0.7)
    p = 1 / (1 + np.exp(-np.tanh(g)))
    expected = (1 - p) * (1 - np.tanh(g) ** 2) * (1 - g**2)
    np.testing.assert_allclose(found, [0, expected, 0, 0], atol=1e-12)


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    (layer,), readout = layers_and_readout(rng)
    x = rng.normal(size=(T, B, D))
    with pytest.raises(ValueError, match="classes from 0 to 6, got 1 layers and classes"):
        saliency([layer.params], readout.params, x, np.full(B, K))
    with pytest.raises(ValueError, match="at least one layer"):
        saliency([], readout.params, x, np.zeros(B, int))
