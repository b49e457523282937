"""Layers made by hand, whose answer is known: units that are still, double, or follow a feature."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.analysis import (
    best_substitute,
    correlations,
    duplicate_units,
    find_units,
    removal_order,
    still_units,
    substitute_units,
)
from lstmlib.numpy import LSTM, RNN, Dense
from lstmlib.weights import from_torch

T, B, D, H, K = 6, 4, 3, 7, 2


def without(layer, readout, units, A, a):
    """The layer and read-out without some units, as layers."""
    rng = np.random.default_rng(0)
    small = type(layer)(D, H - len(units), rng=rng)
    head = Dense(H - len(units), K, rng=rng)
    small.params, head.params = substitute_units(layer.params, readout.params, units, A, a)
    return small, head


def doubled(kind, rng):
    """A layer whose unit 5 does what unit 2 does, and a read-out."""
    layer, readout = kind(D, H, rng=rng), Dense(H, K, rng=rng)
    for p in layer.params.values():
        p.reshape(-1, H, *p.shape[1:])[:, 5] = p.reshape(-1, H, *p.shape[1:])[:, 2]
    return layer, readout


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_a_duplicate_can_go_without_a_trace(kind):
    rng = np.random.default_rng(1)
    layer, readout = doubled(kind, rng)
    x = rng.normal(size=(T, B, D))
    h, _ = layer.forward(x)
    states = h.reshape(-1, H)
    assert duplicate_units(states, 0.999999) == [(2, 5)]
    A, a = best_substitute(states, [5])
    small, head = without(layer, readout, [5], A, a)
    np.testing.assert_allclose(head.forward(small.forward(x)[0]), readout.forward(h), atol=1e-12)


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_a_clamped_unit_is_one_whose_state_is_set_at_every_step(kind):
    rng = np.random.default_rng(2)
    layer, readout = kind(D, H, rng=rng), Dense(H, K, rng=rng)
    x = rng.normal(size=(T, B, D))
    start = np.zeros((B, H))
    state = start if kind is RNN else (start, start.copy())
    scores = []
    for t in range(T):
        (state if kind is RNN else state[0])[:, 3] = 0.4
        h, state = layer.forward(x[t : t + 1], state)
        h[..., 3] = 0.4
        scores.append(readout.forward(h[0]))
    small, head = without(layer, readout, [3], np.zeros((1, H - 1)), np.array([0.4]))
    np.testing.assert_allclose(head.forward(small.forward(x)[0]), np.stack(scores), atol=1e-12)


def test_units_of_a_layer_of_pytorch():
    torch.manual_seed(0)
    layer, readout = torch.nn.LSTM(D, H).double(), torch.nn.Linear(H, K).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.view(4, H, -1)[:, 5] = p.view(4, H, -1)[:, 2]
        x = torch.randn(T, B, D, dtype=torch.float64)
        h, _ = layer(x)
        expected = readout(h).numpy()
    states = h.numpy().reshape(-1, H)
    assert duplicate_units(states, 0.999999) == [(2, 5)]
    params, head_params = (from_torch(part.state_dict()) for part in (layer, readout))
    small, head = (
        LSTM(D, H - 1, rng=np.random.default_rng(0)),
        Dense(H - 1, K, rng=np.random.default_rng(0)),
    )
    small.params, head.params = substitute_units(
        params, head_params, [5], *best_substitute(states, [5])
    )
    np.testing.assert_allclose(head.forward(small.forward(x.numpy())[0]), expected, atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.sets(st.integers(0, H - 1), min_size=1, max_size=H - 1))
def test_units_that_follow_from_the_others_are_found_to(seed, units):
    rng = np.random.default_rng(seed)
    units = sorted(units)
    others = [u for u in range(H) if u not in units]
    h = rng.normal(size=(60, H))
    A, a = rng.normal(size=(len(units), len(others))), rng.normal(size=len(units))
    h[:, units] = h[:, others] @ A.T + a
    found = best_substitute(h, units)
    np.testing.assert_allclose(found[0], A, atol=1e-9)
    np.testing.assert_allclose(found[1], a, atol=1e-9)


def test_correlations_are_those_of_numpy():
    rng = np.random.default_rng(3)
    h, feature = rng.normal(size=(50, H)), rng.normal(size=50)
    h[:, 1] = 0.3
    h[:, 4] = -2 * feature + 5
    found = correlations(h, feature)
    assert found[1] == 0
    assert found[4] == pytest.approx(-1, abs=1e-12)
    for u in (0, 2, 3, 5, 6):
        assert found[u] == pytest.approx(np.corrcoef(h[:, u], feature)[0, 1], abs=1e-12)


def test_units_that_stay_where_they_are():
    h = np.random.default_rng(4).normal(size=(50, H))
    h[:, 2] = 0.7
    h[:, 6] = 1e-3 * np.sign(h[:, 6])
    assert still_units(h, 1e-12) == [2]
    assert still_units(h, 2e-3) == [2, 6]
    assert duplicate_units(h, 0.99) == []


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([7], r"different units among 0 to 6, got \[7\]"),
        ([1, 1], r"different units among 0 to 6, got \[1, 1\]"),
        (list(range(7)), "at least one of 7 units to stay"),
    ],
)
def test_units_that_are_not_there(units, message):
    layer, readout = doubled(LSTM, np.random.default_rng(0))
    A, a = np.zeros((len(units), H - len(units))), np.zeros(len(units))
    with pytest.raises(ValueError, match=message):
        substitute_units(layer.params, readout.params, units, A, a)


def test_numbers_that_do_not_fit():
    layer, readout = doubled(LSTM, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expected A of shape \(1, 6\), got \(1, 5\)"):
        substitute_units(layer.params, readout.params, [2], np.zeros((1, 5)), np.zeros(1))
    with pytest.raises(ValueError, match="a feature that varies, got 1.0 at all 3 moments"):
        correlations(np.ones((3, 2)), np.ones(3))


def test_the_unit_that_follows_a_feature_is_found_among_all():
    rng = np.random.default_rng(5)
    h = rng.normal(size=(200, H))
    features = {"one": rng.normal(size=200), "two": rng.normal(size=200), "never": np.zeros(200)}
    h[:, 3] = -features["one"] + 0.1 * rng.normal(size=200)
    h[:, 6] = features["two"]
    found = find_units(h, features, 2)
    assert found["one"][0][0] == 3
    assert found["one"][0][1] < -0.9
    assert found["two"][0] == (6, pytest.approx(1))
    assert found["never"] == []
    with pytest.raises(ValueError, match="a count from 1 to 7, got 8"):
        find_units(h, features, 8)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_removal_is_that_of_trying_them_all(seed):
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(80, H)) @ rng.normal(size=(H, H))
    importance = rng.uniform(0.5, 2, size=H)
    gone = []
    for unit in removal_order(h, importance, H - 1):
        left = [u for u in range(H) if u not in gone]
        costs = {}
        for u in left:
            others = [w for w in left if w != u]
            one = h[:, [*others, u]] - h[:, [*others, u]].mean(axis=0)
            rest = one[:, -1] - one[:, :-1] @ np.linalg.lstsq(one[:, :-1], one[:, -1])[0]
            costs[u] = importance[u] * np.mean(rest**2)
        assert costs[unit] <= min(costs.values()) * (1 + 1e-4)
        gone.append(unit)


def test_a_copy_of_a_unit_goes_first():
    rng = np.random.default_rng(6)
    h = rng.normal(size=(100, H))
    h[:, 5] = 2 * h[:, 2] - 1
    first, *_ = removal_order(h, np.ones(H), 3)
    assert first in (2, 5)
    assert removal_order(h, np.ones(H), 0) == []
    with pytest.raises(ValueError, match="a count from 0 to 6"):
        removal_order(h, np.ones(H), H)
    with pytest.raises(ValueError, match="importances of 0 or more"):
        removal_order(h, -np.ones(H), 1)
