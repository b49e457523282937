"""The same weights in NumPy and in Keras 3 compute the same, and nothing is lost on the way."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.backend.common import dtypes

from lstmlib.numpy import GRU, LSTM, Dense, Stacked
from lstmlib.weights import from_keras, from_torch, to_keras, to_torch

# Keras's variables do not know NumPy 2's copy keyword yet: its get_weights warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KERAS = {"RNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}
networks = {
    "kind": st.sampled_from(sorted(KERAS)),
    "D": st.integers(1, 5),
    "H": st.integers(1, 6),
    "layers": st.integers(1, 2),
    "bidirectional": st.booleans(),
    "seed": st.integers(0, 999),
}


@pytest.fixture(scope="module")
def float64():
    """Let Keras compute in float64: on torch it rounds the factors of every product to float32."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
        yield


def keras_network(kind, D, H, layers, bidirectional):
    """Build in float64; a single layer as it is, several as a Sequential."""
    stack = []
    for _ in range(layers):
        layer = KERAS[kind](H, return_sequences=True, dtype="float64")
        stack.append(keras.layers.Bidirectional(layer, dtype="float64") if bidirectional else layer)
    network = stack[0] if layers == 1 else keras.Sequential(stack)
    network.build((None, None, D))
    return network


def assert_same_outputs(numpy_network, network, T, B, D, seed):
    x = np.random.default_rng(seed).normal(size=(T, B, D))
    ours, _ = numpy_network.forward(x)
    x_of_keras = torch.tensor(x).transpose(0, 1)  # an array would be rounded to float32
    theirs = network(x_of_keras).detach().numpy().swapaxes(0, 1)
    assert ours.shape == theirs.shape
    assert theirs.dtype == np.float64
    assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()


@pytest.mark.usefixtures("float64")
@given(**networks, T=st.integers(1, 6), B=st.integers(1, 4))
@settings(max_examples=30)
def test_numpy_to_keras(network, kind, D, H, layers, bidirectional, seed, T, B):
    numpy_network = network(kind, D, H, layers, bidirectional, seed)
    theirs = keras_network(kind, D, H, layers, bidirectional)
    theirs.set_weights(to_keras(numpy_network.params))
    assert_same_outputs(numpy_network, theirs, T, B, D, seed)


@pytest.mark.usefixtures("float64")
@given(**networks, T=st.integers(1, 6), B=st.integers(1, 4))
@settings(max_examples=30)
def test_keras_to_numpy(network, kind, D, H, layers, bidirectional, seed, T, B):
    rng = np.random.default_rng(seed)
    theirs = keras_network(kind, D, H, layers, bidirectional)
    theirs.set_weights([rng.normal(size=w.shape) for w in theirs.get_weights()])  # no bias 0
    numpy_network = network(kind, D, H, layers, bidirectional, seed)
    params = from_keras(theirs.get_weights(), bidirectional=bidirectional)
    assert list(params) == list(numpy_network.params)
    for name, a in params.items():
        numpy_network.params[name][...] = a
    assert_same_outputs(numpy_network, theirs, T, B, D, seed)


