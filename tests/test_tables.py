"""Tables say what the arrays are, and refuse what would be ambiguous."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.numpy import LSTM, MLP
from lstmlib.tables import Table, comparison_table, shape_table


def test_shapes_of_an_lstm():
    params = LSTM(3, 5, rng=np.random.default_rng(0)).params
    table = shape_table(params, D=3, H=5)
    assert table.header == ("name", "axes", "shape")
    assert set(table.rows) == {
        ("W_x", "(4H, D)", "(20, 3)"),
        ("W_h", "(4H, H)", "(20, 5)"),
        ("b", "(4H,)", "(20,)"),
    }


def test_shapes_without_hidden_units_and_with_axes_that_have_no_letter():
    table = shape_table({"x": np.zeros((7, 6)), "loss": np.array(1.0)}, B=7, D=3)
    assert table.rows == (("x", "(B, 6)", "(7, 6)"), ("loss", "()", "()"))


@given(sizes=st.lists(st.integers(1, 40), min_size=3, max_size=3))
def test_letters_stand_for_the_numbers_or_are_refused(sizes):
    D, H, K = sizes
    params = MLP([D, H, K], rng=np.random.default_rng(0)).params
    letters = {"D": D, "H": H, "K": K, "2H": 2 * H, "3H": 3 * H, "4H": 4 * H}
    ambiguous = any(list(letters.values()).count(n) > 1 for n in sizes)
    if ambiguous:
        with pytest.raises(ValueError, match="choose sizes that differ"):
            shape_table(params, D=D, H=H, K=K)
        return
    for name, axes, shape in shape_table(params, D=D, H=H, K=K).rows:
        assert shape == str(params[name].shape)
        assert tuple(letters[a] for a in re.findall(r"\w+", axes)) == params[name].shape


def test_two_letters_for_one_axis():
    with pytest.raises(ValueError, match=r"axis of W1, of shape \(2, 2\), is D or H: all are 2"):
        shape_table({"W1": np.zeros((2, 2))}, D=2, H=2)
    with pytest.raises(ValueError, match="is B or 2H: all are 4"):
        shape_table({"a": np.zeros((4, 2))}, B=4, H=2)


def test_comparison():
    theirs = {name: np.array([1.0, -4.0]) for name in ("same", "rounded", "wrong")}
    ours = {name: a.copy() for name, a in theirs.items()}
    ours["rounded"][0] += 1e-15
    ours["wrong"][0] += 0.2
    table = comparison_table(ours, theirs)
    assert table.header == ("name", "exact", "approximate", "largest difference")
    assert table.rows == (
        ("same", "yes", "yes", "0"),
        ("rounded", "no", "yes", "below 1e-12"),
        ("wrong", "no", "no", "5.0e-02"),  # relative to the largest entry, 4
    )
    assert comparison_table(ours, theirs, tolerance=0.1).rows[2][1:] == ("no", "yes", "below 1e-01")


@given(error=st.floats(1e-14, 1), scale=st.floats(1e-3, 1e3))
def test_the_tolerance_is_relative_to_the_largest_entry(error, scale):
    theirs = {"a": scale * np.array([[0.0, -1.0], [0.5, 0.25]])}
    ours = {"a": theirs["a"] + scale * error * np.array([[1, 0], [0, 0]])}
    loose, tight = (comparison_table(ours, theirs, tolerance=t) for t in (2 * error, error / 2))
    assert loose.rows[0][2] == "yes"
    assert tight.rows[0][2] == "no"


def test_nothing_but_zeros_and_nothing_at_all():
    zeros = {"a": np.zeros(3), "empty": np.zeros((0, 2))}
    rows = comparison_table(zeros, zeros).rows
    assert rows == (("a", "yes", "yes", "0"), ("empty", "yes", "yes", "0"))


def test_nan_is_no_agreement():
    rows = comparison_table({"a": np.array([np.nan])}, {"a": np.array([1.0])}).rows
    assert rows == (("a", "no", "no", "nan"),)


def test_comparison_bad_input():
    with pytest.raises(ValueError, match="ours has a; theirs has b"):
        comparison_table({"a": np.ones(1)}, {"b": np.ones(1)})
    with pytest.raises(ValueError, match=r"a has shape \(2,\) in ours, \(1, 2\) in theirs"):
        comparison_table({"a": np.ones(2)}, {"a": np.ones((1, 2))})


def test_how_a_table_is_shown():
    table = Table(("name", "axes"), (("W_x", "(4H, D)"), ("b", "(4H,) & more")))
    assert repr(table).splitlines() == ["name  axes", "W_x   (4H, D)", "b     (4H,) & more"]
    shown = table._repr_html_()
    assert shown.count("<tr>") == 3
    assert '<th scope="col">axes</th>' in shown
    assert '<th scope="row"><code>W_x</code></th><td>(4H, D)</td>' in shown
    assert "(4H,) &amp; more" in shown


def test_an_empty_corner_of_a_table_is_no_header():
    shown = Table(("", "loss"), (("LSTM", "1"),))._repr_html_()
    assert '<thead><tr><td></td><th scope="col">loss</th></tr></thead>' in shown
