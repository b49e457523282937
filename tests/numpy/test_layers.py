"""What must hold of every layer whatever its weights, and the layers against their own steps."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmlib.numpy import (
    GRU,
    LSTM,
    MLP,
    RNN,
    Bidirectional,
    Dense,
    LSTMState,
    Stacked,
    gru_step,
    gru_step_backward,
    lstm_step,
    lstm_step_backward,
    rnn_step,
    rnn_step_backward,
)

KINDS = [RNN, LSTM, GRU]
shapes = {
    "T": st.integers(1, 8),
    "B": st.integers(1, 5),
    "D": st.integers(1, 5),
    "H": st.integers(1, 12),
    "seed": st.integers(0, 999),
}


def assert_last_bits(a, b, bits):
    """Differences at most 2^bits units in the last place of the largest entry, or of 1.

    Every entry is a sum of terms of about that size, which may cancel.
    """
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    assert np.abs(a - b).max() <= 2**bits * np.finfo(a.dtype).eps * max(1, np.abs(b).max())


def flat(state):
    return [state] if isinstance(state, np.ndarray) else [a for s in state for a in flat(s)]


def step_by_step(layer, x, state, dh, dstate):
    """Run the step functions over the sequence and back: h, state, dx, dstate, grads."""
    step, back = {
        RNN: (rnn_step, rnn_step_backward),
        LSTM: (lstm_step, lstm_step_backward),
        GRU: (gru_step, gru_step_backward),
    }[type(layer)]
    outputs, caches = [], []
    for x_t in x:
        state, cache = step(x_t, state, **layer.params)
        outputs.append(state.h if isinstance(layer, LSTM) else state)
        caches.append(cache)
    dxs = []
    grads = {name: np.zeros_like(p) for name, p in layer.params.items()}
    for dh_t, cache in zip(reversed(dh), reversed(caches), strict=True):
        if isinstance(layer, LSTM):
            dstate = LSTMState(dstate[0] + dh_t, dstate[1])
        else:
            dstate = dstate + dh_t
        dx, dstate, immediate = back(dstate, cache)
        dxs.append(dx)
        for name, g in immediate.items():
            grads[name] += g
    return np.stack(outputs), state, np.stack(dxs[::-1]), dstate, grads


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", KINDS)
@given(**shapes)
@example(T=1, B=1, D=1, H=1, seed=0)
@example(T=20, B=16, D=28, H=64, seed=0)
def test_layer_is_its_steps_to_the_last_bits(kind, dtype, T, B, D, H, seed):
    rng = np.random.default_rng(seed)
    layer = kind(D, H, rng=rng, dtype=dtype)
    x = rng.standard_normal((T, B, D)).astype(dtype)
    dh = rng.standard_normal((T, B, H)).astype(dtype)
    state, dstate = rng.standard_normal((2, 2, B, H)).astype(dtype)
    state, dstate = (s if kind is LSTM else s[0] for s in (state, dstate))
    state, dstate = ((tuple(s) if kind is LSTM else s) for s in (state, dstate))

    h, end = layer.forward(x, state)
    dx, dstart = layer.backward(dh, dstate)
    h2, end2, dx2, dstart2, grads2 = step_by_step(layer, x, state, dh, dstate)
    assert_last_bits(h, h2, 4)
    for a, b in zip(flat(end), flat(end2), strict=True):
        assert_last_bits(a, b, 4)
    assert_last_bits(dx, dx2, 5)
    for a, b in zip(flat(dstart), flat(dstart2), strict=True):
        assert_last_bits(a, b, 5)
    for name, g in layer.grads.items():
        assert_last_bits(g, grads2[name], 5)


def stacked(D, H, *, rng):
    both = Bidirectional(LSTM(D, H, rng=rng), RNN(D, H, rng=rng))
    return Stacked([both, GRU(2 * H, H, rng=rng)])


def rnn_relu(D, H, *, rng):
    return RNN(D, H, rng=rng, activation="relu")


def run(layer, x, dh, lengths=None):
    h, end = layer.forward(x, None, lengths)
    dx, _ = layer.backward(dh, end, None)  # the state itself serves as a gradient of its shape
    return h, end, dx, {name: g.copy() for name, g in layer.grads.items()}


@pytest.mark.parametrize("make", [*KINDS, rnn_relu, stacked])
@given(**shapes)
def test_order_of_the_batch_does_not_matter(make, T, B, D, H, seed):
    rng = np.random.default_rng(seed)
    layer = make(D, H, rng=rng)
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    lengths, order = rng.integers(1, T + 1, B), rng.permutation(B)
    h, end, dx, grads = run(layer, x, dh, lengths)
    h2, end2, dx2, grads2 = run(layer, x[:, order], dh[:, order], lengths[order])
    assert_last_bits(h2, h[:, order], 6)
    assert_last_bits(dx2, dx[:, order], 6)
    for a, b in zip(flat(end2), flat(end), strict=True):
        assert_last_bits(a, b[order], 6)
    for name in grads:
        assert_last_bits(grads2[name], grads[name], 6)


@pytest.mark.parametrize("make", [*KINDS, rnn_relu, stacked])
@given(**shapes)
def test_padding_changes_nothing(make, T, B, D, H, seed):
    """Each sequence alone, cut to its length, gives what it gives in a padded batch."""
    rng = np.random.default_rng(seed)
    layer = make(D, H, rng=rng)
    x, dh = 1e3 * rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    lengths = rng.integers(1, T + 1, B)
    past = np.arange(T)[:, None] >= lengths
    x[~past] /= 1e3  # large numbers in the padding, where they would show
    dh[past] *= 1e3
    h, end, dx, grads = run(layer, x, dh, lengths)
    assert not h[past].any()
    assert not dx[past].any()
    total = {name: np.zeros_like(g) for name, g in grads.items()}
    for b, n in enumerate(lengths):
        h1, end1, dx1, grads1 = run(layer, x[:n, b : b + 1], dh[:n, b : b + 1])
        assert_last_bits(h[:n, b : b + 1], h1, 6)
        assert_last_bits(dx[:n, b : b + 1], dx1, 7)
        for a, a1 in zip(flat(end), flat(end1), strict=True):
            assert_last_bits(a[b : b + 1], a1, 6)
        for name in total:
            total[name] += grads1[name]
    for name in total:
        assert_last_bits(grads[name], total[name], 7)


@pytest.mark.parametrize("make", [*KINDS, stacked])
@given(k=st.integers(1, 4), **shapes)
def test_padding_changes_nothing_in_truncated_bptt(make, k, T, B, D, H, seed):
    """The gradient of a sequence's last state is not cut on its way through the padding."""
    rng = np.random.default_rng(seed)
    layer = make(D, H, rng=rng)
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    lengths = rng.integers(1, T + 1, B)
    _, dend = layer.forward(x, lengths=lengths)
    dx, _ = layer.backward(dh, dend, truncate=k)
    for b, n in enumerate(lengths):
        _, dend = layer.forward(x[:n, b : b + 1])
        dx1, _ = layer.backward(dh[:n, b : b + 1], dend, truncate=k)
        assert_last_bits(dx[:n, b : b + 1], dx1, 7)


