"""The labelled equations of chapters/07_variants.ipynb in float64 against the code behind them."""

import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is imported
import keras
from keras.src.backend.common import dtypes

from lstmlib.numpy import (
    GRU,
    LSTM,
    Bidirectional,
    Stacked,
    gradcheck,
    gru_step,
    gru_step_backward,
    lstm_step,
)
from lstmlib.torch import (
    ConvLSTMCell,
    GRUCell,
    LSTMCell,
    PeepholeLSTMCell,
    RNNCell,
    unroll,
)
from lstmlib.weights import to_keras

CHAPTER = "07_variants"
T, B, D, H = 5, 3, 4, 6
SHAPES = [(1, 1, 1), (3, 4, 6), (2, 7, 3)]  # B, D, H


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def worst(a, b):
    """The largest difference relative to the largest entry."""
    return np.abs(a - b).max() / np.abs(b).max()


def random_gru(rng, D, H):
    layer = GRU(D, H, rng=rng)
    for a in layer.params.values():
        a[...] = rng.normal(size=a.shape)
    return layer


def gru_blocks(params):
    """W_xr, W_xz, W_xn, W_hr, W_hz, W_hn, b_r, b_z, b_n, b_hn."""
    stacked = (np.split(params[name], 3) for name in ("W_x", "W_h", "b"))
    return [block for blocks in stacked for block in blocks] + [params["b_hn"]]


def gru_example(x, h, blocks, *, renews=False, before=False):
    """One example, column by column, with the forks of the chapter."""
    W_xr, W_xz, W_xn, W_hr, W_hz, W_hn, b_r, b_z, b_n, b_hn = blocks
    r = sigmoid(W_xr @ x + W_hr @ h + b_r)
    z = sigmoid(W_xz @ x + W_hz @ h + b_z)
    inner = W_hn @ (r * h) if before else r * (W_hn @ h + b_hn)
    n = np.tanh(W_xn @ x + b_n + inner)
    return z * n + (1 - z) * h if renews else (1 - z) * n + z * h


@pytest.mark.parametrize(("B", "D", "H"), SHAPES)
def test_gru(B, D, H, rng):
    """eq-variants-gru: example by example, as the step, the layer, our cell and torch's layer."""
    layer = random_gru(rng, D, H)
    x, h = rng.normal(size=(T, B, D)), rng.normal(size=(B, H))
    cell = GRUCell(D, H).double()
    cell.load_state_dict({name: torch.tensor(a) for name, a in layer.params.items()})
    outputs, _ = layer.forward(x, h)
    for t in range(T):
        expected = np.array(
            [gru_example(x[t, b], h[b], gru_blocks(layer.params)) for b in range(B)]
        )
        assert worst(gru_step(x[t], h, **layer.params)[0], expected) < 1e-12
        assert worst(outputs[t], expected) < 1e-12
        in_torch = cell(torch.from_numpy(x[t]), torch.from_numpy(h))
        assert worst(in_torch.detach().numpy(), expected) < 1e-12
        h = expected


@pytest.mark.parametrize(("B", "D", "H"), SHAPES)
def test_renew(B, D, H, rng, defined):
    """eq-variants-renew: 1 − z for z, and the weights of z with the other sign give the same."""
    names = defined("renew", np=np, sigmoid=sigmoid)
    params = random_gru(rng, D, H).params
    x, h = rng.normal(size=(B, D)), rng.normal(size=(B, H))
    blocks = gru_blocks(params)
    expected = np.array([gru_example(x[b], h[b], blocks, renews=True) for b in range(B)])
    assert worst(names["gru_renew"](x, h, **params), expected) < 1e-12
    swapped = names["swap_convention"](params)
    assert worst(names["gru_renew"](x, h, **swapped), gru_step(x, h, **params)[0]) < 1e-12
    again = names["swap_convention"](swapped)
    assert all(np.array_equal(again[name], a) for name, a in params.items())


