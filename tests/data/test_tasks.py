import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.data import latch


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_the_first_input_tells_the_class(T, B, seed):
    x, y = latch(T, B, rng=np.random.default_rng(seed))
    assert x.shape == (T, B, 1)
    assert x.dtype == np.float64
    assert y.dtype == np.int64
    np.testing.assert_array_equal(x[0, :, 0], np.where(y == 1, 1.0, -1.0))


def test_what_follows_is_noise_that_knows_nothing_of_the_class():
    x, y = latch(3, 100_000, rng=np.random.default_rng(0))
    assert abs(y.mean() - 0.5) < 0.01
    noise = x[1:, :, 0]
    assert abs(noise.mean()) < 0.005
    assert abs(noise.std() - 0.3) < 0.005
    for step in noise:
        assert abs(step[y == 1].mean() - step[y == 0].mean()) < 0.01
    assert abs(np.corrcoef(noise)[0, 1]) < 0.01


def test_the_generator_decides_everything():
    first, again, other = (latch(5, 4, rng=np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("T", "B"), [(0, 1), (1, 0), (-1, 3)])
def test_no_steps_or_no_sequences(T, B):
    with pytest.raises(ValueError, match=f"got T = {T} and B = {B}"):
        latch(T, B, rng=np.random.default_rng(0))