def test_padding_of_a_net_that_explodes():
    """The state of sequence 1 would overflow in its padding: 3^1000 is more than float64 holds."""
    layer = RNN(1, 1, rng=np.random.default_rng(0), activation="relu")
    layer.params["W_x"][...], layer.params["W_h"][...], layer.params["b"][...] = 1, 3, 0
    x = np.zeros((1000, 2, 1))
    x[0, 1] = 1
    h, _ = layer.forward(x, lengths=np.array([1000, 2]))
    dx, _ = layer.backward(np.ones_like(h))
    assert h[:3, 1, 0].tolist() == [1, 3, 0]
    assert dx[:3, 1, 0].tolist() == [4, 1, 0]
    assert layer.grads["W_h"].item() == 1


@pytest.mark.parametrize("make", [*KINDS, rnn_relu])
@given(cut=st.integers(1, 7), **shapes)
def test_a_sequence_in_two_parts(make, cut, T, B, D, H, seed):
    """The state carried on and its gradient carried back: two parts give what the whole gives."""
    rng = np.random.default_rng(seed)
    T = T + cut
    layer = make(D, H, rng=rng)
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    h, end, dx, grads = run(layer, x, dh)
    dend = end

    h1, middle = layer.forward(x[:cut])
    h2, end2 = layer.forward(x[cut:], middle)
    dx2, dmiddle = layer.backward(dh[cut:], dend)
    grads2 = dict(layer.grads)
    layer.forward(x[:cut])
    dx1, _ = layer.backward(dh[:cut], dmiddle)
    assert_last_bits(np.concatenate([h1, h2]), h, 6)
    assert_last_bits(np.concatenate([dx1, dx2]), dx, 6)
    for a, b in zip(flat(end2), flat(end), strict=True):
        assert_last_bits(a, b, 6)
    for name in grads:
        assert_last_bits(layer.grads[name] + grads2[name], grads[name], 6)


