"""The labelled equations of chapters/11_looking_inside.ipynb against the code behind them.

What the chapter defines itself is taken from its cells.
"""

import numpy as np
import pytest
import torch

from lstmlib import analysis
from lstmlib.lab import inside
from lstmlib.numpy import LSTM, Dense, lstm_step, softmax

CHAPTER = "11_looking_inside"
T, B, D, H, K = 6, 4, 3, 7, 5


@pytest.fixture
def layer(rng):
    return LSTM(D, H, rng=rng)


@pytest.fixture
def readout(rng):
    return Dense(H, K, rng=rng)


@pytest.fixture
def x(rng):
    return rng.normal(size=(T, B, D))


def stepwise(params, x, change):
    """Hidden states, each passed through ``change`` before anything reads it."""
    h, c = change(np.zeros((B, H))), np.zeros((B, H))
    states = []
    for x_t in x:
        (h, c), _ = lstm_step(x_t, (h, c), params["W_x"], params["W_h"], params["b"])
        h = change(h)
        states.append(h)
    return np.stack(states)


def test_half_life(rng):
    """eq-inside-halflife: after n steps of average gates the content has halved."""
    f = rng.uniform(0.2, 1, size=(50, B, H))
    n = analysis.half_life(f)
    for u in range(H):
        product = np.prod(f[:, :, u]) ** (1 / (50 * B))  # what one step leaves, on average
        assert product ** n[u] == pytest.approx(0.5, rel=1e-12)


def test_context():
    """eq-inside-context: each place read on its own, from an empty state and k characters."""
    layer, readout, vocabulary = inside.shipped()
    ids = vocabulary.encode(inside.play("Macbeth")[:300])
    at = np.array([40, 90, 299])
    for k in (1, 7):
        expected = []
        for place in at:
            x = np.eye(len(vocabulary))[ids[place - k : place]][:, None]
            h = analysis.trace_gates({n: a.astype(float) for n, a in layer.items()}, x).h[-1, 0]
            expected.append(-np.log(softmax(readout["W"] @ h + readout["b"])[ids[place]]))
        found = inside.loss_at(layer, readout, ids, at, k)
        assert found == pytest.approx(np.mean(expected), abs=1e-4)  # the model's is float32


def test_correlation(rng):
    """eq-inside-correlation: sums over all moments, and the largest of all units is found."""
    h, y = rng.normal(size=(60, H)), rng.normal(size=60)
    r = [
        sum((h[t, u] - h[:, u].mean()) * (y[t] - y.mean()) for t in range(60))
        / (60 * h[:, u].std() * y.std())
        for u in range(H)
    ]
    np.testing.assert_allclose(analysis.correlations(h, y), r, atol=1e-12)
    best = max(range(H), key=lambda u: abs(r[u]))
    assert analysis.find_units(h, {"y": y})["y"] == [(best, pytest.approx(r[best]))]
    against = rng.normal(size=60) - 5 * h[:, 3]
    ((unit, r_unit),) = analysis.find_units(h, {"against": against})["against"]
    assert unit == 3  # by size: a unit that moves the other way follows, too
    assert r_unit < -0.9


def test_search_in_vain(cells):
    """eq-inside-correlation: the chapter's slid features, put in the order of the text."""
    names = {"np": np}
    exec(cells["chance"].split("\n\n\n")[0], names)
    streams = inside.in_streams(np.arange(40 * 25 + 1.0), 40)
    whole = names["in_order"](streams.reshape(-1))
    expected = [stream * 25 + k for stream in range(40) for k in range(inside.SKIP, 25)]
    np.testing.assert_array_equal(whole, expected)
    states = np.stack([streams.reshape(-1), -streams.reshape(-1)], axis=1)
    np.testing.assert_array_equal(names["in_order"](states)[:, 1], -np.array(expected))


def test_clamp(layer, readout, x):
    """eq-inside-clamp: as if the unit were set to its value at every step."""
    u, a = 2, 0.37

    def stuck(h):
        h = h.copy()
        h[:, u] = a
        return h

    others = np.delete(np.arange(H), u)
    params, head = analysis.substitute_units(
        layer.params, readout.params, [u], np.zeros((1, H - 1)), np.array([a])
    )
    rows = np.concatenate([gate * H + others for gate in range(4)])
    W_h = layer.params["W_h"]
    np.testing.assert_allclose(params["b"], layer.params["b"][rows] + W_h[rows, u] * a, atol=1e-14)
    h = stepwise(layer.params, x, stuck)
    small = LSTM(D, H - 1, rng=np.random.default_rng(0))
    small.params.update(params)
    logits = small.forward(x)[0] @ head["W"].T + head["b"]
    np.testing.assert_allclose(logits, readout.forward(h), atol=1e-12)


def test_effect():
    """eq-inside-effect: the mean difference over the characters of the context, and no others."""
    layer, readout, vocabulary = inside.shipped()
    text = inside.play("Macbeth")[:2_400]
    ids = vocabulary.encode(text)
    found, mean = inside.followers()
    unit = found["question"][0][0]
    record = inside.clamped_units(0, text="Macbeth", characters=2_400, controls=1)
    B = 80
    _, before = inside.states_and_losses(layer, readout, ids, B)
    after = inside.clamping(unit, mean[unit], ids, B)
    y = inside.in_streams(analysis.text_features(text)["question"], B)
    # The first passage of the play: seed 0.
    sums = [(after - before)[t, b] for t, b in np.ndindex(*y.shape) if y[t, b] > 0]
    assert record["in a question: characters"] == len(sums)
    assert record["in a question: found inside"][0] == pytest.approx(np.mean(sums), abs=1e-5)


