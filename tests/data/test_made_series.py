"""Series made by code are what their descriptions state; observed ones are whole."""

import numpy as np
import pytest

from lstmlib.data import (
    WindowBatches,
    co2,
    economy,
    ice_cream,
    quarterly_revenue,
    random_walk,
    sea_temperature,
    sunspots,
    windows,
)


def test_ice_cream():
    """Of 200 years: the top in July, growth of 3 % a year, noise that carries half over."""
    y = ice_cream(200, rng=np.random.default_rng(0))
    assert y.shape == (2400,)
    log = np.log(y) - np.log(1.03) * np.arange(2400) / 12
    season = log.reshape(200, 12).mean(axis=0)
    assert season.argmax() == 6
    noise = log - np.tile(season, 200)
    assert abs(np.polyfit(np.arange(2400), log, 1)[0]) < 1e-5
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(0.5, abs=0.05)
    assert (noise[1:] - 0.5 * noise[:-1]).std() == pytest.approx(0.04, rel=0.1)


def test_quarterly_revenue():
    y = quarterly_revenue(100, rng=np.random.default_rng(0))
    assert y.shape == (400,)
    assert (y.reshape(100, 4).argmax(axis=1) == 3).mean() > 0.95
    assert y[-40:].mean() > 3 * y[:40].mean()


def test_random_walk():
    y = random_walk(20000, rng=np.random.default_rng(0))
    changes = np.diff(np.log(y))
    assert changes.std() == pytest.approx(0.01, rel=0.05)
    assert abs(np.corrcoef(changes[1:], changes[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("make", [ice_cream, quarterly_revenue, random_walk])
def test_made_series_depend_on_the_generator_alone(make):
    a, b, c = (make(9, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert (a > 0).all()
    with pytest.raises(ValueError, match="expected at least 1"):
        make(0, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("load", "length", "low", "high"),
    [(co2, 526, 310, 375), (sea_temperature, 732, 18, 30), (sunspots, 309, 0, 200)],
)
def test_observed_series(load, length, low, high):
    y = load()
    assert y.shape == (length,)
    assert y.dtype == np.float64
    assert np.isfinite(y).all()
    assert low <= y.min() < y.max() <= high


def test_economy():
    series = economy()
    assert {y.shape for y in series.values()} == {(202,)}
    assert all(np.isfinite(y).all() for y in series.values())
    assert 3 < series["unemployment"].min() < series["unemployment"].max() < 11


def test_batches_hold_each_window_once():
    x, y = windows(np.arange(30.0), 4, 2)
    batches = WindowBatches(x, y, 7, seed=3)
    epochs = [list(batches.epoch(k)) for k in (0, 0, 1)]
    assert [len(epoch) for epoch in epochs] == [len(batches)] * 3 == [4] * 3
    firsts = [np.concatenate([part[0][0, :, 0] for part in epoch]) for epoch in epochs]
    assert np.array_equal(firsts[0], firsts[1])
    assert not np.array_equal(firsts[0], firsts[2])
    for first in firsts:
        assert np.array_equal(np.sort(first), np.arange(25.0))
    for inputs, targets in epochs[0]:
        assert np.array_equal(targets[0], inputs[0] + 4)
    in_order = np.concatenate([part[0][0, :, 0] for part in WindowBatches(x, y, 7).epoch(5)])
    assert np.array_equal(in_order, np.arange(25.0))
    with pytest.raises(ValueError, match="expected batch_size >= 1, got 0"):
        WindowBatches(x, y, 0)