@pytest.mark.parametrize("make", [*KINDS, stacked])
def test_one_chunk_is_the_full_gradient_and_smaller_ones_are_not(make):
    rng = np.random.default_rng(0)
    layer = make(2, 3, rng=rng)
    x, dh = rng.standard_normal((6, 2, 2)), rng.standard_normal((6, 2, 3))
    layer.forward(x)
    full, _ = layer.backward(dh)
    whole, _ = layer.backward(dh, truncate=6)
    chunks, _ = layer.backward(dh, truncate=4)
    assert np.array_equal(whole, full)
    assert not np.allclose(chunks, full)


@pytest.mark.parametrize("make", [*KINDS, rnn_relu, stacked])
def test_results_are_the_callers(make):
    """Changing what forward returned, or calling backward twice, changes no gradient."""
    rng = np.random.default_rng(0)
    layer = make(2, 3, rng=rng)
    x, dh = rng.standard_normal((4, 2, 2)), rng.standard_normal((4, 2, 3))
    kept_dh = dh.copy()
    h, end = layer.forward(x)
    dx, _ = layer.backward(dh)
    grads = dict(layer.grads)
    h[...] = 7
    for a in flat(end):
        a[...] = 7
    again, _ = layer.backward(dh)
    assert np.array_equal(again, dx)
    assert np.array_equal(dh, kept_dh)
    for name, g in layer.grads.items():
        assert np.array_equal(g, grads[name])
    other = rng.standard_normal((4, 2, 2))
    kept_dx = dx.copy()
    layer.forward(other)
    layer.backward(dh)
    assert np.array_equal(dx, kept_dx)