@pytest.fixture
def float64_keras(monkeypatch):
    """Let Keras compute in float64: on torch it rounds the factors of every product to float32."""
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_reset_before(rng, defined, float64_keras):
    """eq-variants-reset-before: what Keras computes with reset_after=False; by default as we do."""
    params = random_gru(rng, D, H).params
    params["b_hn"][...] = 0
    x = rng.normal(size=(T, B, D))
    kernel, recurrent, biases = to_keras(params)
    batch_major = torch.from_numpy(x.transpose(1, 0, 2).copy())
    last = {}
    for after, bias in ((True, biases), (False, biases.sum(axis=0))):
        layer = keras.layers.GRU(H, reset_after=after, dtype="float64")
        layer.build((None, T, D))
        layer.set_weights([kernel, recurrent, bias])
        last[after] = layer(batch_major).detach().numpy()
        h = np.zeros((B, H))
        for t in range(T):
            h = np.array(
                [gru_example(x[t, b], h[b], gru_blocks(params), before=not after) for b in range(B)]
            )
        assert worst(last[after], h) < 1e-12
    assert np.abs(last[True] - last[False]).max() > 1e-2

    candidates = defined("reset", np=np)["candidates"]
    r, h, W = rng.random((B, H)), rng.normal(size=(B, H)), rng.normal(size=(H, H))
    expected = [np.tanh(W @ (r[b] * h[b])) - np.tanh(r[b] * (W @ h[b])) for b in range(B)]
    assert abs(candidates(r, h, W) - np.abs(expected).max()) < 1e-12


def gru_by_autograd(layer, x, h, dh):
    """All gradients of a step that is written here with the names of the formulas."""
    leaf = {name: torch.tensor(a, requires_grad=True) for name, a in layer.params.items()}
    leaf["x"], leaf["h"] = (torch.tensor(a, requires_grad=True) for a in (x, h))
    a_r, a_z, a_n = (leaf["x"] @ leaf["W_x"].T + leaf["b"]).chunk(3, dim=1)
    u_r, u_z, u_n = (leaf["h"] @ leaf["W_h"].T).chunk(3, dim=1)
    z_r, z_z, m = a_r + u_r, a_z + u_z, u_n + leaf["b_hn"]
    r, z = z_r.sigmoid(), z_z.sigmoid()
    z_n = a_n + r * m
    n = z_n.tanh()
    inner = {"n": n, "z": z, "z_n": z_n, "m": m, "r": r, "z_z": z_z, "z_r": z_r}
    for value in inner.values():
        value.retain_grad()
    ((1 - z) * n + z * leaf["h"]).backward(torch.tensor(dh))
    return {name: value.grad.numpy() for name, value in (leaf | inner).items()}


@pytest.fixture(params=SHAPES)
def backward(request, rng):
    """A GRU's step and its backward step, and what autograd says of the same."""
    B, D, H = request.param
    layer = random_gru(rng, D, H)
    x, h, dh = (rng.normal(size=(B, n)) for n in (D, H, H))
    _, cache = gru_step(x, h, **layer.params)
    return cache, dh, gru_step_backward(dh, cache), gru_by_autograd(layer, x, h, dh)


def test_gru_gates(backward):
    """eq-variants-gru-gates: each line of the formula against autograd's gradient of its left."""
    cache, dh, (_, _, grads), expected = backward
    r, z, n, m, h_prev = cache.r, cache.z, cache.n, cache.m, cache.h_prev
    dn, dz = (1 - z) * dh, (h_prev - n) * dh
    dz_n = (1 - n**2) * dn
    lines = {
        "n": dn,
        "z": dz,
        "z_n": dz_n,
        "m": r * dz_n,
        "r": m * dz_n,
        "z_z": z * (1 - z) * dz,
        "z_r": r * (1 - r) * m * dz_n,
    }
    for name, line in lines.items():
        assert worst(line, expected[name]) < 1e-12
    in_code = np.split(grads["b"], 3)  # the sums over the batch of dz_r, dz_z and dz_n
    for db, name in zip(in_code, ("z_r", "z_z", "z_n"), strict=True):
        assert worst(db, expected[name].sum(axis=0)) < 1e-12


def test_gru_dx(backward):
    """eq-variants-gru-dx: three ways from the input, as autograd adds them up."""
    cache, _, (dx, _, _), expected = backward
    blocks = np.split(cache.W_x, 3)
    ways = [expected[k] @ W for k, W in zip(("z_r", "z_z", "z_n"), blocks, strict=True)]
    assert worst(dx, expected["x"]) < 1e-12
    assert worst(sum(ways), expected["x"]) < 1e-12