def test_ratio(cells):
    """eq-inside-ratio: the chapter divides by the mean over random units."""
    drawn = np.array([[0.001, 0.0], [0.003, 0.0]])
    names = {"drawn": drawn, "inside_it": 0.0061, "outside": 0.001, "print": lambda *_: None}
    exec(cells["clamp-claims"], names)
    with pytest.raises(AssertionError):
        exec(cells["clamp-claims"], names | {"inside_it": 0.0059})


def test_substitute(layer, readout, x, rng):
    """eq-inside-substitute: as if the removed units were computed from the others at every step."""
    gone, stay = [1, 4, 5], [0, 2, 3, 6]
    A, a = rng.normal(size=(3, 4)), rng.normal(size=3)

    def computed(h):
        h = h.copy()
        h[:, gone] = h[:, stay] @ A.T + a
        return h

    params, head = analysis.substitute_units(layer.params, readout.params, gone, A, a)
    small = LSTM(D, 4, rng=np.random.default_rng(0))
    small.params.update(params)
    logits = small.forward(x)[0] @ head["W"].T + head["b"]
    h = stepwise(layer.params, x, computed)
    np.testing.assert_allclose(logits, readout.forward(h), atol=1e-11)


def unexplained(h, u, others):
    """The variance of what least squares over the others leave of a unit."""
    centred = h - h.mean(axis=0)
    fit = np.linalg.lstsq(centred[:, others], centred[:, u])[0]
    return np.mean((centred[:, u] - centred[:, others] @ fit) ** 2)


def test_residual(rng):
    """eq-inside-residual: the inverse covariance has it on its diagonal, and the least goes."""
    for _ in range(10):
        h = rng.normal(size=(90, H)) @ rng.normal(size=(H, H))
        P = np.linalg.inv(np.cov(h.T, bias=True))
        left = [unexplained(h, u, [v for v in range(H) if v != u]) for u in range(H)]
        np.testing.assert_allclose(1 / np.diag(P), left, rtol=1e-7)
        assert analysis.removal_order(h, np.ones(H), 1) == [int(np.argmin(left))]


def test_cost(rng):
    """eq-inside-cost: with errors of every size, the unit of least F/P goes first."""
    h = rng.normal(size=(90, H)) @ rng.normal(size=(H, H))
    for _ in range(20):
        F = rng.uniform(0.1, 10, size=H)
        cost = [F[u] * unexplained(h, u, [v for v in range(H) if v != u]) for u in range(H)]
        assert analysis.removal_order(h, F, 1) == [int(np.argmin(cost))]


def test_downdate(rng):
    """eq-inside-downdate: the inverse of what is left of S; the code's order is that of refitting.

    The order is compared with one that fits each unit to those that are left, in every round.
    """
    S = np.cov(rng.normal(size=(H, 90)))
    P, u = np.linalg.inv(S), 3
    left = np.delete(np.arange(H), u)
    updated = P - np.outer(P[:, u], P[u]) / P[u, u]
    np.testing.assert_allclose(updated[u], 0, atol=1e-12)
    np.testing.assert_allclose(
        updated[np.ix_(left, left)], np.linalg.inv(S[np.ix_(left, left)]), rtol=1e-9
    )
    for _ in range(10):
        h = rng.normal(size=(90, H)) @ rng.normal(size=(H, H))
        stay, order = list(range(H)), []
        while len(stay) > 1:
            cost = [unexplained(h, u, [v for v in stay if v != u]) for u in stay]
            order.append(stay.pop(int(np.argmin(cost))))
        assert analysis.removal_order(h, np.ones(H), H - 1) == order


def test_belief(cells, layer, readout, x):
    """eq-inside-belief: the chapter's line, exponentials divided by their sum, after each row."""
    (line,) = [line for line in cells["beliefs"].splitlines() if "# eq-inside-belief" in line]
    h, _ = layer.forward(x)
    names = {"h_upper": torch.from_numpy(h), "head": readout.params, "softmax": softmax}
    exec(line, names)
    W, b = readout.params["W"], readout.params["b"]
    for t, n in np.ndindex(T, B):
        e = np.exp(W @ h[t, n] + b)
        np.testing.assert_allclose(names["belief"][t, n], e / e.sum(), atol=1e-14)


def test_saliency(layer, readout, x, rng):
    """eq-inside-saliency: central differences of ln p in every input."""
    chosen = rng.integers(K, size=B)
    found = analysis.saliency([layer.params], readout.params, x, chosen)

    def log_p(x):
        logits = readout.forward(layer.forward(x)[0][-1])
        return np.log(softmax(logits))[np.arange(B), chosen]

    for t, d in np.ndindex(T, D):
        step = np.zeros_like(x)
        step[t, :, d] = 1e-5
        slope = (log_p(x + step) - log_p(x - step)) / 2e-5
        np.testing.assert_allclose(found[t, :, d], slope, rtol=1e-6, atol=1e-9)
