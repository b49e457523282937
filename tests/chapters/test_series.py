"""The labelled equations of chapters/08_time_series.ipynb against computations of another kind.

What the chapter defines itself is taken from its cells. At the end, a claim on the records that
the chapter makes in words.
"""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib import lab
from lstmlib.data import random_walk, windows
from lstmlib.forecasting import (
    LSTMForecast,
    Scaling,
    adaptive_half_widths,
    coverage,
    half_width,
    of_logarithms,
    outcomes,
    recursive,
    rolling_forecasts,
    scaled_errors,
    seasonal_naive,
    seasonal_scale,
    spans,
)
from lstmlib.lab import forecast_sizes, forecasts
from lstmlib.torch import Forecaster

CHAPTER = "08_time_series"
SEEDS = st.integers(0, 10**6)


@pytest.fixture
def v(rng):
    return 5 + rng.random((40, 1)).cumsum(axis=0)


@given(N=st.integers(2, 60), n=st.integers(1, 20), m=st.integers(1, 20))
def test_number_of_windows(N, n, m):
    """eq-series-windows: as many as there are origins with n steps before and m after."""
    origins = [o for o in range(N + 1) if o >= n and N - o >= m]
    if origins:
        x, y = windows(np.arange(float(N)), n, m)
        assert x.shape[1] == y.shape[1] == len(origins) == N - n - m + 1
    else:
        assert N - n - m + 1 <= 0


def test_direct():
    """eq-series-direct: one product with the state after the last step gives all m forecasts."""
    torch.manual_seed(0)
    F, H, m = 2, 5, 3
    network = Forecaster(F, H, m).double()
    z = torch.randn(7, 4, F, dtype=torch.float64)
    with torch.no_grad():
        forecast = network(z)[0]
        h = network.lstm(z)[0]
    W, b = network.output.weight.detach(), network.output.bias.detach()
    for k, f, window in itertools.product(range(m), range(F), range(4)):
        row = k * F + f
        expected = sum(W[row, j] * h[-1, window, j] for j in range(H)) + b[row]
        assert abs(forecast[k, window, f] - expected) < 1e-12


