"""Outputs, states and every gradient against torch.nn, in float64."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from lstmlib.numpy import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    Bidirectional,
    RMSProp,
    Stacked,
    clip_grad_norm,
    mean_squared_error,
    softmax_cross_entropy,
)

TOLERANCE = 1e-12
MODULES = {RNN: torch.nn.RNN, LSTM: torch.nn.LSTM, GRU: torch.nn.GRU}
shapes = {
    "T": st.integers(1, 12),
    "B": st.integers(1, 7),
    "D": st.integers(1, 9),
    "H": st.integers(1, 17),
    "seed": st.integers(0, 999),
}


def assert_same(ours, theirs):
    """Largest difference at most TOLERANCE times the largest entry."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()


def copy_weights(layer, module, suffix):
    """Give the module our weights: our b is its bias_ih, b_hn the last third of its bias_hh."""
    H = layer.hidden_size
    bias_hh = torch.zeros_like(getattr(module, f"bias_hh_{suffix}"))
    if isinstance(layer, GRU):
        bias_hh[2 * H :] = torch.from_numpy(layer.params["b_hn"])
    theirs = {f"weight_ih_{suffix}": "W_x", f"weight_hh_{suffix}": "W_h", f"bias_ih_{suffix}": "b"}
    with torch.no_grad():
        for name, ours in theirs.items():
            getattr(module, name).copy_(torch.from_numpy(layer.params[ours]))
        getattr(module, f"bias_hh_{suffix}").copy_(bias_hh)


def assert_same_grads(layer, module, suffix):
    assert_same(layer.grads["W_x"], getattr(module, f"weight_ih_{suffix}").grad)
    assert_same(layer.grads["W_h"], getattr(module, f"weight_hh_{suffix}").grad)
    assert_same(layer.grads["b"], getattr(module, f"bias_ih_{suffix}").grad)
    if isinstance(layer, GRU):
        H = layer.hidden_size
        assert_same(layer.grads["b_hn"], getattr(module, f"bias_hh_{suffix}").grad[2 * H :])


def flat(state):
    """Return the arrays of a state of any form, in order."""
    return [state] if isinstance(state, np.ndarray) else [a for s in state for a in flat(s)]


def stack(states):
    """Return PyTorch's state of all single layers: h, or (h, c), each (layers, B, H)."""
    if isinstance(states[0], np.ndarray):
        return torch.from_numpy(np.stack(states)).requires_grad_()
    return tuple(torch.from_numpy(np.stack(s)).requires_grad_() for s in zip(*states, strict=True))


def compare(layer, singles, module, nested, T, B, rng, lengths=None):
    """Run forward and backward in both, with random states and random gradients of all results.

    ``singles`` maps PyTorch's suffixes to our single layers in PyTorch's order; ``nested`` arranges
    their states as ours.
    """
    kind = type(next(iter(singles.values())))
    H = next(iter(singles.values())).hidden_size
    for suffix, single in singles.items():
        copy_weights(single, module, suffix)

    def draw():
        s = rng.standard_normal((B, H))
        return (s, rng.standard_normal((B, H))) if kind is LSTM else s

    x = rng.standard_normal((T, B, layer.input_size))
    states = [draw() for _ in singles]
    dstates = [draw() for _ in singles]
    dh = rng.standard_normal((T, B, layer.output_size))
    h, end = layer.forward(x, nested(states), lengths)
    dx, dstart = layer.backward(dh, nested(dstates))

    x_t = torch.from_numpy(x).requires_grad_()
    start_t = stack(states)
    if lengths is None:
        h_t, end_t = module(x_t, start_t)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x_t, torch.from_numpy(lengths), enforce_sorted=False
        )
        packed, end_t = module(packed, start_t)
        h_t, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=T)
    ends_t = end_t if kind is LSTM else (end_t,)
    dends_t = stack(dstates) if kind is LSTM else (stack(dstates),)
    torch.autograd.backward([h_t, *ends_t], [torch.from_numpy(dh), *dends_t])

    assert_same(h, h_t)
    assert_same(dx, x_t.grad)
    starts_t = start_t if kind is LSTM else (start_t,)
    parts = 2 if kind is LSTM else 1
    for part in range(parts):
        ours = np.stack(flat(end)[part::parts])
        assert_same(ours, ends_t[part])
        assert_same(np.stack(flat(dstart)[part::parts]), starts_t[part].grad)
    for suffix, single in singles.items():
        assert_same_grads(single, module, suffix)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@given(padded=st.booleans(), **shapes)
@example(T=1, B=1, D=1, H=1, seed=0, padded=False)
@example(T=40, B=5, D=3, H=32, seed=1, padded=False)
@example(T=9, B=6, D=3, H=16, seed=2, padded=True)
def test_one_layer(kind, T, B, D, H, seed, padded):
    rng = np.random.default_rng(seed)
    layer = kind(D, H, rng=rng)
    lengths = rng.integers(1, T + 1, B) if padded else None
    module = MODULES[kind](D, H).double()
    compare(layer, {"l0": layer}, module, lambda s: s[0], T, B, rng, lengths)


@given(**shapes)
def test_rnn_of_relus(T, B, D, H, seed):
    rng = np.random.default_rng(seed)
    layer = RNN(D, H, rng=rng, activation="relu")
    module = torch.nn.RNN(D, H, nonlinearity="relu").double()
    compare(layer, {"l0": layer}, module, lambda s: s[0], T, B, rng)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@given(padded=st.booleans(), **shapes)
