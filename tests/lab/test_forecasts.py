"""The experiments of chapter 8 measure what they say, and their records are theirs."""

import numpy as np
import pytest

from lstmlib.forecasting import adaptive_half_widths
from lstmlib.lab import load
from lstmlib.lab.forecast_inputs import lag_axis
from lstmlib.lab.forecast_sizes import OTHERS, USUAL, forecast_sizes
from lstmlib.lab.forecasts import (
    HORIZON,
    OBSERVED,
    baseline_forecasts,
    judge,
    made_forecasts,
    make_method,
)
from lstmlib.lab.sizes import character_sizes, digit_sizes


def known_beforehand(y, off=0.0):
    """Forecast what comes, or that and a constant."""
    return lambda history: y[len(history) : len(history) + HORIZON] + off


def test_who_knows_the_future_makes_no_error():
    """And intervals of no width hold it."""
    y = np.random.default_rng(0).standard_normal((100, 1))
    nothing, all_of_it = [0.0] * 12, [1.0] * 12
    assert judge(known_beforehand(y), y, 4) == {
        "error": nothing, "width": nothing,
        "coverage": all_of_it, "coverage 0.8": all_of_it, "coverage 0.95": all_of_it,
    }  # fmt: skip


def test_an_error_of_one_scale_is_one():
    y = np.random.default_rng(0).standard_normal((100, 1))
    scale = np.abs(y[4:60] - y[:56]).mean()
    assert judge(known_beforehand(y, scale), y, 4)["error"] == pytest.approx([1.0] * 12)


def test_no_unit_matters():
    """Of a series in another unit, errors, widths and coverages are the same."""
    y = np.random.default_rng(0).standard_normal((100, 1))
    celsius = judge(known_beforehand(y, 0.3), y, 4)
    fahrenheit = judge(known_beforehand(1.8 * y + 32, 0.54), 1.8 * y + 32, 4)
    for key in ("error", "width"):
        assert fahrenheit[key] == pytest.approx(celsius[key])
    assert fahrenheit["coverage"] == celsius["coverage"]


def test_the_intervals_are_those_of_the_relative_errors():
    """The width by a loop over the origins, for a forecast of 0 and one horizon."""
    y = np.random.default_rng(0).standard_normal((100, 1)).cumsum(axis=0)
    result = judge(lambda history: np.zeros((HORIZON, 1)), y, 4)
    origins = range(60, 89)
    span = np.array([np.ptp(np.r_[y[o - 12 : o, 0], 0]) for o in origins])
    relative = np.array([y[o + 2, 0] for o in origins]) / span  # three steps ahead
    q = adaptive_half_widths(relative[:, None].repeat(3, axis=1), 15, 0.9)[:, 2]
    scale = np.abs(y[4:60] - y[:56]).mean()
    assert result["width"][2] == pytest.approx((2 * q * span[15:]).mean() / scale)
    assert result["coverage"][2] == (np.abs(relative[15:]) <= q).mean()


@pytest.mark.parametrize("series", list(OBSERVED))
def test_the_record_is_what_the_code_gives(series):
    """Of the method without training, to the last digits."""
    result = baseline_forecasts(0, series=series, method="seasonal naive")
    record = load("baseline_forecasts")
    for key, values in result.items():
        kept = record.values(key, series=series, method="seasonal naive")[0]
        assert values == pytest.approx(kept, rel=1e-9)


def test_the_seed_draws_the_made_series():
    a, b, c = (
        made_forecasts(seed, series="ice cream", method="seasonal naive", logarithm=True)
        for seed in (1, 1, 2)
    )
    assert a == b
    assert a["error"] != c["error"]


def test_the_logarithm_changes_nothing_for_repeated_values():
    plain, log = (
        made_forecasts(3, series="random walk", method="seasonal naive", logarithm=logarithm)
        for logarithm in (False, True)
    )
    assert plain["error"] == pytest.approx(log["error"], rel=1e-9)


def test_an_unknown_method():
    with pytest.raises(ValueError, match="expected one of .*, got 'magic'"):
        make_method("magic", np.zeros((100, 1)), 4, seed=0)


def test_the_lag_among_the_features_leaves_the_recurrent_weights_alone():
    assert lag_axis(0, series="sunspots", axis="features")["moved"] == 0


def test_one_size_at_a_time():
    """Every condition differs from the usual one in at most one size."""
    for condition in forecast_sizes.conditions:
        changed = {name for name in USUAL if condition[name] != USUAL[name]}
        assert len(changed) <= 1
        assert changed <= OTHERS.keys()


@pytest.mark.parametrize("experiment", [digit_sizes, character_sizes])
def test_the_weights_that_are_counted(experiment):
    """4H(D + H) and two biases 4H a layer, and the read-out: from the record, for all sizes."""
    D, K = {"digit_sizes": (28, 10), "character_sizes": (32, 0)}[experiment.name]
    record = load(experiment.name)
    V = 0
    if K == 0:
        from lstmlib.data import Vocabulary, shakespeare

        V = K = len(Vocabulary.from_text(shakespeare()))
    for condition in experiment.conditions:
        H, L = condition["hidden_size"], condition["num_layers"]
        expected = V * 32 + 4 * H * (D + H + 2) + (L - 1) * 4 * H * (2 * H + 2) + K * (H + 1)
        assert set(record.values("weights", **condition)) == {expected}