@given(seed=SEEDS, m=st.integers(1, 9))
def test_recursive(seed, m):
    """eq-series-recursive: a linear map of the last two values, m times, is a matrix to the m."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-1, 1, 2)
    history = rng.normal(size=(6, 1))
    forecast = recursive(lambda past: a * past[-1:] + b * past[-2:-1], m)(history)
    step = np.array([[a, b], [1.0, 0.0]])
    for h in range(1, m + 1):
        state = np.linalg.matrix_power(step, h) @ history[[-1, -2], 0]
        assert forecast[h - 1, 0] == pytest.approx(state[0], rel=1e-9, abs=1e-12)


def test_origin(v):
    """eq-series-origin: at each origin the method gets what lies before it, and nothing else."""
    origins, m = [3, 10, 30], 4
    seen = []

    def method(history):
        seen.append(history.copy())
        return history[-1] * np.ones((m, 1)) + len(history)

    forecast = rolling_forecasts(method, v, origins)
    e = outcomes(v, origins, m) - forecast
    for k, o in enumerate(origins):
        np.testing.assert_array_equal(seen[k], v[:o])
        for h in range(1, m + 1):  # v[t - 1] is the value of step t
            assert e[k, h - 1, 0] == v[o + h - 1, 0] - (v[o - 1, 0] + o)


@given(seed=SEEDS, P=st.integers(1, 8), m=st.integers(1, 20))
def test_naive(seed, P, m):
    """eq-series-naive: with the value as far back as whole periods reach, by counting backwards."""
    rng = np.random.default_rng(seed)
    o = P + int(rng.integers(10))
    v = rng.normal(size=(o, 1))
    forecast = seasonal_naive(P, m)(v)
    for h in range(1, m + 1):
        t = o + h
        while t > o:
            t -= P
        assert forecast[h - 1, 0] == v[t - 1, 0]
        assert t == o - P + 1 + (h - 1) % P


def test_smoothing(defined, rng):
    """eq-series-smoothing: the innovations as a matrix recursion of the whole state."""
    smoothed = defined("smoothing", np=np)["smoothed"]
    P, T = 4, 25
    alpha, beta, gamma, phi = 0.3, 0.1, 0.2, 0.9
    v, season = rng.normal(size=T), rng.normal(size=P)
    ours = smoothed(v, alpha, beta, gamma, phi, 1.5, -0.2, season)
    state = np.array([1.5, -0.2, *season])  # level, trend, the season of the next P steps
    w = np.array([1, phi, 1, *np.zeros(P - 1)])
    F = np.zeros((P + 2, P + 2))
    F[0, :2], F[1, 1] = (1, phi), phi
    F[2 : P + 1, 3:] = np.eye(P - 1)
    F[P + 1, 2] = 1
    g = np.array([alpha, beta, *np.zeros(P - 1), gamma])
    for t in range(T):
        assert ours[t] == pytest.approx(w @ state, rel=1e-10)
        state = F @ state + g * (v[t] - w @ state)


@given(seed=SEEDS, P=st.integers(1, 6))
def test_scale(seed, P):
    """eq-series-scale: the mean over the steps that have one a period before them."""
    v = np.random.default_rng(seed).normal(size=(20, 1))
    Q = sum(abs(v[t, 0] - v[t - P, 0]) for t in range(P, 20)) / (20 - P)
    assert seasonal_scale(v, P)[0] == pytest.approx(Q, rel=1e-12)


@pytest.mark.parametrize("P", [1, 4, 11])
def test_mase_of_the_naive_is_one(v, P):
    """eq-series-mase, eq-series-scale: 1 where each step is forecast by the one a period before."""
    Q = seasonal_scale(v, P)
    origins = range(P, len(v))
    forecast = rolling_forecasts(seasonal_naive(P, 1), v, origins)
    came = outcomes(v, origins, 1)
    assert scaled_errors(forecast, came, Q)[0, 0] == pytest.approx(1, rel=1e-12)
    assert scaled_errors(3 * forecast, 3 * came, 3 * Q)[0, 0] == pytest.approx(1, rel=1e-12)


def test_mase_by_loops(rng):
    """eq-series-mase: the sum over the origins, horizon by horizon."""
    forecast, came = rng.normal(size=(2, 9, 3, 1))
    mase = scaled_errors(forecast, came, np.array([0.7]))
    for h in range(3):
        total = sum(abs(came[o, h, 0] - forecast[o, h, 0]) for o in range(9))
        assert mase[h, 0] == pytest.approx(total / 9 / 0.7, rel=1e-12)


def test_standardise(v):
    """eq-series-standardise: mean 0 and deviation 1 in training, and back again what it was."""
    x, y = windows(v, 6, 3)
    scaling = Scaling.measure(x, y, anchored=False)
    zx, zy = scaling.apply(x, y)
    z = np.concatenate([zx, zy])
    assert abs(z.mean()) < 1e-6
    assert abs(z.std() - 1) < 1e-6
    back = zy * scaling.scale + scaling.origin(x)
    np.testing.assert_allclose(back, y, rtol=1e-5)
    # whatever the unit: Fahrenheit in place of Celsius changes nothing that a network sees
    other, _ = Scaling.measure(1.8 * x + 32, 1.8 * y + 32, anchored=False).apply(1.8 * x + 32, y)
    np.testing.assert_allclose(other, zx, atol=1e-5)


def test_anchor(rng):
    """eq-series-anchor: a series that is lifted has its forecast lifted by as much, to the bit."""
    torch.manual_seed(0)
    network = Forecaster(1, 4, 3)
    forecast = LSTMForecast(network, 6, Scaling(np.zeros(1), np.array([2.0]), anchored=True))
    history = rng.integers(-8, 8, size=(10, 1)).astype(float)
    lifted = forecast(history + 64)
    np.testing.assert_allclose(lifted - 64, forecast(history), rtol=0, atol=1e-12)
    z = torch.tensor((history[-6:, None] - history[-1]) / 2, dtype=torch.float32)
    with torch.no_grad():
        expected = history[-1, 0] + 2 * network(z)[0][:, 0, 0].double().numpy()
    np.testing.assert_allclose(forecast(history)[:, 0], expected, rtol=0, atol=1e-12)


@given(seed=SEEDS, P=st.integers(1, 5))
def test_logarithm(seed, P):
    """eq-series-logarithm: the drift of the logarithms is growth by a constant factor."""
    v = np.exp(np.random.default_rng(seed).normal(size=(12, 1)))

    def drift(history):
        return history[-1:] + np.arange(1, P + 1)[:, None] * (history[-1] - history[-2])

    factor = v[-1, 0] / v[-2, 0]
    expected = [v[-1, 0] * factor**h for h in range(1, P + 1)]
    np.testing.assert_allclose(of_logarithms(drift)(v)[:, 0], expected, rtol=1e-9)


def test_coverage(rng):
    """eq-series-coverage: by counting; an end belongs to the interval."""
    lower = rng.normal(size=(50, 2))
    upper = lower + rng.random((50, 2))
    came = rng.normal(size=(50, 2))
    came[0] = lower[0]
    share = coverage(lower, upper, came)
    for h in range(2):
        inside = sum(lower[o, h] <= came[o, h] <= upper[o, h] for o in range(50))
        assert share[h] == inside / 50


@given(k=st.integers(1, 7), level=st.sampled_from([0.25, 0.5, 0.75, 0.9]))
def test_conformal(k, level):
    """eq-series-conformal: of all orders of k + 1 errors, at least the level's share is inside."""
    errors = np.arange(1.0, k + 2) ** 2
    inside = [abs(new) <= half_width(np.delete(errors, new_at), level)
              for new_at, new in enumerate(errors)]  # fmt: skip
    if math.ceil((k + 1) * level) <= k:
        assert sum(inside) / (k + 1) >= level - 1e-12
        assert sum(inside) == math.ceil((k + 1) * level)


