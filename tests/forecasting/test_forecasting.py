"""Forecasts use no future, scores are what they are defined as, intervals hold what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmlib.forecasting import (
    Scaling,
    adaptive_half_widths,
    coverage,
    exponential_smoothing,
    half_width,
    of_logarithms,
    outcomes,
    recursive,
    rolling_forecasts,
    scaled_errors,
    seasonal_naive,
    seasonal_scale,
    spans,
    split,
    train_lstm,
    training_data,
)

SEEDS = st.integers(0, 10**6)


def season(N, period=12, noise=0.1, slope=0.0, seed=0):
    t = np.arange(N)
    wave = 10 + slope * t + 3 * np.sin(2 * np.pi * t / period)
    return (wave + noise * np.random.default_rng(seed).standard_normal(N))[:, None]


@pytest.fixture(scope="module")
def trained():
    """An LSTM trained for a moment, its series and where its training part ends."""
    y = season(120)
    return train_lstm(y[:90], 72, lag=12, horizon=4, hidden_size=8, epochs=5, seed=3)[0], y, 72


@given(N=st.integers(2, 400))
def test_the_parts_follow_each_other(N):
    train_end, valid_end = split(N)
    assert 0 < train_end <= valid_end < N or N < 4
    assert train_end == int(0.6 * N + 1e-9)


@pytest.mark.parametrize("name", ["naive", "smoothing", "lstm", "recursive", "logarithms"])
def test_no_forecast_knows_the_future(trained, name):
    """What comes after an origin may be anything, and a method cannot write into the series."""
    lstm, y, _ = trained
    forecast = {
        "naive": seasonal_naive(12, 4),
        "smoothing": exponential_smoothing(y[:72], 12, 4),
        "lstm": lstm,
        "recursive": recursive(lstm, 6),
        "logarithms": of_logarithms(lstm),
    }[name]
    origins = [72, 75, 90]
    expected = rolling_forecasts(forecast, y, origins)
    assert expected.shape == (3, 6 if name == "recursive" else 4, 1)
    for k, o in enumerate(origins):
        other = y.copy()
        other[o:] = np.nan
        assert np.array_equal(rolling_forecasts(forecast, other, [o])[0], expected[k])


def test_a_method_cannot_change_the_series():
    y = season(40)
    before = y.copy()

    def spoiling(history):
        history[:] = 0
        return history[:2]

    rolling_forecasts(spoiling, y, [10, 20])
    assert np.array_equal(y, before)


@given(period=st.integers(1, 9), m=st.integers(1, 20), seed=SEEDS)
def test_seasonal_naive_repeats_the_last_period(period, m, seed):
    history = np.random.default_rng(seed).standard_normal((period + 5, 2))
    forecast = seasonal_naive(period, m)(history)
    extended = np.concatenate([history, forecast])
    for k in range(len(history), len(extended)):
        assert np.array_equal(extended[k], extended[k - period])


def test_smoothing_goes_on_with_trend_and_season():
    """Of a straight line with a season it forecasts the rest, from a moment long after its fit."""
    y = season(200, noise=0.001, slope=0.2)
    forecast = exponential_smoothing(y[:120], 12, 12)
    assert np.abs(forecast(y[:180]) - y[180:192]).max() < 0.05


def test_smoothing_updates_level_and_season_along_a_history(monkeypatch):
    """From the equations, with the parameters fitted to the start: at its end and long after."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    y = season(160, noise=0.5, seed=1)
    smoothed, smooth = [], ETSModel.smooth

    def recorded(self, params, *args, **options):
        smoothed.append(dict(zip(self.param_names, params, strict=True)))
        return smooth(self, params, *args, **options)

    forecast = exponential_smoothing(y[:96], 12, 15)
    monkeypatch.setattr(ETSModel, "smooth", recorded)
    for N in (96, 101, 150):
        came = forecast(y[:N])[:, 0]
        p = smoothed[-1]
        level, trend = p["initial_level"], p.get("initial_trend", 0.0)
        phi = p.get("damping_trend", 1.0)
        s = [p[f"initial_seasonal.{11 - k}"] for k in range(12)]
        for t in range(N):
            error = y[t, 0] - (level + phi * trend + s[t % 12])
            level += phi * trend + p["smoothing_level"] * error
            trend = phi * trend + p.get("smoothing_trend", 0.0) * error
            s[t % 12] += p["smoothing_seasonal"] * error
        steps = np.cumsum(phi ** np.arange(1, 16))
        expected = [level + steps[k] * trend + s[(N + k) % 12] for k in range(15)]
        assert came == pytest.approx(expected, rel=1e-9)


