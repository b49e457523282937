"""The graph over a few steps: each number where it belongs, a path for each pair of steps."""

from collections import Counter

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lstmlib.plots import _style, gradient_paths, step_graph


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


@pytest.mark.parametrize("T", [1, 3, 4])
def test_every_state_and_loss_is_written(T):
    states, losses = np.arange(T + 1) - 0.5, np.arange(T) + 0.25
    shown = texts(step_graph(states, losses))
    assert shown.count("$w$") == T
    for t in range(T + 1):
        assert f"$h_{t}$\n{t - 0.5:g}".replace("-", "\N{MINUS SIGN}") in shown
    for t in range(1, T + 1):
        assert f"$e_{t}$\n{t - 1 + 0.25:g}" in shown


@pytest.mark.parametrize("T", [1, 2, 3, 4])
def test_a_loss_has_a_path_to_each_step_before_it(T):
    fig = gradient_paths(np.tril(np.ones((T, T))))
    segments = Counter(
        to_rgb(line.get_color()) for line in fig.axes[0].lines if len(line.get_xdata()) == 2
    )
    for t in range(1, T + 1):
        # the path from e_t to the copy at s: down, t - s steps back, down
        expected = sum(1 + (t - s) + 1 for s in range(1, t + 1))
        assert segments[to_rgb(_style.LINES[t - 1][0])] == expected


def test_contributions_stand_below_their_step():
    amounts = np.array([[2.0, 0, 0], [-1, -2, 0], [-0.25, -0.5, -0.5]])
    at = {text.get_text(): text.get_position() for text in gradient_paths(amounts).axes[0].texts}
    columns = {}
    for t, s in [(1, 1), (2, 1), (3, 1), (2, 2), (3, 3)]:
        sign = "+" if amounts[t - 1, s - 1] > 0 else "\N{MINUS SIGN}"
        columns.setdefault(s, set()).add(at[f"$e_{t}$: {sign}{abs(amounts[t - 1, s - 1]):g}"][0])
    assert all(len(places) == 1 for places in columns.values())
    assert list(np.ravel([list(columns[s]) for s in (1, 2, 3)])) == [
        at[f"$e_{s}$"][0] for s in (1, 2, 3)
    ]


def test_what_they_refuse():
    with pytest.raises(ValueError, match="expected 3 states for 2 losses, got 2"):
        step_graph([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="expected 1 to 4 steps, got 5"):
        gradient_paths(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="expected 0 above the diagonal"):
        gradient_paths(np.ones((2, 2)))
