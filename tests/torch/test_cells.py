"""The cells against torch.nn, against loops written by hand, and against central differences."""

import math

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn
from torch.func import functional_call

from lstmlib.torch import (
    ConvLSTMCell,
    GRUCell,
    LSTMCell,
    PeepholeLSTMCell,
    RNNCell,
    unroll,
)

T, B, D, H = 5, 3, 4, 6


def randomise(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn(p.shape, dtype=torch.float64) * 0.7)
    return module


def close(a, b):
    scale = b.abs().max()
    return (a - b).abs().max() <= 1e-12 * scale


PAIRS = {
    "tanh": (RNNCell(D, H).double(), nn.RNN(D, H).double()),
    "relu": (RNNCell(D, H, "relu").double(), nn.RNN(D, H, nonlinearity="relu").double()),
    "lstm": (LSTMCell(D, H).double(), nn.LSTM(D, H).double()),
    "gru": (GRUCell(D, H).double(), nn.GRU(D, H).double()),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("given_state", [False, True])
def test_outputs_and_every_gradient_are_torchs(name, given_state):
    torch.manual_seed(0)
    cell, layer = PAIRS[name]
    randomise(layer)
    b_x, b_h = layer.bias_ih_l0.detach(), layer.bias_hh_l0.detach()
    ours = {"W_x": layer.weight_ih_l0, "W_h": layer.weight_hh_l0, "b": b_x + b_h}
    if name == "gru":  # r multiplies the second bias of n
        ours |= {"b": torch.cat([(b_x + b_h)[: 2 * H], b_x[2 * H :]]), "b_hn": b_h[2 * H :]}
    cell.load_state_dict(ours)

    x = torch.randn(T, B, D, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(1, B, H, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    if not given_state:
        first = theirs = None
    elif name == "lstm":
        first, theirs = (state[0][0], state[1][0]), tuple(state)
    else:
        first, theirs = state[0][0], state[0]
    h, last = unroll(cell, x, first)
    expected, expected_last = layer(x, theirs)
    assert close(h, expected)
    if name == "lstm":
        assert close(last[0], expected_last[0][0])
        assert close(last[1], expected_last[1][0])
    else:
        assert close(last, expected_last[0])

    dh = torch.randn_like(h)
    wrt = [x]
    if given_state:
        wrt += state if name == "lstm" else state[:1]
    ours = [cell.W_x, cell.W_h, cell.b]
    torchs = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0]
    got = torch.autograd.grad(h, wrt + ours, dh, retain_graph=True)
    want = torch.autograd.grad(expected, wrt + torchs, dh, retain_graph=True)
    for a, b in zip(got, want, strict=True):
        assert close(a, b)
    if name == "gru":
        (a,) = torch.autograd.grad(h, cell.b_hn, dh)
        (b,) = torch.autograd.grad(expected, layer.bias_hh_l0, dh)
        assert close(a, b[2 * H :])


def check_gradients(cell, x, state):
    """Central differences, for the input, the state and every parameter, over two steps."""
    names, parameters = zip(*cell.named_parameters(), strict=True)
    single = isinstance(state, torch.Tensor)
    states = [state] if single else list(state)

    def two_steps(x, *rest):
        weights = dict(zip(names, rest[len(states) :], strict=True))
        at = rest[0] if single else rest[: len(states)]
        at = functional_call(cell, weights, (x, at))
        return functional_call(cell, weights, (x, at))

    inputs = [x, *states, *parameters]
    assert torch.autograd.gradcheck(
        two_steps, [i.detach().requires_grad_() for i in inputs], rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize(
    ("make", "states"),
    [(RNNCell, 1), (GRUCell, 1), (LSTMCell, 2), (PeepholeLSTMCell, 2)],
)
def test_gradients_by_central_differences(make, states):
    torch.manual_seed(0)
    cell = randomise(make(3, 4).double())
    state = tuple(torch.randn(states, 2, 4, dtype=torch.float64))
    check_gradients(
        cell, torch.randn(2, 3, dtype=torch.float64), state[0] if states == 1 else state
    )


def test_convlstm_gradients_by_central_differences():
    torch.manual_seed(0)
    cell = randomise(ConvLSTMCell(2, 2, 3).double())
    state = tuple(torch.randn(2, 2, 2, 3, 4, dtype=torch.float64))
    check_gradients(cell, torch.randn(2, 2, 3, 4, dtype=torch.float64), state)


def sigma(z):
    return 1 / (1 + math.exp(-z))


def test_peephole_unit_by_unit():
    """Every number of the next state from scalar arithmetic."""
    torch.manual_seed(0)
    cell = randomise(PeepholeLSTMCell(D, H).double())
    x = torch.randn(B, D, dtype=torch.float64)
    h0, c0 = torch.randn(2, B, H, dtype=torch.float64)
    h, c = cell(x, (h0, c0))
    w = {name: p.detach().numpy() for name, p in cell.named_parameters()}
    for b in range(B):
        for k in range(H):
            z = [
                sum(w["W_x"][gate * H + k, d] * x[b, d].item() for d in range(D))
                + sum(w["W_h"][gate * H + k, j] * h0[b, j].item() for j in range(H))
                + w["b"][gate * H + k]
                for gate in range(4)
            ]
            before = c0[b, k].item()
            i = sigma(z[0] + w["p_i"][k] * before)
            f = sigma(z[1] + w["p_f"][k] * before)
            after = f * before + i * math.tanh(z[2])
            o = sigma(z[3] + w["p_o"][k] * after)
            assert c[b, k].item() == pytest.approx(after, rel=1e-12)
            assert h[b, k].item() == pytest.approx(o * math.tanh(after), rel=1e-12)


def test_peephole_without_peepholes_is_the_lstm():
    torch.manual_seed(0)
    peephole, lstm = randomise(PeepholeLSTMCell(D, H).double()), LSTMCell(D, H).double()
    with torch.no_grad():
        for p in (peephole.p_i, peephole.p_f, peephole.p_o):
            p.zero_()
    lstm.load_state_dict({name: getattr(peephole, name) for name in ("W_x", "W_h", "b")})
    x = torch.randn(T, B, D, dtype=torch.float64)
    assert close(unroll(peephole, x)[0], unroll(lstm, x)[0])


def convolve(image, kernel):
    """Correlate (D, Y, X) with (K, D, k, k), zeros around the image, by loops."""
    channels, height, width = image.shape
    k = kernel.shape[-1]
    out = np.zeros((len(kernel), height, width))
    for n in range(len(kernel)):
        for y in range(height):
            for x in range(width):
                for d in range(channels):
                    for dy in range(k):
                        for dx in range(k):
                            v, u = y + dy - k // 2, x + dx - k // 2
                            if 0 <= v < height and 0 <= u < width:
                                out[n, y, x] += kernel[n, d, dy, dx] * image[d, v, u]
    return out


@pytest.mark.parametrize("k", [1, 3, 5])
def test_convlstm_by_loops(k):
    torch.manual_seed(0)
    cell = randomise(ConvLSTMCell(2, 3, k).double())
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64)
    h0, c0 = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64)
    h, c = cell(x, (h0, c0))
    w = {name: p.detach().numpy() for name, p in cell.named_parameters()}
    for b in range(2):
        z = convolve(x[b].numpy(), w["W_x"]) + convolve(h0[b].numpy(), w["W_h"])
        z += w["b"][:, None, None]
        i, f, g, o = np.split(z, 4)
        after = c0[b].numpy() / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        np.testing.assert_allclose(c[b].detach(), after, rtol=1e-12, atol=1e-14)
        expected = np.tanh(after) / (1 + np.exp(-o))
        np.testing.assert_allclose(h[b].detach(), expected, rtol=1e-12, atol=1e-14)


def test_convlstm_of_one_pixel_kernels_is_an_lstm_at_every_pixel():
    torch.manual_seed(0)
    conv, lstm = randomise(ConvLSTMCell(D, H, 1).double()), LSTMCell(D, H).double()
    lstm.load_state_dict({"W_x": conv.W_x[:, :, 0, 0], "W_h": conv.W_h[:, :, 0, 0], "b": conv.b})
    x = torch.randn(T, B, D, 2, 3, dtype=torch.float64)
    h, (h_last, c_last) = unroll(conv, x)
    assert torch.equal(h[-1], h_last)
    for y in range(2):
        for u in range(3):
            expected, (_, c) = unroll(lstm, x[..., y, u])
            assert close(h[..., y, u], expected)
            assert close(c_last[..., y, u], c)


@pytest.mark.parametrize("make", [RNNCell, GRUCell, LSTMCell, PeepholeLSTMCell])
def test_no_state_is_a_state_of_zeros(make):
    cell = make(D, H)
    x = torch.randn(B, D)
    zeros = torch.zeros(B, H)
    state = zeros if make in (RNNCell, GRUCell) else (zeros, zeros)
    got, expected = cell(x), cell(x, state)
    assert torch.equal(torch.stack(list(got)), torch.stack(list(expected)))


def test_initialisation():
    for cell in (LSTMCell(D, H), PeepholeLSTMCell(D, H), ConvLSTMCell(D, H, 3)):
        i, f, g, o = cell.b.split(H)
        assert torch.equal(f, torch.ones(H))
        for other in (i, g, o):
            assert torch.equal(other, torch.zeros(H))
    for cell in (RNNCell(D, H), GRUCell(D, H), LSTMCell(D, H), PeepholeLSTMCell(D, H)):
        for name, p in cell.named_parameters():
            if p.ndim == 2 or name.startswith("p_"):
                assert 0.5 * H**-0.5 < p.abs().max() <= H**-0.5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: unroll(LSTMCell(D, H), torch.zeros(0, B, D)), ValueError, r"T = 0: \(0, 3, 4\)"),
        (lambda: LSTMCell(D, H)(torch.zeros(T, B, D)), TypeCheckError, r"f32\[5,3,4\]"),
        (lambda: LSTMCell(D, H)(torch.zeros(B, D).int()), TypeCheckError, r"i32\[3,4\]"),
        (lambda: LSTMCell(D, H)(torch.zeros(B, D + 1)), RuntimeError, "3x5"),
        (
            lambda: LSTMCell(D, H)(torch.zeros(B, D), (torch.zeros(H, B), torch.zeros(H, B))),
            TypeCheckError,
            r"state[\s\S]*B=3",
        ),
        (lambda: GRUCell(D, H)(torch.zeros(B, D), torch.zeros(2, H)), TypeCheckError, r"\[2,6\]"),
        (lambda: RNNCell(D, H, "sin"), ValueError, "expected 'tanh' or 'relu', got 'sin'"),
        (lambda: ConvLSTMCell(D, H, 2), ValueError, "expected an odd number, got 2"),
        (lambda: ConvLSTMCell(D, H, 3)(torch.zeros(B, D, 5)), TypeCheckError, r"\[3,4,5\]"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