def test_two_bidirectional_layers(kind, T, B, D, H, seed, padded):
    rng = np.random.default_rng(seed)
    singles = {
        "l0": kind(D, H, rng=rng),
        "l0_reverse": kind(D, H, rng=rng),
        "l1": kind(2 * H, H, rng=rng),
        "l1_reverse": kind(2 * H, H, rng=rng),
    }
    a, b, c, d = singles.values()
    layer = Stacked([Bidirectional(a, b), Bidirectional(c, d)])
    lengths = rng.integers(1, T + 1, B) if padded else None
    module = MODULES[kind](D, H, num_layers=2, bidirectional=True).double()
    compare(layer, singles, module, lambda s: ((s[0], s[1]), (s[2], s[3])), T, B, rng, lengths)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@given(**shapes)
def test_three_layers(kind, T, B, D, H, seed):
    rng = np.random.default_rng(seed)
    layers = [kind(n, H, rng=rng) for n in (D, H, H)]
    singles = {f"l{l}": layer for l, layer in enumerate(layers)}
    module = MODULES[kind](D, H, num_layers=3).double()
    compare(Stacked(layers), singles, module, tuple, T, B, rng)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@given(k=st.integers(1, 5), **shapes)
@example(T=7, B=2, D=2, H=3, seed=0, k=1)
@example(T=7, B=2, D=2, H=3, seed=0, k=7)
def test_truncated_bptt_is_detach_between_chunks(kind, k, T, B, D, H, seed):
    rng = np.random.default_rng(seed)
    layer = kind(D, H, rng=rng)
    module = MODULES[kind](D, H).double()
    copy_weights(layer, module, "l0")
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    n = 2 if kind is LSTM else 1
    start, dend = rng.standard_normal((2, n, B, H))

    layer.forward(x, tuple(start) if n == 2 else start[0])
    dx, dstart = layer.backward(dh, tuple(dend) if n == 2 else dend[0], truncate=k)

    x_t = torch.from_numpy(x).requires_grad_()
    start_t = torch.from_numpy(start[:, None]).requires_grad_()
    state = tuple(start_t) if n == 2 else start_t[0]
    h_t = []
    for t in range(0, T, k):
        if t > 0:
            state = tuple(s.detach() for s in state) if n == 2 else state.detach()
        h, state = module(x_t[t : t + k], state)
        h_t.append(h)
    ends = state if n == 2 else (state,)
    dends = tuple(torch.from_numpy(dend[:, None]))
    torch.autograd.backward([torch.cat(h_t), *ends], [torch.from_numpy(dh), *dends])

    assert_same(dx, x_t.grad)
    assert_same(np.stack(flat(dstart)), start_t.grad[:, 0])
    assert_same_grads(layer, module, "l0")


@given(
    N=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    K=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_losses(N, K, seed):
    rng = np.random.default_rng(seed)
    z, y = 10 * rng.standard_normal((2, *N, K))
    targets = rng.integers(0, K, N)
    z_t = torch.from_numpy(z).requires_grad_()

    loss_t = torch.nn.functional.cross_entropy(
        z_t.reshape(-1, K), torch.from_numpy(targets).ravel()
    )
    loss_t.backward()
    loss, dz = softmax_cross_entropy(z, targets)
    assert loss == pytest.approx(loss_t.item(), rel=TOLERANCE, abs=1e-300)
    np.testing.assert_allclose(dz, z_t.grad, rtol=0, atol=TOLERANCE / targets.size)

    z_t.grad = None
    loss_t = torch.nn.functional.mse_loss(z_t, torch.from_numpy(y))
    loss_t.backward()
    loss, dz = mean_squared_error(z, y)
    assert loss == pytest.approx(loss_t.item(), rel=TOLERANCE)
    assert_same(dz, z_t.grad)


OPTIMISERS = {
    "SGD": (lambda p: SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (
        lambda p: SGD(p, 0.1, momentum=0.9),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9),
    ),
    "RMSProp": (
        lambda p: RMSProp(p, 0.01, rho=0.9),
        lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9),
    ),
    "Adam": (
        lambda p: Adam(p, 0.01, beta1=0.8, beta2=0.99),
        lambda p: torch.optim.Adam(p, 0.01, betas=(0.8, 0.99)),
    ),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name):
    """The same 20 steps, with a rate that changes on the way."""
    ours, theirs = OPTIMISERS[name]
    rng = np.random.default_rng(0)
    params = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(3)}
    params_t = [torch.from_numpy(p.copy()).requires_grad_() for p in params.values()]
    optimiser, optimiser_t = ours(params), theirs(params_t)
    for k in range(20):
        if k == 10:
            optimiser.lr = optimiser_t.param_groups[0]["lr"] = 0.003
        grads = {key: rng.standard_normal(p.shape) for key, p in params.items()}
        optimiser.step(grads)
        for p, g in zip(params_t, grads.values(), strict=True):
            p.grad = torch.from_numpy(g)
        optimiser_t.step()
    for p, p_t in zip(params.values(), params_t, strict=True):
        assert_same(p, p_t)


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping(max_norm):
    rng = np.random.default_rng(0)
    grads = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(3)}
    before = {name: g.copy() for name, g in grads.items()}
    norm_t = torch.nn.utils.get_total_norm([torch.from_numpy(g) for g in before.values()]).item()
    assert clip_grad_norm(grads, max_norm) == pytest.approx(norm_t, rel=TOLERANCE)
    for name, g in grads.items():
        np.testing.assert_allclose(g, before[name] * min(1, max_norm / norm_t), rtol=TOLERANCE)