@given(**networks)
@settings(max_examples=60)
def test_round_trips_are_exact(network, kind, D, H, layers, bidirectional, seed):
    params = network(kind, D, H, layers, bidirectional, seed).params
    weights = to_keras(params)
    back = from_keras(weights, bidirectional=bidirectional)
    via_torch = to_keras(from_torch(to_torch(back)))
    assert list(back) == list(params)
    for name, a in params.items():
        np.testing.assert_array_equal(back[name], a, err_msg=name)
    for a, b in zip(via_torch, weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gates_change_places():
    """Each gate's bias is its own number: r, z, n in ours is z, r, h in Keras."""
    gru = GRU(1, 1, rng=np.random.default_rng(0))
    gru.params["b"][:] = 1, 2, 3
    gru.params["b_hn"][:] = 30
    np.testing.assert_array_equal(to_keras(gru.params)[2], [[2, 1, 3], [0, 0, 30]])
    lstm = LSTM(1, 1, rng=np.random.default_rng(0))
    lstm.params["b"][:] = 1, 2, 3, 4
    np.testing.assert_array_equal(to_keras(lstm.params)[2], [1, 2, 3, 4])


@pytest.mark.usefixtures("float64")
def test_layers_of_different_kinds_and_sizes():
    rng = np.random.default_rng(0)
    ours = Stacked([LSTM(2, 3, rng=rng), GRU(3, 4, rng=rng)])
    theirs = keras.Sequential(
        [
            keras.layers.LSTM(3, return_sequences=True, dtype="float64"),
            keras.layers.GRU(4, return_sequences=True, dtype="float64"),
        ]
    )
    theirs.build((None, None, 2))
    theirs.set_weights(to_keras(ours.params))
    assert_same_outputs(ours, theirs, 5, 3, 2, 0)
    back = from_keras(theirs.get_weights())
    for name, a in ours.params.items():
        np.testing.assert_array_equal(back[name], a)


@pytest.mark.usefixtures("float64")
def test_dense():
    ours = Dense(3, 2, rng=np.random.default_rng(0))
    theirs = keras.layers.Dense(2, dtype="float64")
    theirs.build((None, 3))
    theirs.set_weights(to_keras(ours.params))
    x = np.random.default_rng(1).normal(size=(4, 3))
    y = theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.forward(x), y, rtol=0, atol=1e-12)
    back = from_keras(theirs.get_weights())
    assert list(back) == ["W", "b"]
    for name, a in ours.params.items():
        np.testing.assert_array_equal(back[name], a)


def weights_of(layer, D=2):
    layer.build((None, None, D))
    return layer.get_weights()


def test_reset_before_the_product_cannot_be_represented():
    weights = weights_of(keras.layers.GRU(3, reset_after=False))
    with pytest.raises(ValueError, match=r"bias has shape \(9,\), expected \(2, 9\).*reset_after"):
        from_keras(weights)


def test_without_bias():
    with pytest.raises(ValueError, match=r"got 2 arrays with shapes \[\(2, 12\), \(3, 12\)\]"):
        from_keras(weights_of(keras.layers.LSTM(3, use_bias=False)))


def test_bidirectional_must_be_said():
    weights = weights_of(keras.layers.Bidirectional(keras.layers.LSTM(3)))
    with pytest.raises(ValueError, match=r"layer 1, forward: W_x has shape \(12, 2\).*\(12, 3\)"):
        from_keras(weights)
    with pytest.raises(ValueError, match=r"each layer and direction.*got 3 arrays"):
        from_keras(weights[:3], bidirectional=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop(), "kernel, recurrent_kernel and bias of each layer.*got 2 arrays"),
        (lambda w: w.clear(), "got 0 arrays"),
        (lambda w: w.reverse(), r"W_x has shape \(12,\), expected \(GH, D\)"),
        (lambda w: w.__setitem__(0, w[0].T), r"W_x has shape \(2, 12\)"),
        (lambda w: w.__setitem__(1, w[1].T), r"W_h has shape \(3, 12\).*1, 3 or 4 gates"),
        (lambda w: w.__setitem__(2, w[2][:5]), r"b has shape \(5,\).*expected \(12,\)"),
    ],
)
def test_bad_weights(change, said):
    weights = to_keras(LSTM(2, 3, rng=np.random.default_rng(0)).params)
    change(weights)
    with pytest.raises(ValueError, match=said):
        from_keras(weights)


def test_bad_dense():
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(3,\)"):
        from_keras([np.ones((3, 2)), np.ones(3)])


@pytest.mark.parametrize("kind", sorted(KERAS))
def test_float32_as_keras_comes(network, kind):
    ours = network(kind, 3, 4, 1, True, 0)
    theirs = keras.layers.Bidirectional(KERAS[kind](4, return_sequences=True))
    theirs.build((None, None, 3))
    theirs.set_weights(to_keras(ours.params))
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    y = theirs(x.swapaxes(0, 1)).detach().numpy().swapaxes(0, 1)
    assert y.dtype == np.float32
    np.testing.assert_allclose(ours.forward(x)[0], y, rtol=0, atol=1e-5)