def test_gru_dh_prev(backward):
    """eq-variants-gru-dh-prev: four ways from the state before, none of which may be left out."""
    cache, dh, (_, dh_prev, _), expected = backward
    blocks = np.split(cache.W_h, 3)
    ways = [expected[k] @ W for k, W in zip(("z_r", "z_z", "m"), blocks, strict=True)]
    ways.append(cache.z * dh)
    assert worst(dh_prev, expected["h"]) < 1e-12
    assert worst(sum(ways), expected["h"]) < 1e-12
    for way in ways:
        assert worst(sum(ways) - way, expected["h"]) > 1e-6


def test_gru_weights(backward):
    """eq-variants-gru-weights: autograd's, and outer products example by example."""
    cache, _, (_, _, grads), expected = backward
    for name, gradient in grads.items():
        assert worst(gradient, expected[name]) < 1e-12
    B = len(cache.x)
    for k, name in enumerate(("z_r", "z_z", "z_n")):
        outer = sum(np.outer(expected[name][b], cache.x[b]) for b in range(B))
        assert worst(np.split(grads["W_x"], 3)[k], outer) < 1e-12
    outer = sum(np.outer(expected["m"][b], cache.h_prev[b]) for b in range(B))
    assert worst(np.split(grads["W_h"], 3)[2], outer) < 1e-12
    assert worst(grads["b_hn"], expected["m"].sum(axis=0)) < 1e-12


def test_gru_backward_over_a_sequence(rng):
    """eq-variants-gru-weights, eq-variants-gru-dh-prev: the layer against central differences."""
    layer = random_gru(rng, D, H)
    x, h = rng.normal(size=(T, B, D)), rng.normal(size=(B, H))
    assert gradcheck(layer, x, h) < 1e-6


def test_gru_direct(rng):
    """eq-variants-gru-direct: without W_h the only path; with it, what is left of the whole."""
    layer = random_gru(rng, D, H)
    x = rng.normal(size=(T, 1, D))
    layer.params["W_h"][...] = 0
    h = np.zeros((1, H))
    product = np.ones((1, H))
    for t in range(T):
        h, cache = gru_step(x[t], h, **layer.params)
        product *= cache.z
    layer.forward(x)
    for j in range(H):
        _, dh_0 = layer.backward(None, np.eye(H)[[j]])
        assert worst(dh_0, np.eye(H)[[j]] * product) < 1e-12


def coupled_cell(defined, D, H):
    cell = defined("coupled", nn=nn, torch=torch)["CoupledLSTMCell"](D, H).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    return cell


