"""The labelled equations of chapters/10_digits.ipynb in float64 against the code behind them.

What the chapter defines itself is taken from its cells. At the end, two claims that the chapter
does not compute while it runs.
"""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from lstmlib.data import RowBatches, digits, distort, rows
from lstmlib.numpy import LSTM, Dense, lstm_step, softmax, softmax_cross_entropy
from lstmlib.torch import RowClassifier, evaluate, fit, pretrained
from lstmlib.weights import from_torch

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "10_digits"
T, B, D, H, K = 5, 3, 4, 6, 7


@pytest.fixture
def model():
    torch.manual_seed(0)
    return RowClassifier(input_size=D, hidden_size=H, num_classes=K).double()


@pytest.fixture
def x(rng):
    return rng.normal(size=(T, B, D))


@pytest.fixture
def y(rng):
    return rng.integers(K, size=B)


def in_torch(model, x):
    """The model's logits after each row, and their softmax."""
    with torch.no_grad():
        logits = model(torch.from_numpy(x))[0]
    return logits.numpy(), logits.softmax(dim=2).numpy()


def worst(a, b):
    """The largest difference relative to the largest entry."""
    return np.abs(a - b).max() / np.abs(b).max()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_rows(rng):
    """eq-digits-rows: what was image, row, column is row, image, column, from 0 to 1."""
    images = rng.integers(256, size=(B, 28, 28), dtype=np.uint8)
    x = rows(images).astype(np.float64)
    for b, t, d in np.ndindex(images.shape):
        assert abs(x[t, b, d] - images[b, t, d] / 255) <= np.finfo(np.float32).eps / 2


def test_lstm(model, x):
    """eq-digits-lstm: six equations, block by block, and the step, the layer and torch's."""
    params = from_torch(model.lstm.layers[0].state_dict())
    W_xi, W_xf, W_xg, W_xo = np.split(params["W_x"], 4)
    W_hi, W_hf, W_hg, W_ho = np.split(params["W_h"], 4)
    b_i, b_f, b_g, b_o = np.split(params["b"], 4)
    expected = np.zeros((T, B, H))
    for b in range(B):
        h, c = np.zeros(H), np.zeros(H)
        for t in range(T):
            i = sigmoid(W_xi @ x[t, b] + W_hi @ h + b_i)
            f = sigmoid(W_xf @ x[t, b] + W_hf @ h + b_f)
            g = np.tanh(W_xg @ x[t, b] + W_hg @ h + b_g)
            o = sigmoid(W_xo @ x[t, b] + W_ho @ h + b_o)
            c = f * c + i * g
            h = o * np.tanh(c)
            expected[t, b] = h

    state = np.zeros((B, H)), np.zeros((B, H))
    for t in range(T):
        state, _ = lstm_step(x[t], tuple(state), **params)
        assert worst(state.h, expected[t]) < 1e-12
    layer = LSTM(D, H, rng=np.random.default_rng(0))
    layer.params.update(params)
    assert worst(layer.forward(x)[0], expected) < 1e-12
    with torch.no_grad():
        assert worst(model.lstm(torch.from_numpy(x))[0].numpy(), expected) < 1e-12


def test_readout(model, x, rng):
    """eq-digits-readout: a product and a sum for each score."""
    with torch.no_grad():
        h = model.lstm(torch.from_numpy(x))[0].numpy()
    readout = Dense(H, K, rng=rng)
    readout.params.update(from_torch(model.output.state_dict()))
    W, b = readout.params["W"], readout.params["b"]
    s = np.array([[W @ h[t, n] + b for n in range(B)] for t in range(T)])
    assert worst(readout.forward(h), s) < 1e-12
    assert worst(in_torch(model, x)[0], s) < 1e-12


def test_softmax(model, x):
    """eq-digits-softmax: exponentials divided by their sum over the classes."""
    s, p = in_torch(model, x)
    expected = np.exp(s) / sum(np.exp(s[..., j]) for j in range(K))[..., None]
    assert worst(p, expected) < 1e-12
    assert worst(softmax(s), expected) < 1e-12


def test_loss(model, x, y):
    """eq-digits-loss: the mean over the batch, of the last row alone."""
    s, p = in_torch(model, x)
    expected = -sum(np.log(p[-1, b, y[b]]) for b in range(B)) / B
    loss = model.loss(torch.from_numpy(x), torch.from_numpy(y))[0].item()
    assert abs(loss - expected) < 1e-12
    assert abs(softmax_cross_entropy(s[-1], y)[0] - expected) < 1e-12


@pytest.mark.parametrize(("D", "H", "K"), [(28, 96, 10), (1, 1, 2), (96, 128, 10)])
def test_parameters(D, H, K, rng):
    """eq-digits-parameters: as many as the NumPy layers have, and torch's second bias."""
    P = 4 * H * (D + H + 1) + K * (H + 1)
    layers = LSTM(D, H, rng=rng), Dense(H, K, rng=rng)
    assert sum(a.size for layer in layers for a in layer.params.values()) == P
    model = RowClassifier(input_size=D, hidden_size=H, num_classes=K)
    assert sum(parameter.numel() for parameter in model.parameters()) == P + 4 * H


