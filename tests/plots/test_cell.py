"""The pictures of the LSTM cell show the numbers that they were given, and no others."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from lstmlib import plots
from lstmlib.plots._style import BLUE, INK

NAMES = ["c_prev", "h_prev", "x", "f", "i", "g", "f*c_prev", "i*g", "c", "tanh(c)", "o", "h"]


def columns(fig):
    """The numbers of each text that holds any, with its colour."""
    found = [(text.get_text().replace("−", "-"), text.get_color()) for text in fig.axes[0].texts]
    numbers = [(re.findall(r"^-?\d+\.\d\d$", said, re.MULTILINE), color) for said, color in found]
    return [(column, color) for column, color in numbers if column]


@given(known=st.sets(st.sampled_from(NAMES), min_size=1), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_cell_shows_what_is_known(known, seed):
    rng = np.random.default_rng(seed)
    known = sorted(known)
    values = {name: rng.normal(size=rng.integers(1, 4)) for name in known}
    shown = columns(plots.lstm_cell(values, new=known[:1]))
    expected = [
        ([f"{v:.2f}" for v in value], BLUE if name == known[0] else INK)
        for name, value in values.items()
    ]
    assert sorted(shown) == sorted(expected)


def test_cell_grows_with_what_is_known():
    def coloured(*names):
        fig = plots.lstm_cell({name: np.zeros(2) for name in NAMES}, new=names)
        return sum(to_hex(patch.get_edgecolor()) == BLUE for patch in fig.axes[0].patches)

    assert coloured() == 0
    assert coloured("f") == 1
    assert coloured("f", "h") == 2


@pytest.mark.parametrize(("values", "new"), [({"z": 1}, []), ({"f": 1}, ["i"])])
def test_cell_bad_names(values, new):
    values = {name: np.array([1.0]) for name in values}
    with pytest.raises(ValueError, match=r"expected values among c_prev.*; got [zi]"):
        plots.lstm_cell(values, new)


@given(
    st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(-3, 3)
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_valves_are_as_far_open_as_the_gates(i, f, g, o, c_prev):
    fig = plots.lstm_valves(i, f, g, o, c_prev)
    fills = [patch for patch in fig.axes[0].patches if type(patch) is Rectangle]
    full = 1.1
    assert [fill.get_height() for fill in fills] == pytest.approx([full * v for v in (f, i, o)])
    shown = [float(column[0]) for column, _ in columns(fig)]
    c = f * c_prev + i * g
    assert shown == pytest.approx([c_prev, g, c, o * np.tanh(c)], abs=0.0051)


def test_valves_bad_gate():
    with pytest.raises(ValueError, match=r"between 0 and 1, got \{'f': 1.5\}"):
        plots.lstm_valves(0.5, 1.5, 0.0, 0.5, 1.0)


def test_blocks():
    rng = np.random.default_rng(0)
    D, H = 1, 2
    W_x, W_h, b = rng.normal(size=(4 * H, D)), rng.normal(size=(4 * H, H)), rng.normal(size=4 * H)
    (ax,) = plots.lstm_blocks(W_x, W_h, b).axes
    W = np.asarray(ax.images[0].get_array())
    np.testing.assert_array_equal(W, np.column_stack([W_x, W_h, b]))
    assert [text.get_text().replace("−", "-") for text in ax.texts] == [f"{w:.2f}" for w in W.flat]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["$W_x$ (8, 1)", "$W_h$ (8, 2)", "$b$ (8,)"]
    (large,) = plots.lstm_blocks(np.ones((64, 9)), np.ones((64, 16)), np.ones(64)).axes
    assert not large.texts


def test_blocks_bad_shape():
    with pytest.raises(ValueError, match=r"\(4H, H\), got \(6, 2\)"):
        plots.lstm_blocks(np.ones((6, 1)), np.ones((6, 2)), np.ones(6))