def test_coupled(rng, defined):
    """eq-variants-coupled: an LSTM whose input gate has the forget gate's weights negated."""
    torch.manual_seed(0)
    cell = coupled_cell(defined, D, H)
    W_x, W_h, b = (p.detach().numpy() for p in (cell.W_x, cell.W_h, cell.b))
    params = {
        name: np.concatenate([-a[:H], a]) for name, a in (("W_x", W_x), ("W_h", W_h), ("b", b))
    }
    state = rng.normal(size=(2, B, H))
    ours = tuple(torch.from_numpy(a) for a in state)
    lstm = tuple(state)
    for _ in range(T):
        x = rng.normal(size=(B, D))
        ours = cell(torch.from_numpy(x), ours)
        lstm, _ = lstm_step(x, tuple(lstm), **params)  # 1 − σ(a) = σ(−a)
        for a, expected in zip(ours, lstm, strict=True):
            assert worst(a.detach().numpy(), expected) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_bound(seed, defined):
    """eq-variants-bound: whatever the weights; an LSTM with the same sizes passes it."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    cell = coupled_cell(defined, D, H)
    gru = random_gru(rng, D, H)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter *= 5
        c_0 = torch.from_numpy(3 * rng.normal(size=(B, H)))
        limit = c_0.abs().clamp(min=1)
        state = torch.zeros(B, H).double(), c_0
        h = c_0.numpy()
        for _ in range(50):
            x = rng.normal(size=(B, D))
            state = cell(torch.from_numpy(x), state)
            h, _ = gru_step(x, h, **gru.params)
            assert (state[1].abs() <= limit + 1e-12).all()
            assert (np.abs(h) <= limit.numpy() + 1e-12).all()
    lstm = LSTM(1, 1, rng=rng)
    lstm.params["b"][...] = 20  # all gates open, the candidate at 1
    assert lstm.forward(np.zeros((50, 1, 1)))[1].c > 49


def test_peephole():
    """eq-variants-peephole: six lines, unit by unit; without peepholes the LSTM."""
    torch.manual_seed(0)
    cell = PeepholeLSTMCell(D, H).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    x, h, c = torch.randn(B, D).double(), *torch.randn(2, B, H).double()
    p = {name: a.detach().numpy() for name, a in cell.named_parameters()}
    h_new, c_new = (a.detach().numpy() for a in cell(x, (h, c)))
    for b in range(B):
        for j in range(H):
            z_i, z_f, z_g, z_o = (
                p["W_x"][k * H + j] @ x[b].numpy()
                + p["W_h"][k * H + j] @ h[b].numpy()
                + p["b"][k * H + j]
                for k in range(4)
            )
            old = c[b, j].item()
            i, f = sigmoid(z_i + p["p_i"][j] * old), sigmoid(z_f + p["p_f"][j] * old)
            new = f * old + i * np.tanh(z_g)
            o = sigmoid(z_o + p["p_o"][j] * new)
            assert abs(c_new[b, j] - new) < 1e-12
            assert abs(h_new[b, j] - o * np.tanh(new)) < 1e-12
    lstm = LSTMCell(D, H).double()
    lstm.load_state_dict({name: getattr(cell, name) for name in ("W_x", "W_h", "b")})
    with torch.no_grad():
        for peephole in (cell.p_i, cell.p_f, cell.p_o):
            peephole.zero_()
        for a, expected in zip(cell(x, (h, c)), lstm(x, (h, c)), strict=True):
            assert torch.equal(a, expected)


LENGTHS = np.array([5, 1, 3])


def test_bidirectional(rng):
    """eq-variants-bidirectional: two loops over the steps, from both ends, and torch's layer."""
    forward, backward = random_gru(rng, D, H), random_gru(rng, D, H)
    both = Bidirectional(forward, backward)
    x = rng.normal(size=(T, B, D))
    y, _ = both.forward(x)
    h = np.zeros((B, H))
    for t in range(T):
        h, _ = gru_step(x[t], h, **forward.params)
        assert worst(y[t, :, :H], h) < 1e-12
    h = np.zeros((B, H))
    for t in reversed(range(T)):
        h, _ = gru_step(x[t], h, **backward.params)
        assert worst(y[t, :, H:], h) < 1e-12
    assert gradcheck(both, x) < 1e-6


def test_reverse(rng):
    """eq-variants-reverse: each sequence as if it stood alone, without padding."""
    both = Bidirectional(random_gru(rng, D, H), random_gru(rng, D, H))
    x = rng.normal(size=(T, B, D))
    y, _ = both.forward(x, lengths=LENGTHS)
    for b, length in enumerate(LENGTHS):
        steps = [length - t for t in range(1, length + 1)]  # x̃_t = x_{ℓ+1−t}, counted from 0
        alone, _ = both.backward_layer.forward(x[steps, b : b + 1])
        assert worst(y[steps, b, H:], alone[:, 0]) < 1e-12
        whole, _ = both.forward(x[:length, b : b + 1])
        assert worst(y[:length, b], whole[:, 0]) < 1e-12
        assert (y[length:, b] == 0).all()


def test_stacked(rng):
    """eq-variants-stacked: layer by layer with loops, and torch's layers without dropout."""
    layers = [random_gru(rng, D, H), random_gru(rng, H, H), random_gru(rng, H, 2)]
    x = rng.normal(size=(T, B, D))
    top, states = Stacked(layers).forward(x)
    for layer, state in zip(layers, states, strict=True):
        h = np.zeros((B, layer.hidden_size))
        outputs = []
        for t in range(T):
            h, _ = gru_step(x[t], h, **layer.params)
            outputs.append(h)
        assert worst(state, h) < 1e-12
        x = np.array(outputs)
    assert worst(top, x) < 1e-12