@pytest.mark.parametrize("kind", [*KINDS, Dense])
def test_seed_and_precision(kind):
    a, b, c = (kind(3, 4, rng=np.random.default_rng(s)) for s in (0, 0, 1))
    single = kind(3, 4, rng=np.random.default_rng(0), dtype=np.float32)
    for name, p in a.params.items():
        assert p.dtype == np.float64
        assert a.grads[name].shape == p.shape
        assert np.array_equal(p, b.params[name])
        assert not np.array_equal(p, c.params[name]) or name == "b_hn"
        assert single.params[name].dtype == np.float32
        np.testing.assert_allclose(single.params[name], p, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32_and_near_float64(kind):
    rng = np.random.default_rng(0)
    x, dh = rng.standard_normal((9, 4, 3)), rng.standard_normal((9, 4, 5))
    lengths = np.array([9, 1, 4, 8])
    results = {}
    for dtype in (np.float64, np.float32):
        layer = kind(3, 5, rng=np.random.default_rng(1), dtype=dtype)
        h, end = layer.forward(x.astype(dtype), lengths=lengths)
        dx, dstart = layer.backward(dh.astype(dtype))
        results[dtype] = [h, dx, *flat(end), *flat(dstart), *layer.grads.values()]
    for a, b in zip(results[np.float32], results[np.float64], strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


def test_forget_bias():
    rng = np.random.default_rng(0)
    assert LSTM(2, 3, rng=rng).params["b"][3:6].tolist() == [1, 1, 1]
    assert LSTM(2, 3, rng=rng, forget_bias=-2.5).params["b"][3:6].tolist() == [-2.5, -2.5, -2.5]
    b = LSTM(2, 100, rng=rng).params["b"]
    assert np.abs(np.delete(b, np.s_[100:200])).max() <= 0.1


def test_mlp_of_one_layer_is_dense():
    x = np.random.default_rng(1).standard_normal((5, 3))
    mlp, dense = (
        MLP([3, 2], rng=np.random.default_rng(0)),
        Dense(3, 2, rng=np.random.default_rng(0)),
    )
    assert np.array_equal(mlp.forward(x), dense.forward(x))
    assert {k: p.shape for k, p in MLP([3, 5, 2], rng=np.random.default_rng(0)).params.items()} == {
        "W1": (5, 3),
        "b1": (5,),
        "W2": (2, 5),
        "b2": (2,),
    }


class TestWrappers:
    def layer(self, dropout=0.0, H=40):
        rng = np.random.default_rng(0)
        layers = [LSTM(3, H, rng=rng), LSTM(H, H, rng=rng)]
        return Stacked(layers, dropout=dropout, rng=rng)

    def test_dropout_drops_what_it_says_and_keeps_the_mean(self):
        rng = np.random.default_rng(0)
        below, above = RNN(1, 50, rng=rng), RNN(50, 1, rng=rng, activation="relu")
        below.params["b"][...] = 100  # every output is tanh(100) = 1, up to rounding
        above.params["W_x"][...], above.params["W_h"][...], above.params["b"][...] = 1, 0, 0
        layer = Stacked([below, above], dropout=0.3, rng=rng)
        h, _ = layer.forward(np.zeros((40, 10, 1)))
        kept = h * 0.7  # the number of units kept, at each step and in each example
        np.testing.assert_allclose(kept, kept.round(), atol=1e-9)
        assert kept.mean() / 50 == pytest.approx(0.7, abs=0.01)  # 3 standard deviations of 20,000
        assert len(np.unique(kept.round())) > 5

    def test_dropout_is_off_when_not_training(self):
        x = np.random.default_rng(1).standard_normal((4, 2, 3))
        layer, without = self.layer(dropout=0.5), self.layer()
        assert not np.allclose(layer.forward(x)[0], without.forward(x)[0])
        layer.training = False
        assert np.array_equal(layer.forward(x)[0], without.forward(x)[0])

    def test_dropout_is_between_layers_only(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((4, 2, 3))
        single = LSTM(3, 4, rng=rng)
        assert np.array_equal(
            Stacked([single], dropout=0.9, rng=rng).forward(x)[0], single.forward(x)[0]
        )

    def test_weights_are_the_parts_own(self):
        layer = self.layer()
        layer.params["1.W_h"][...] = 0
        assert not layer.layers[1].params["W_h"].any()
        with pytest.raises(TypeError, match="does not support item assignment"):
            layer.params["1.W_h"] = np.ones(3)
        assert list(layer.params) == [f"{l}.{name}" for l in (0, 1) for name in ("W_x", "W_h", "b")]
        assert {k: g.shape for k, g in layer.grads.items()} == {
            k: p.shape for k, p in layer.params.items()
        }

    def test_the_second_direction_reads_from_each_end(self):
        rng = np.random.default_rng(0)
        layer = Bidirectional(RNN(1, 1, rng=rng), RNN(1, 1, rng=rng, activation="relu"))
        layer.backward_layer.params["W_x"][...] = 1
        layer.backward_layer.params["W_h"][...] = 1
        layer.backward_layer.params["b"][...] = 0
        x = np.arange(1.0, 5.0)[:, None, None] * np.ones((4, 2, 1))
        h, (_, end) = layer.forward(x, lengths=np.array([4, 2]))
        assert h[:, 0, 1].tolist() == [10, 9, 7, 4]
        assert h[:, 1, 1].tolist() == [3, 2, 0, 0]
        assert end[:, 0].tolist() == [10, 3]