def test_smoothing_of_a_random_walk_is_the_last_value():
    y = np.cumsum(np.random.default_rng(0).standard_normal(300))[:, None]
    forecast = exponential_smoothing(y[:200], 1, 3)(y)
    assert np.abs(forecast - y[-1]).max() < 0.5


@given(a=st.floats(-0.9, 0.9), m=st.integers(1, 8), seed=SEEDS)
def test_recursive_forecasts_of_an_autoregression(a, m, seed):
    """Read as if they had happened: a^k times the last value."""
    history = np.random.default_rng(seed).standard_normal((5, 1))
    forecast = recursive(lambda past: a * past[-1:], m)(history)
    assert forecast == pytest.approx(history[-1] * a ** np.arange(1, m + 1)[:, None], abs=1e-12)


def test_logarithms_make_ratios_of_differences():
    history = np.array([[1.0], [2.0], [4.0]])

    def same_change(past):
        return past[-1:] + (past[-1:] - past[-2:-1])

    assert of_logarithms(same_change)(history) == pytest.approx(8.0)
    with pytest.raises(ValueError, match="expected numbers above 0, got -1 in the history"):
        of_logarithms(same_change)(-history[:1])


@given(period=st.integers(1, 6), F=st.integers(1, 3), seed=SEEDS)
def test_seasonal_naive_scores_1_where_its_scale_is_measured(period, F, seed):
    y = np.random.default_rng(seed).standard_normal((period + 9, F))
    origins = range(period, len(y))
    forecasts = rolling_forecasts(seasonal_naive(period, 1), y, origins)
    error = scaled_errors(forecasts, outcomes(y, origins, 1), seasonal_scale(y, period))
    assert error == pytest.approx(np.ones((1, F)), rel=1e-12)


@given(factor=st.floats(0.1, 100), shift=st.floats(-100, 100), seed=SEEDS)
def test_scaled_errors_have_no_unit(factor, shift, seed):
    rng = np.random.default_rng(seed)
    y, forecasts = rng.standard_normal((30, 1)), rng.standard_normal((5, 3, 1))
    origins = range(20, 25)

    def score(transform):
        scale = seasonal_scale(transform(y[:20]), 4)
        return scaled_errors(transform(forecasts), outcomes(transform(y), origins, 3), scale)

    assert score(lambda v: factor * v + shift) == pytest.approx(score(lambda v: v), rel=1e-6)


@given(n=st.integers(1, 60), level=st.floats(0.01, 0.99), seed=SEEDS)
def test_half_width_holds_its_share_of_the_errors(n, level, seed):
    errors = np.random.default_rng(seed).standard_normal(n)
    width = half_width(errors, level)
    inside = (np.abs(errors) <= width).sum()
    assert inside >= min(n, (n + 1) * level - 1e-9)
    assert inside - 1 < (n + 1) * level  # and it is the smallest that does


def test_half_width_at_a_whole_number_of_errors():
    """Of 99 errors 55 are inside at level 0.55, though 100 · 0.55 > 55 in floating point."""
    assert 100 * 0.55 > 55
    assert half_width(np.arange(1.0, 100.0), 0.55) == 55


def test_half_widths_of_exchangeable_errors_cover_what_they_say():
    """Over many draws the next error is inside with probability k / (n + 1)."""
    rng = np.random.default_rng(0)
    draws = rng.standard_t(3, size=(20000, 20))
    inside = [abs(d[19]) <= half_width(d[:19], 0.9) for d in draws]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.01)  # 18 of 20; deviation 0.002


