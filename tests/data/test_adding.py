import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.data import adding


@given(st.integers(2, 9), st.integers(1, 9), st.integers(0, 99))
def test_one_mark_in_each_half_and_their_sum(T, B, seed):
    x, y = adding(T, B, rng=np.random.default_rng(seed))
    assert x.shape == (T, B, 2)
    assert y.shape == (B, 1)
    for b in range(B):
        first, second = np.flatnonzero(x[:, b, 1] == 1)
        assert first < T // 2 <= second
        assert np.count_nonzero(x[:, b, 1]) == 2
        assert y[b, 0] == pytest.approx(x[first, b, 0] + x[second, b, 0])


def test_numbers_are_uniform_and_marks_fall_everywhere():
    x, y = adding(5, 100_000, rng=np.random.default_rng(0))
    assert 0 <= x[..., 0].min() < 0.001
    assert 0.999 < x[..., 0].max() < 1
    np.testing.assert_allclose(
        x[..., 1].mean(axis=1), [1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], atol=0.01
    )
    assert abs(np.mean((y - 1) ** 2) - 1 / 6) < 0.002


def test_the_generator_decides_everything():
    first, again, other = (adding(5, 4, rng=np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("T", "B"), [(1, 1), (0, 1), (2, 0)])
def test_no_steps_or_no_sequences(T, B):
    with pytest.raises(ValueError, match=f"got T = {T} and B = {B}"):
        adding(T, B, rng=np.random.default_rng(0))
