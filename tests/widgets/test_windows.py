"""Windows over a series: what cannot be shown, and what is said of a single step."""

import numpy as np
import pytest

from lstmlib.widgets import Windows

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike


@pytest.mark.parametrize(
    ("series", "lag", "message"),
    [
        (np.zeros(1), 1, "expected a series of 2 to 24 steps, got 1"),
        (np.zeros(25), 1, "expected a series of 2 to 24 steps, got 25"),
        (np.full(4, np.nan), 1, "expected finite numbers in series, got"),
        (np.zeros(4), 3, "expected lag and horizon from 1 to 2, half of the 4 steps, got 3 and 1"),
    ],
)
def test_what_cannot_be_shown_is_refused(series, lag, message):
    with pytest.raises(ValueError, match=message):
        Windows(series, lag, 1)


def test_one_step_is_called_a_step():
    figure = Windows(np.arange(4.0), 2, 1)
    state = figure.state(window=2)
    assert figure.describe(state, figure.compute(state)).startswith(
        "Window j = 2 of 2: X, the input, is steps 2 to 3; Y, the target, is step 4. "
    )


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["windows"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(EXAMPLES["windows"].figure, changes, shown)
