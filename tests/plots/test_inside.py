"""Text and digits are drawn whole, with the values they were given."""

import numpy as np
import pytest

from lstmlib import plots

RNG = np.random.default_rng(4)


def test_gates_have_a_row_a_unit_and_a_column_a_character():
    gates = RNG.random((3, 6))
    ax = plots.gates_along_text(gates, "to be\n", ["1", "22", "333"]).axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), gates)
    assert [label.get_text() for label in ax.get_xticklabels()] == list("to␣be↵")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "22", "333"]


@pytest.mark.parametrize("columns", [3, 10])
def test_a_painted_text_can_be_read(columns):
    text = "To be,\nor not"
    values = np.linspace(-1, 2, len(text))
    ax = plots.painted_text(values, text, columns=columns).axes[0]
    assert "".join(t.get_text() or " " for t in ax.texts) == text.replace("\n", "↵")
    cells = np.asarray(ax.images[0].get_array())
    for sign, value in zip(ax.texts, values, strict=True):
        column, row = (int(place) for place in sign.get_position())
        assert column < columns
        assert cells[row, column] == value


def test_a_digit_has_its_gradient_below_it():
    images, gradients = RNG.integers(0, 256, (2, 9, 7)), RNG.normal(size=(2, 9, 7))
    fig = plots.digit_saliency(images, gradients, ["3", "5"])
    for k in range(2):
        np.testing.assert_array_equal(fig.axes[k].images[0].get_array(), images[k])
        np.testing.assert_array_equal(fig.axes[2 + k].images[0].get_array(), gradients[k])
        sizes = np.linalg.norm(gradients[k], axis=1)
        bars = [bar.get_width() for bar in fig.axes[4 + k].patches]
        np.testing.assert_allclose(bars, sizes / sizes.max())


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="expected 2 names and 3 characters, got 2 and 2"):
        plots.gates_along_text(np.ones((2, 3)), "ab", ["1", "2"])
    with pytest.raises(ValueError, match="got 2 and 3 characters"):
        plots.painted_text(np.ones(2), "abc")
    with pytest.raises(ValueError, match="as many titles, got 1, 2"):
        plots.digit_saliency(np.ones((1, 3, 3)), np.ones((1, 3, 3)), ["1", "2"])