def test_dropout(rng):
    """eq-variants-dropout: with known masks the same as by hand; switched off, nothing."""
    p = 0.3
    layers = [random_gru(rng, D, H), random_gru(rng, H, 2)]
    x = rng.normal(size=(T, B, D))
    stack = Stacked(layers, dropout=p, rng=np.random.default_rng(7))
    h, _ = stack.forward(x)
    kept = np.random.default_rng(7).random((T, B, H)) >= p
    below, _ = layers[0].forward(x)
    expected, _ = layers[1].forward(np.where(kept, below / (1 - p), 0))
    assert worst(h, expected) < 1e-12
    stack.training = False
    expected, _ = layers[1].forward(below)
    assert worst(stack.forward(x)[0], expected) < 1e-12
    many = rng.random(10**6) >= p
    assert abs((many / (1 - p)).mean() - 1) < 0.005
    assert abs((many / (1 - p)).var() - p / (1 - p)) < 0.005


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_survival(p):
    """eq-variants-survival: over all 2ⁿ outcomes of n masks, only one lets through."""
    for n in range(1, 6):
        outcomes = np.stack(np.meshgrid(*[[0, 1]] * n), axis=-1).reshape(-1, n)
        chances = np.where(outcomes == 1, 1 - p, p).prod(axis=1)
        assert abs(chances.sum() - 1) < 1e-12
        assert abs(chances @ outcomes.all(axis=1) - (1 - p) ** n) < 1e-12


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("D", "H"), [(1, 1), (10, 32), (50, 7)])
def test_parameters(D, H, defined):
    """eq-variants-parameters: as the cells have, and PyTorch's layers without their second bias."""
    CoupledLSTMCell = defined("coupled", nn=nn, torch=torch)["CoupledLSTMCell"]
    cells = (RNNCell, GRUCell, CoupledLSTMCell, LSTMCell, PeepholeLSTMCell)
    formulas = defined("count-cells", **{cell.__name__: cell for cell in cells})["formulas"]
    counts = formulas(D, H)
    assert set(counts) == set(cells)
    for cell, P in counts.items():
        assert size(cell(D, H)) == P
    second = {RNNCell: H, GRUCell: 2 * H, LSTMCell: 4 * H}  # biases that PyTorch has twice
    for cell, fused in ((RNNCell, nn.RNN), (GRUCell, nn.GRU), (LSTMCell, nn.LSTM)):
        assert size(fused(D, H)) == counts[cell] + second[cell]


@pytest.mark.parametrize(("D", "H", "L"), [(1, 1, 1), (10, 32, 3), (7, 4, 2)])
def test_parameters_layers(D, H, L):
    """eq-variants-parameters-layers: as PyTorch's layers have, without the second bias."""

    def one(D, H):
        return 4 * H * (D + H + 1)

    assert size(nn.LSTM(D, H, bidirectional=True)) == 2 * one(D, H) + 8 * H
    assert size(nn.LSTM(D, H, L)) == one(D, H) + (L - 1) * one(H, H) + 4 * H * L
    both = 2 * one(D, H) + (L - 1) * 2 * one(2 * H, H)
    assert size(nn.LSTM(D, H, L, bidirectional=True)) == both + 8 * H * L


@pytest.mark.parametrize(
    ("H", "k", "C", "Y", "X"), [(6, 3, 2, 8, 10), (1, 1, 1, 3, 2), (4, 5, 3, 7, 7)]
)
def test_parameters_conv(H, k, C, Y, X, defined):
    """eq-variants-parameters-conv: as the chapter's two networks have, read-outs left aside."""
    names = defined("two-networks", nn=nn, ConvLSTMCell=ConvLSTMCell, Y=Y, X=X)
    assert size(names["ConvLSTM"](H, k).cell) == 4 * H * (k**2 * (1 + H) + 1)
    cnn = names["CNNLSTM"](C, H, k)
    P = C * (k**2 + 1) + 4 * H * (C * Y * X + H + 1)
    assert size(cnn.conv) + size(cnn.lstm) == P + 4 * H
    assert size(ConvLSTMCell(D, H, k)) == 4 * H * (k**2 * (D + H) + 1)


