"""The pieces of chapter 11's experiments, each against another way to the same numbers."""

import numpy as np
import pytest
import torch

from lstmlib.data import Streams, shakespeare
from lstmlib.lab import inside
from lstmlib.numpy import LSTM, Dense, softmax
from lstmlib.torch import RowClassifier, pretrained

PLAYS = ["Coriolanus", "Hamlet", "Othello", "King Lear", "A Midsummer Night's Dream"]
PLAYS += ["Twelfth Night", "Macbeth", "Julius Caesar"]


def test_the_plays_are_the_whole_text_in_its_order():
    assert "".join(inside.play(name) for name in PLAYS) == shakespeare()
    assert inside.play("Coriolanus").startswith("First Citizen:")
    assert inside.play("Hamlet").startswith("BERNARDO:")
    assert "Friends, Romans" in inside.play("Julius Caesar")
    with pytest.raises(ValueError, match="expected one of Coriolanus"):
        inside.play("Faust")


@pytest.mark.parametrize(("n", "streams"), [(300, 4), (173, 6)])
def test_features_lie_as_the_characters_do(n, streams):
    ids = np.arange(n)
    batches = Streams(ids, streams, (n - 1) // streams)
    np.testing.assert_array_equal(inside.in_streams(ids, streams), batches.inputs[inside.SKIP :])


def test_states_and_losses_are_those_of_the_layers_in_numpy():
    layer, readout, vocabulary = inside.shipped()
    ids = vocabulary.encode(inside.play("Macbeth")[:121])
    h, loss = inside.states_and_losses(layer, readout, ids, 4)
    lstm = LSTM(len(vocabulary), 448, rng=np.random.default_rng(0))
    lstm.params.update({k: a.astype(np.float64) for k, a in layer.items()})
    batches = Streams(ids, 4, 30)
    states, _ = lstm.forward(np.eye(len(vocabulary))[batches.inputs])
    np.testing.assert_allclose(h, states[inside.SKIP :], atol=1e-4)
    p = softmax(states @ readout["W"].T + readout["b"])
    expected = -np.log(np.take_along_axis(p, batches.targets[..., None], axis=2))[..., 0]
    np.testing.assert_allclose(loss, expected[inside.SKIP :], atol=1e-3)


def test_weights_taken_from_a_model_and_given_back():
    torch.manual_seed(0)
    model = RowClassifier(hidden_size=5, num_layers=2).eval()
    other = inside.with_arrays(RowClassifier(hidden_size=5, num_layers=2), *inside.arrays(model))
    x = torch.randn(4, 3, 28)
    with torch.no_grad():
        torch.testing.assert_close(other(x)[0], model(x)[0])


@pytest.mark.parametrize("every_step", [True, False])
def test_importance_is_the_mean_square_of_the_gradient(every_step):
    """With a read-out that is sure of nothing, against the sum over all answers."""
    rng = np.random.default_rng(0)
    T, B, D, H, K = 3, 4000, 2, 3, 2
    layer, readout = LSTM(D, H, rng=rng), Dense(H, K, rng=rng)
    x = np.repeat(rng.normal(size=(T, 1, D)), B, axis=1).astype(np.float32)
    params = {k: a.astype(np.float32) for k, a in layer.params.items()}
    ((h, weight),) = inside.importance([params], readout.params, x, every_step=every_step, seed=0)
    assert h.shape == (T * B, H)
    # The last step's states have no later ones: their gradient is W^T (p - 1_k), averaged over k.
    last = h.reshape(T, B, H)[-1, 0]
    p = softmax(readout.params["W"] @ last + readout.params["b"])
    squares = sum(p[k] * ((p - np.eye(K)[k]) @ readout.params["W"]) ** 2 for k in range(K))
    assert (weight > (squares / T) * 0.9).all()
    assert weight.shape == (H,)


def test_a_model_without_some_units_is_smaller_and_nearly_as_good():
    layer, readout, vocabulary = inside.shipped()
    h, weight = inside.text_statistics(0, characters=7_500)
    assert (weight > 0).all()
    ids = vocabulary.encode(inside.play("Macbeth")[:4_000])
    small = inside.smaller(layer, readout, h, [3, 50])
    assert small[0]["W_h"].shape == (4 * 446, 446)
    losses = [inside.states_and_losses(*m, ids, 40)[1].mean() for m in ((layer, readout), small)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_digits_without_removal_and_training_are_the_shipped_models():
    result = inside.pruned_digits(0, removed=0, epochs=0)
    assert result["loss"] == pytest.approx(result["shipped loss"], abs=1e-6)
    assert result["right"] == result["shipped right"] == 985
    assert pretrained("digits")[0].config["hidden_size"] == 192
