import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from lstmlib.data import windows


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 12), st.integers(0, 3))
def test_windows_agree_with_a_plain_loop(n, m, more, features):
    N = n + m + more
    shape = (N, features) if features else (N,)
    series = np.random.default_rng(0).normal(size=shape)
    x, y = windows(series, n, m)
    assert x.shape == (n, more + 1, max(features, 1))
    assert y.shape == (m, more + 1, max(features, 1))
    steps = series.reshape(N, -1)
    for b in range(more + 1):
        for t in range(n):
            np.testing.assert_array_equal(x[t, b], steps[b + t])
        for t in range(m):
            np.testing.assert_array_equal(y[t, b], steps[b + n + t])


def test_windows_are_copies_of_the_same_dtype():
    series = np.arange(10, dtype=np.float32)
    x, y = windows(series, 3, 2)
    assert x.dtype == y.dtype == np.float32
    x[:] = y[:] = -1
    np.testing.assert_array_equal(series, np.arange(10))


def test_windows_longer_than_the_series_are_refused():
    assert windows(np.zeros(5), 3, 2)[0].shape == (3, 1, 1)
    with pytest.raises(ValueError, match=r"n \+ m = 3 \+ 2 = 5 steps, got a series of 4"):
        windows(np.zeros(4), 3, 2)
    with pytest.raises(ValueError, match="got a series of 0"):
        windows(np.zeros(0), 3, 2)


@pytest.mark.parametrize(("n", "m"), [(0, 1), (1, 0), (-1, 3)])
def test_windows_without_steps_are_refused(n, m):
    with pytest.raises(ValueError, match=f"got n = {n}, m = {m}"):
        windows(np.zeros(9), n, m)


@pytest.mark.parametrize("series", [np.zeros((9, 2, 1)), np.zeros(9, complex), [1.0] * 9])
def test_a_series_is_an_array_of_floats_on_one_or_two_axes(series):
    with pytest.raises(TypeCheckError, match="series"):
        windows(series, 2, 1)