def convolve(W, x):
    """The sum of the formula, term by term: W (H, D, k, k), x (D, Y, X)."""
    H, D, k, _ = W.shape
    r = (k - 1) // 2
    _, Y, X = x.shape
    y = np.zeros((H, Y, X))
    for j, u, v in np.ndindex(y.shape):
        for d in range(D):
            for a, b in np.ndindex(k, k):
                row, column = u + a - r, v + b - r
                if 0 <= row < Y and 0 <= column < X:
                    y[j, u, v] += W[j, d, a, b] * x[d, row, column]
    return y


@pytest.mark.parametrize("k", [1, 3, 5])
def test_convolution(k, rng):
    """eq-variants-convolution: what padding="same" computes, term by term."""
    W, x = rng.normal(size=(2, 3, k, k)), rng.normal(size=(3, 4, 6))
    y = F.conv2d(torch.from_numpy(x)[None], torch.from_numpy(W), padding="same")[0]
    assert worst(y.numpy(), convolve(W, x)) < 1e-12


def test_convlstm(rng):
    """eq-variants-convlstm: the LSTM's lines with the sum of the convolution in each gate."""
    H, k, Y, X = 2, 3, 4, 5
    cell = ConvLSTMCell(D, H, k).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    W_x, W_h, b = (p.detach().numpy() for p in (cell.W_x, cell.W_h, cell.b))
    x, h, c = rng.normal(size=(D, Y, X)), *rng.normal(size=(2, H, Y, X))
    ours = cell(
        *(torch.from_numpy(a)[None] for a in (x,)), tuple(torch.from_numpy(a)[None] for a in (h, c))
    )
    z = convolve(W_x, x) + convolve(W_h, h) + b[:, None, None]
    z_i, z_f, z_g, z_o = np.split(z, 4)
    new = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    assert worst(ours[1][0].detach().numpy(), new) < 1e-12
    assert worst(ours[0][0].detach().numpy(), sigmoid(z_o) * np.tanh(new)) < 1e-12


def test_cnn_lstm(rng, defined):
    """eq-variants-cnn-lstm: convolve each frame, lay it out, read the vectors with an LSTM."""
    Y, X, C, H = 3, 4, 2, 5
    names = defined("two-networks", nn=nn, torch=torch, Y=Y, X=X)
    network = names["CNNLSTM"](C, H).double()
    film = rng.normal(size=(T, 1, Y, X))
    p = {name: a.detach().numpy() for name, a in network.named_parameters()}
    e = []
    for frame in film:
        image = convolve(p["conv.weight"], frame) + p["conv.bias"][:, None, None]
        e.append(np.maximum(image, 0).ravel())
    weights = p["lstm.weight_ih_l0"], p["lstm.weight_hh_l0"]
    state = np.zeros((1, H)), np.zeros((1, H))
    for e_t in e:
        state, _ = lstm_step(
            e_t[None], tuple(state), *weights, p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]
        )
    expected = state[0] @ p["output.weight"].T + p["output.bias"]
    assert worst(network(torch.from_numpy(film)).detach().numpy(), expected) < 1e-12


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("move", [(0, 1), (2, 0), (2, 3)])
def test_equivariance(k, move):
    """eq-variants-equivariance: inside of (T − 1) r pixels, and on a torus everywhere."""
    torch.manual_seed(0)
    cell = ConvLSTMCell(1, 2, k).double()
    nn.init.normal_(cell.b)
    film = torch.zeros(3, 1, 1, 14, 14).double()
    film[..., 4:8, 4:8] = torch.randn(3, 1, 1, 4, 4)
    with torch.no_grad():
        h, _ = unroll(cell, film)
        moved, _ = unroll(cell, film.roll(move, dims=(3, 4)))
    expected = h.roll(move, dims=(3, 4))
    r = (k - 1) // 2
    for t in range(3):
        rows, columns = (slice(m + t * r, 14 - t * r) for m in move)
        assert (
            worst(moved[t, ..., rows, columns].numpy(), expected[t, ..., rows, columns].numpy())
            < 1e-12
        )
    if k == 1:  # a kernel of one place never feels the edge
        assert worst(moved.numpy(), expected.numpy()) < 1e-12