def test_adaptive_intervals_hold_their_level_where_errors_grow():
    """Fixed quantiles do not: five series whose errors double in the end."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        size = np.r_[np.ones(200), np.linspace(1, 4, 400)]
        errors = (size * rng.standard_normal(600))[:, None]
        came = errors[200:]
        by_rate = {}
        for rate in (0.0, 0.05):
            width = adaptive_half_widths(errors, 200, 0.9, rate)
            by_rate[rate] = coverage(-width, width, came)[0]
        assert by_rate[0.05] == pytest.approx(0.9, abs=0.03)
        assert by_rate[0.0] < 0.85


@pytest.mark.parametrize("factor", [0.95, 1.02, 1.2])
@pytest.mark.parametrize("h", [1, 3])
def test_adaptive_intervals_hold_their_level_where_every_error_is_the_largest_yet(factor, h):
    """Or the smallest: in the long run, though each error is outside all that was seen."""
    errors = (factor ** np.arange(1500.0))[:, None].repeat(h, axis=1)
    width = adaptive_half_widths(errors, 100, 0.9)
    assert (errors[100:] <= width).mean(axis=0) == pytest.approx(0.9, abs=0.02)


@given(seed=SEEDS, h=st.integers(1, 4), level=st.sampled_from([0.5, 0.8, 0.9]))
@settings(max_examples=40)
def test_adaptive_coverage_is_bounded_whatever_the_errors_do(seed, h, level):
    """By what the level can have moved: from 0 to how far an error exceeds all known ones."""
    rng = np.random.default_rng(seed)
    errors = np.exp(rng.normal(scale=rng.uniform(0, 3), size=200).cumsum() * rng.choice([0.1, 1]))
    start, rate, K = 20, 0.2, 180 - h
    width = adaptive_half_widths(errors[:, None].repeat(h, axis=1), start, level, rate)[:, -1]
    largest = np.maximum.accumulate(errors)[start - h : -h]
    excess = max(1.0, (errors[start:] / largest).max())
    share = (errors[start:] > width)[:K].mean()
    assert abs(share - (1 - level)) <= (excess + rate * h) / (rate * K)


@given(seed=SEEDS, factor=st.floats(1e-3, 1e3))
def test_adaptive_widths_are_in_the_unit_of_the_errors(seed, factor):
    errors = np.random.default_rng(seed).standard_t(2, size=(60, 3))
    width = adaptive_half_widths(errors, 20, 0.9)
    assert (width >= 0).all()
    assert adaptive_half_widths(factor * errors, 20, 0.9) == pytest.approx(factor * width)
    assert np.array_equal(adaptive_half_widths(-errors, 20, 0.9), width)


def test_adaptive_levels_by_hand():
    """At horizon 2 an outcome counts two origins later: the level goes up after a miss.

    Above 1 it is how often the interval reaches as far as the largest known error.
    """
    errors = np.array([1.0, 2, 1, 1, 4, 8, 20, 1, 1, 1, 1, 1])[:, None].repeat(2, axis=1)
    widths = adaptive_half_widths(errors, 4, 0.5, rate=0.8)[:, 1]
    # known:     3 errors  4    5 with 4  6 with 8  7 with 20
    levels = [0.5, 0.5, 0.9, 1.3, 1.7, 1.3, 0.9, 0.5]
    expected = [1, 1, 4, 1.3 * 8, 1.7 * 20, 1.3 * 20, 20, 1]
    assert len(levels) == len(widths)
    assert widths == pytest.approx(expected)


def test_a_level_of_nothing_is_no_width():
    """Outcomes that are always inside lower the level to 0, where none is."""
    widths = adaptive_half_widths(np.r_[5.0, np.ones(9)][:, None], 1, 0.5, rate=0.5)[:, 0]
    assert widths == pytest.approx([5, 1, 0, 1, 0, 1, 0, 1, 0])


@given(h=st.integers(1, 4), seed=SEEDS)
@settings(max_examples=30)
def test_no_interval_knows_the_future(h, seed):
    """The width at origin o uses errors at horizon h of the origins up to o − h."""
    rng = np.random.default_rng(seed)
    errors = rng.standard_normal((30, 4))
    widths = adaptive_half_widths(errors, 10, 0.8)
    o = int(rng.integers(10, 30))
    changed = errors.copy()
    changed[o - h + 1 :, h - 1] *= 100
    assert np.array_equal(adaptive_half_widths(changed, 10, 0.8)[: o - 9, h - 1],
                          widths[: o - 9, h - 1])  # fmt: skip


def test_spans_by_hand():
    series = np.array([[9.0, 0], [1, 5], [4, 7], [3, 6], [100, 100]])
    forecasts = np.array([[[2.0, 6], [3, 6]], [[8, 9], [-1, 7]]])
    assert np.array_equal(spans(series, [3, 4], forecasts, 2), [[3, 2], [9, 3]])


@given(seed=SEEDS)
def test_no_error_exceeds_its_span_and_the_change(seed):
    """However wild the forecasts; and what comes after the origin does not count."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((40, 1)).cumsum(axis=0)
    origins = range(10, 37)
    wild = rng.standard_cauchy(size=(len(origins), 4, 1))
    span = spans(y, origins, wild, 6)
    change = np.abs(outcomes(y, origins, 4) - y[9:36, None])
    assert (np.abs(outcomes(y, origins, 4) - wild) <= span[:, None] + change + 1e-9).all()
    later = np.concatenate([y[:20], rng.standard_normal((20, 1))])
    assert np.array_equal(spans(later, origins[:11], wild[:11], 6), span[:11])