class Drawn(np.random.Generator):
    """A generator whose uniform numbers were chosen beforehand, as shares of the limits."""

    shares: ClassVar = [0.8, -0.7, 0.9, -0.6, 0.5, -0.4]

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high, size):
        assert (low, high, size[0]) == (-1, 1, len(self.shares))
        return np.broadcast_to(np.reshape(self.shares, (6, 1, 1, 1)), size)


def test_affine():
    """eq-digits-affine: each pixel from where the map says, between its four neighbours."""
    image = digits().train_images[2100]
    turn, height, width, slant, down, across = Drawn.shares
    theta = np.deg2rad(10 * turn)
    a, a_, s, d, d_ = 1 + 0.1 * height, 1 + 0.1 * width, 0.1 * slant, 2 * down, 2 * across
    expected = np.zeros((28, 28))
    for row, column in np.ndindex(28, 28):
        u, v = row - 13.5, column - 13.5
        from_row = a * (u * np.cos(theta) - v * np.sin(theta)) + d + 13.5
        from_column = a_ * (u * np.sin(theta) + v * np.cos(theta)) + s * u + d_ + 13.5
        for r, c in np.ndindex(28, 28):  # all pixels; those that are further than 1 weigh nothing
            near = max(0, 1 - abs(from_row - r)) * max(0, 1 - abs(from_column - c))
            expected[row, column] += near * image[r, c]
    distorted = distort(image[None], Drawn())[0]
    assert distorted.sum() > 0.5 * image.sum()
    # rounded to whole levels, from float32
    assert np.abs(distorted - expected).max() < 0.5 + 0.01


def test_accuracy(model, x, y):
    """eq-digits-accuracy: the share of right answers after the last row, whichever row is last."""
    s, p = in_torch(model, x)
    for t in range(T):
        expected = sum(max(range(K), key=lambda k: p[t, b, k]) == y[b] for b in range(B)) / B
        score = model.score(torch.from_numpy(s[: t + 1]), torch.from_numpy(y))
        assert score["accuracy"].item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("A", [0.5, 0.95])
def test_standard_error(A, defined):
    """eq-digits-standard-error: the deviation of the share, over all outcomes of N throws."""
    N = 40
    standard_error = defined("standard-error", np=np)["standard_error"]
    P = np.array([1.0])  # probabilities of 0, 1, … right answers
    for _ in range(N):
        P = np.append(P * (1 - A), 0) + np.append(0, P * A)
    share = np.arange(N + 1) / N
    assert P @ share == pytest.approx(A, rel=1e-12)
    assert standard_error(A, N) == pytest.approx(np.sqrt(P @ (share - A) ** 2), rel=1e-12)


def test_paired(rng, defined):
    """eq-digits-paired: mean and standard error of the differences, digit by digit."""
    difference = defined("paired", np=np)["difference"]
    first, second = rng.random(1000) < 0.95, rng.random(1000) < 0.97
    d = second.astype(float) - first.astype(float)
    delta, error = difference(first, second)
    assert delta == pytest.approx(d.mean(), rel=1e-12)
    assert error == pytest.approx(d.std() / np.sqrt(len(d)), rel=1e-12)


def test_every_row(x, y, defined):
    """eq-digits-every-row: the mean over rows and batch."""
    names = defined("train-every", torch=torch, RowClassifier=RowClassifier)
    model = names["EveryRow"](input_size=D, hidden_size=H, num_classes=K).double()
    _, p = in_torch(model, x)
    expected = -sum(np.log(p[t, b, y[b]]) for t in range(T) for b in range(B)) / (T * B)
    loss = model.loss(torch.from_numpy(x), torch.from_numpy(y))[0].item()
    assert abs(loss - expected) < 1e-12


def test_reading_columns_exchanges_the_axes(defined):
    """eq-digits-rows: with columns as steps, moves down cost twice as much (ex-digits-columns)."""
    torch.set_num_threads(1)
    data = digits()
    moved = defined("moved", np=np, T=28, D=28)["moved"]
    images, labels = data.train_images.transpose(0, 2, 1), data.train_labels
    learn = np.arange(len(labels)) % 400 < 350
    torch.manual_seed(0)
    columns = RowClassifier(input_size=28, hidden_size=96)
    batches = RowBatches(images[learn], labels[learn], 64, seed=0)
    fit(columns, batches, RowBatches(images[~learn], labels[~learn], 500), epochs=12, lr=5e-3)

    def accuracy(**way):
        test_images = moved(data.test_images, **way).transpose(0, 2, 1)
        return evaluate(columns, RowBatches(test_images, data.test_labels, 1000))["accuracy"]

    assert accuracy() > 0.9
    wrong_down = 2 - accuracy(down=3) - accuracy(down=-3)
    wrong_across = 2 - accuracy(across=3) - accuracy(across=-3)
    assert wrong_down > 2 * wrong_across


def test_record_of_the_shipped_model():
    """eq-digits-accuracy: results/digits.json says what the shipped weights do."""
    record = json.loads((ROOT / "results" / "digits.json").read_text(encoding="utf-8"))["test"]
    data = digits()
    model, _ = pretrained("digits")
    score = evaluate(model, RowBatches(data.test_images, data.test_labels, 500))
    assert len(data.test_labels) == record["digits"]
    assert round(score["accuracy"] * len(data.test_labels)) == record["right"]