@given(seed=SEEDS, n=st.integers(1, 5), m=st.integers(1, 5))
def test_span(seed, n, m):
    """eq-series-span: the widest of all pairs of values and forecasts in view."""
    rng = np.random.default_rng(seed)
    v, forecasts = rng.normal(size=(20, 1)), rng.normal(size=(3, m, 1))
    origins = [5, 9, 20]
    d = spans(v, origins, forecasts, n)
    for k, o in enumerate(origins):
        view = [*v[o - n : o, 0], *forecasts[k, :, 0]]  # v[t - 1] is the value of step t
        assert d[k, 0] == max(abs(a - b) for a, b in itertools.product(view, view))


@given(seed=SEEDS, m=st.integers(1, 3), rate=st.sampled_from([0.0717, 0.6131]))
def test_adaptive(seed, m, rate):
    """eq-series-adaptive: the levels found anew from the outcomes known at each origin."""
    rng = np.random.default_rng(seed)
    O, start, level = 30, 6, 0.8123
    e = rng.normal(size=(O, m)) * np.linspace(1, 3, O)[:, None]
    q = adaptive_half_widths(e, start, level, rate)
    for h in range(1, m + 1):
        for o in range(start, O):
            closed = range(start, o - h + 1)  # origins whose outcome at h is known at o
            outside = sum(abs(e[k, h - 1]) > q[k - start, h - 1] for k in closed)
            p = level + rate * (len(closed) * (level - 1) + outside)
            past = sorted(abs(e[: o - h + 1, h - 1]))
            if p > 1:
                expected = p * past[-1]
            elif p > 0:
                expected = past[min(math.ceil((len(past) + 1) * p), len(past)) - 1]
            else:
                expected = 0
            assert q[o - start, h - 1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("h", [1, 4, 12])
def test_walk(h):
    """eq-series-walk: the mean of the normal distribution's absolute value, by its quantiles."""
    middle = (np.arange(20_000) + 0.5) / 20_000
    normal = NormalDist(0, math.sqrt(h))
    expected = np.mean([abs(normal.inv_cdf(u)) for u in middle])
    assert math.sqrt(2 * h / math.pi) == pytest.approx(expected, rel=1e-3)
    steps = np.log(random_walk(100_000, rng=np.random.default_rng(3)))
    assert np.abs(steps[h:] - steps[:-h]).mean() == pytest.approx(0.01 * expected, rel=0.03)


def test_the_runs_of_the_table_are_complete():
    """eq-series-mase: every method and series has five runs, or one where nothing is random."""
    for series, method in itertools.product(
        forecasts.OBSERVED, forecasts.BASELINES + forecasts.LSTMS
    ):
        name = "baseline_forecasts" if method in forecasts.BASELINES else "lstm_forecasts"
        errors = lab.load(name).values("error", series=series, method=method)
        assert len(errors) == (1 if method in forecasts.BASELINES else 5)
        assert all(len(error) == forecasts.HORIZON for error in errors)


@pytest.mark.parametrize("series", list(forecasts.OBSERVED))
def test_the_intervals_hold(series):
    """eq-series-coverage: within five points of 0.9, every method, seed and horizon asked."""
    for method in forecasts.BASELINES + forecasts.LSTMS:
        name = "baseline_forecasts" if method in forecasts.BASELINES else "lstm_forecasts"
        for held in lab.load(name).values("coverage", series=series, method=method):
            for h in (1, 6, forecasts.OBSERVED[series][1]):
                assert abs(held[h - 1] - 0.9) < 0.05


def test_the_numbers_in_the_table_of_rules(cells):
    """eq-series-mase: the medians of the records, as the table of the rules for sizes has them."""

    def median(record, key, **condition):
        return float(np.median(lab.load(record).values(key, **condition)))

    def sea(**changed):
        return median("forecast_sizes", "mean", **{**forecast_sizes.USUAL, **changed})

    def first(horizon):
        usual = {**forecast_sizes.USUAL, "horizon": horizon}
        return median("forecast_sizes", "first", **usual)

    def size(record, key, units, layers=1):
        return median(record, key, hidden_size=units, num_layers=layers)

    def sunspots(dropout):
        runs = lab.load("overfitting").values("valid", hidden_size=128, dropout=dropout)
        return np.median([run[-1] for run in runs]), np.median([min(run) for run in runs])

    (last, best), (last_dropped, best_dropped) = sunspots(0.0), sunspots(0.5)
    digit_losses = [size("digit_sizes", "loss", 64, n) for n in (1, 2, 3)]
    character_losses = [size("character_sizes", "loss", 64, n) for n in (1, 2, 3)]

    def overfit(record, units, layers=1):
        losses = (size(record, key, units, layers) for key in ("loss", "train_loss"))
        return np.divide(*losses)

    by_layers = {
        digits: " → ".join(f"{overfit(record, 64, n):.{digits}f}" for n in (1, 2, 3))
        for record, digits in {"digit_sizes": 1, "character_sizes": 2}.items()
    }
    expected = [
        " → ".join(f"{overfit('digit_sizes', units):.1f}" for units in (8, 128)),
        *by_layers.values(),
        f"MASE {sea(lag=12):.2f} → {sea(lag=60):.2f}",
        f"first month {first(24):.2f} → {first(1):.2f}",
        "MASE " + " → ".join(f"{sea(hidden_size=units):.2f}" for units in (2, 32, 128)),
        "accuracy " + " → ".join(f"{size('digit_sizes', 'accuracy', u):.2f}" for u in (8, 128)),
        "loss " + " → ".join(f"{size('character_sizes', 'loss', u):.2f}" for u in (16, 256)),
        "MASE " + " → ".join(f"{sea(num_layers=layers):.2f}" for layers in (1, 2, 3)),
        "loss " + " → ".join(f"{loss:.3f}" for loss in digit_losses),
        "loss " + " → ".join(f"{loss:.2f}" for loss in character_losses),
        f"last epoch {last:.2f} → {last_dropped:.2f}, best {best:.2f} → {best_dropped:.2f}",
    ]
    missing = [numbers for numbers in expected if numbers not in cells["characters-after"]]
    assert missing == []