@pytest.mark.parametrize("anchored", [False, True])
def test_scaling_is_measured_on_the_training_part_alone(anchored):
    y = season(100)
    other = y.copy()
    other[60:] = 1000 * y[60:] + 7
    options = {"lag": 12, "horizon": 4, "anchored": anchored}
    ours, theirs = training_data(y, 60, **options), training_data(other, 60, **options)
    assert np.array_equal(ours.train.x, theirs.train.x)
    assert np.array_equal(ours.train.y, theirs.train.y)
    assert np.array_equal(ours.scaling.scale, theirs.scaling.scale)
    values = np.concatenate([ours.train.x, ours.train.y])
    assert values.std() == pytest.approx(1, abs=1e-5)
    if anchored:
        assert not ours.train.x[-1].any()
    else:
        assert values.mean() == pytest.approx(0, abs=1e-5)


def test_no_window_crosses_into_the_validation_targets():
    """Each step names itself: what is trained on ends before 60, what is validated on begins."""
    y = np.arange(100.0)[:, None]
    data = training_data(y, 60, lag=12, horizon=4, anchored=False)
    steps = [
        np.rint(part.astype(float) * data.scaling.scale + data.scaling.centre)
        for part in (data.train.x, data.train.y, data.valid.x, data.valid.y)
    ]
    assert [(part.min(), part.max()) for part in steps] == [(0, 55), (12, 59), (48, 95), (60, 99)]


def test_anchored_forecasts_move_with_the_level(trained):
    lstm, y, _ = trained
    assert lstm(y + 1000) == pytest.approx(lstm(y) + 1000, abs=1e-9)


def test_one_history_or_many_windows(trained):
    lstm, y, _ = trained
    windows = np.stack([y[o - 12 : o] for o in range(20, 30)], axis=1)
    together = lstm.after_windows(windows)
    for b, o in enumerate(range(20, 30)):
        assert lstm(y[:o]) == pytest.approx(together[:, b], abs=1e-5)


def test_training_is_reproducible_and_leaves_the_generator_alone():
    import torch

    y = season(80)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    a, b, c = (
        train_lstm(y, 60, lag=6, horizon=3, hidden_size=4, epochs=2, seed=seed)[0](y)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert torch.equal(before, torch.get_rng_state())


def test_the_seed_draws_the_first_weights():
    """With hardly any training and one batch an epoch, nothing else differs."""
    y = season(40)
    a, b = (
        train_lstm(y, 30, lag=6, horizon=3, hidden_size=4, epochs=1, lr=1e-12, seed=seed)[0](y)
        for seed in (1, 2)
    )
    assert np.abs(a - b).max() > 1e-3


def test_it_learns_a_season():
    """Three seeds: better than repeating the last period, whose noise counts twice."""
    y = season(400, noise=0.3)
    origins = range(300, 389)
    scale = seasonal_scale(y[:240], 12)
    naive = scaled_errors(
        rolling_forecasts(seasonal_naive(12, 12), y, origins), outcomes(y, origins, 12), scale
    )
    for seed in range(3):
        lstm, _ = train_lstm(y[:300], 240, lag=24, horizon=12, epochs=40, seed=seed)
        error = scaled_errors(
            rolling_forecasts(lstm, y, origins), outcomes(y, origins, 12), scale
        )  # fmt: skip
        assert error.mean() < 0.9 * naive.mean()


def test_bad_input(trained):
    lstm, y, _ = trained
    bad = y.copy()
    bad[30] = np.nan
    cases = [
        (lambda: lstm(y[:5]), "at least 12 steps with 1 features, got shape"),
        (lambda: lstm(np.hstack([y, y])), "at least 12 steps with 1 features, got shape"),
        (lambda: lstm(bad[:32]), "expected finite numbers in the history"),
        (lambda: training_data(bad, 60, lag=12, horizon=4), "got nan at step 31, column 1"),
        (lambda: training_data(y[:17], 15, lag=12, horizon=4), "at least lag .* = 16 steps"),
        (lambda: training_data(y, 118, lag=12, horizon=4), "horizon = 4 to validate on"),
        (lambda: training_data(0 * y + 5, 60, lag=12, horizon=4), "column 1 is 5 throughout"),
        (lambda: seasonal_naive(0, 3), "expected period and m from 1 up, got 0 and 3"),
        (lambda: seasonal_naive(12, 3)(y[:5]), "at least 12 steps, got 5"),
        (lambda: exponential_smoothing(y[:20], 12, 3), "two periods and 10 steps, got 20"),
        (lambda: exponential_smoothing(0 * y, 12, 3), "a series that varies, got 0.0"),
        (lambda: seasonal_scale(y, 120), "a period from 1 to 119, got 120"),
        (lambda: seasonal_scale(0 * y, 12), "changes from period to period"),
        (lambda: rolling_forecasts(lstm, y, []), "origins from 1 to 120, got"),
        (lambda: rolling_forecasts(lstm, y, [0]), "origins from 1 to 120, got"),
        (lambda: outcomes(y, [118], 4), "from 0 to 116, so that m = 4 steps come .* got .118."),
        (lambda: outcomes(y, [-3], 4), "from 0 to 116, .* got .-3."),
        (lambda: outcomes(y, [], 4), "from 0 to 116, .* got ..$"),
        (lambda: half_width(np.zeros(0), 0.9), "at least one error, got none"),
        (lambda: adaptive_half_widths(y, 0, 0.9), "start from m = 1 to 119, got 0"),
        (lambda: adaptive_half_widths(y, 120, 0.9), "start from m = 1 to 119, got 120"),
        (lambda: adaptive_half_widths(y, 5, 1.0), "expected 0 < level < 1"),
        (lambda: adaptive_half_widths(y, 5, 0.9, -0.1), "and rate >= 0, got 0.9 and -0.1"),
        (lambda: spans(y, [5], y[None, :4], 6), "origins from n = 6 to 120, got .5."),
        (lambda: spans(y, [121], y[None, :4], 6), "origins from n = 6 to 120, got .121."),
        (lambda: spans(y, [5], y[None, :4], 0), "origins from n = 0 to 120, got .5."),
        (lambda: spans(0 * y, [7], 0 * y[None, :4], 6), "the same 6 before origin 7 and after"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()


def test_features_of_a_multivariate_series_have_their_own_scale():
    y = np.hstack([season(100), 1000 * season(100, seed=1)])
    x = np.stack([y[:12], y[12:24]], axis=1)
    scaling = Scaling.measure(x, x, anchored=False)
    assert scaling.scale[1] / scaling.scale[0] == pytest.approx(1000, rel=0.1)
