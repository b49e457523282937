"""Every figure shows what it was given, in the one style, and leaves nothing behind."""

import io
import subprocess
import sys
from xml.etree import ElementTree as ET

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from matplotlib.colors import to_rgb

from lstmlib import plots
from lstmlib.plots import _style

RNG = np.random.default_rng(1)


def pixels(fig):
    """Render at 100 dots an inch: (height, width, 4) in [0, 1]."""
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=100)
    return mpl.image.imread(io.BytesIO(file.getvalue()), format="png")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def tick_labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


# What holds of all of them


def test_every_function_is_tested(drawing):
    assert drawing[0].__name__ in plots.__all__


def test_is_a_white_card_as_wide_as_all(drawing):
    function, arguments = drawing
    fig = function(*arguments)
    image = pixels(fig)
    assert image.shape[1] == pytest.approx(100 * _style.WIDTH, abs=1)
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_array_equal(corners, np.ones((4, 4)))  # opaque white: red, green, blue, alpha
    assert image.min() < 0.5  # something is drawn


def test_notebooks_show_the_same_svg_each_time(drawing):
    function, arguments = drawing
    first, again = (function(*arguments)._repr_mimebundle_(include=None) for _ in range(2))
    assert first == again
    assert set(first) == {"image/svg+xml", "text/plain"}
    root = ET.fromstring(first["image/svg+xml"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [element for element in root.iter() if element.tag.endswith("metadata")]
    assert len(first["image/svg+xml"]) < 200_000  # noise does not compress; a digit takes a tenth


def test_is_the_same_whatever_the_reader_has_set(drawing):
    function, arguments = drawing
    expected = function(*arguments).svg()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "figure.dpi": 30}):
        assert function(*arguments).svg() == expected


def test_leaves_no_setting_and_no_open_figure(drawing):
    function, arguments = drawing
    before = dict(mpl.rcParams.copy())
    function(*arguments).svg()
    assert dict(mpl.rcParams.copy()) == before
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


def test_nothing_else_needs_matplotlib():
    code = """
import sys, lstmlib, lstmlib.numpy, lstmlib.weights
assert "matplotlib" not in sys.modules
import lstmlib.plots
assert "matplotlib" in sys.modules
assert "torch" not in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def luminance(color):
    """Relative luminance of WCAG 2.2."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(
    ("color", "least"),
    [(color, 3) for color, _ in _style.LINES] + [(_style.INK, 4.5), (_style.MUTED, 4.5)],
)
def test_contrast_with_the_card(color, least):
    assert 1.05 / (luminance(color) + 0.05) >= least


# Each of them


def test_loss_curves():
    fig = plots.loss_curves(
        {"training": ([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0]), "validation": ([2, 4], [3.5, 2.5])},
        xlabel="step",
        ylabel="nats",
        references={"guessing": 4.2},
    )
    (ax,) = fig.axes
    *curves, reference = ax.lines
    assert [line.get_label() for line in curves] == ["training", "validation"]
    np.testing.assert_array_equal(curves[0].get_xydata(), [[1, 4], [2, 3], [3, 2], [4, 1]])
    np.testing.assert_array_equal(curves[1].get_xydata(), [[2, 3.5], [4, 2.5]])
    np.testing.assert_array_equal(reference.get_ydata(), [4.2, 4.2])
    assert texts(ax) == ["guessing"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "nats")
    looks = {(line.get_color(), line.get_linestyle()) for line in curves}
    assert len({color for color, _ in looks}) == len({dash for _, dash in looks}) == 2


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({}, "expected 1 to 4 curves, got 0"),
        ({str(k): ([1], [1.0]) for k in range(5)}, "expected 1 to 4 curves, got 5"),
        ({"a": ([1, 2], [1.0])}, r"curve 'a'.*shapes \(1,\) and \(2,\)"),
        ({"a": ([], [])}, r"curve 'a'.*at least one"),
        ({"a": ([1], [1.0], [2.0])}, r"curve 'a': expected \(steps, losses\), got 3"),
    ],
)
def test_loss_curves_bad_input(curves, said):
    with pytest.raises(ValueError, match=said):
        plots.loss_curves(curves)


@given(K=st.integers(1, 4), V=st.integers(1, 20), top=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_next_symbol_bars(K, V, top, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(V), size=K)
    symbols = [f"s{k}" for k in range(V)]
    temperatures = [0.5 * (k + 1) for k in range(K)]
    fig = plots.next_symbol_bars(probabilities, temperatures, symbols, top=top)
    assert [ax.get_title(loc="left") for ax in fig.axes] == [
        f"temperature {temperature:g}" for temperature in temperatures
    ]
    likeliest = sorted(range(V), key=lambda k: -probabilities[0, k])[:top]
    for ax, p in zip(fig.axes, probabilities, strict=True):
        np.testing.assert_array_equal([bar.get_height() for bar in ax.patches], p[likeliest])
    assert tick_labels(fig.axes[-1].xaxis) == [symbols[k] for k in likeliest]


def test_next_symbol_bars_shows_spaces():
    fig = plots.next_symbol_bars(np.array([[0.4, 0.3, 0.2, 0.1]]), [1], " \n\tq")
    assert tick_labels(fig.axes[0].xaxis) == ["␣", "↵", "⇥", "q"]


@pytest.mark.parametrize(
    ("probabilities", "temperatures", "symbols", "said"),
    [
        (np.full((2, 4), 0.25), [1.0], "abcd", "probabilities has 2, temperatures has 1"),
        (np.full((1, 4), 0.25), [1.0], "abc", "expected 4 symbols, got 3"),
        (np.full((1, 4), 0.5), [1.0], "abcd", r"sum to 1, got sums \[2.0\]"),
    ],
)
def test_next_symbol_bars_bad_input(probabilities, temperatures, symbols, said):
    with pytest.raises(ValueError, match=said):
        plots.next_symbol_bars(probabilities, temperatures, symbols)


@given(T=st.integers(1, 30), D=st.integers(1, 30))
@settings(max_examples=20)
def test_digit_as_rows(T, D):
    image = np.random.default_rng(T).integers(1, 256, size=(T, D), dtype=np.uint8)
    whole, rows = plots.digit_as_rows(image).axes
    np.testing.assert_array_equal(whole.images[0].get_array(), image)
    strips = rows.images[0].get_array()
    inked = ~np.isnan(strips.filled(np.nan) if np.ma.isMaskedArray(strips) else strips).all(1)
    np.testing.assert_array_equal(strips[inked][::2], image)
    np.testing.assert_array_equal(strips[inked][1::2], image)
    assert (~inked).sum() == T - 1
    assert tick_labels(rows.yaxis)[0] == "$x_{1}$"
    assert tick_labels(rows.yaxis)[-1] == f"$x_{{{T}}}$"
    assert whole.get_xlabel() == f"{D} pixels"


def test_belief_by_row():
    image = RNG.random((6, 5))
    probabilities = RNG.dirichlet(np.ones(3), size=6)
    left, right, _ = plots.belief_by_row(image, probabilities, ["cat", "dog", "owl"]).axes
    np.testing.assert_array_equal(left.images[0].get_array(), image)
    np.testing.assert_array_equal(right.images[0].get_array(), probabilities)
    assert tick_labels(right.xaxis) == ["cat", "dog", "owl"]
    assert tick_labels(left.yaxis) == ["1", "4", "6"]
    assert (
        left.get_ylim() == right.get_ylim()
    )  # a row of the heat map lies beside its row of pixels


def test_belief_by_row_bad_input():
    with pytest.raises(TypeCheckError, match=r"image.*f64\[6,5\].*probabilities.*f64\[5,3\]"):
        plots.belief_by_row(np.ones((6, 5)), np.ones((5, 3)))
    with pytest.raises(ValueError, match="expected 3 labels, got 2"):
        plots.belief_by_row(np.ones((6, 5)), np.ones((6, 3)), ["a", "b"])


@given(K=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_confusion_matrix(K, seed):
    counts = np.random.default_rng(seed).integers(0, 200, size=(K, K))
    counts[0] = 0  # a class without examples
    (ax,) = plots.confusion_matrix(counts).axes
    drawn = {text.get_position(): text.get_text() for text in ax.texts}
    assert drawn == {(j, k): str(counts[k, j]) for k in range(K) for j in range(K)}
    shares = ax.images[0].get_array()
    for k in range(K):
        for j in range(K):
            row = counts[k].sum()
            assert shares[k, j] == (counts[k, j] / row if k != j and row else 0)
    assert tick_labels(ax.xaxis) == tick_labels(ax.yaxis) == [str(k) for k in range(K)]


def test_confusion_matrix_bad_input():
    with pytest.raises(TypeCheckError, match=r"i64\[2,3\]"):
        plots.confusion_matrix(np.ones((2, 3), dtype=int))
    with pytest.raises(ValueError, match="expected 2 labels, got 1"):
        plots.confusion_matrix(np.ones((2, 2), dtype=int), ["a"])


@given(N=st.integers(1, 14), columns=st.integers(1, 6))
@settings(max_examples=20)
def test_mistakes(N, columns):
    rng = np.random.default_rng(N)
    images = rng.random((N, 4, 3))
    true, predicted = rng.integers(0, 10, size=(2, N))
    fig = plots.mistakes(images, true, predicted, columns=columns)
    shown = [ax for ax in fig.axes if ax.axison]
    assert len(shown) == N
    assert [ax.get_title() for ax in shown] == [
        f"{k} → {j}" for k, j in zip(true, predicted, strict=True)
    ]
    for ax, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)


def test_mistakes_bad_input():
    images, labels = np.ones((3, 4, 4)), np.zeros(3, dtype=int)
    with pytest.raises(TypeCheckError, match=r"'predicted'.\s.*i64\[2\]"):
        plots.mistakes(images, labels, labels[:2])
    with pytest.raises(ValueError, match="at least one image, got none"):
        plots.mistakes(images[:0], labels[:0], labels[:0])


def test_augmentation_grid():
    originals, variants = RNG.random((4, 5, 5)), RNG.random((2, 4, 5, 5))
    fig = plots.augmentation_grid(originals, variants)
    drawn = np.stack([ax.images[0].get_array() for ax in fig.axes])
    np.testing.assert_array_equal(drawn, np.concatenate([originals, *variants]))


def test_augmentation_grid_bad_input():
    with pytest.raises(TypeCheckError, match=r"f64\[4,5,5\].*f64\[2,3,5,5\]"):
        plots.augmentation_grid(np.ones((4, 5, 5)), np.ones((2, 3, 5, 5)))
    with pytest.raises(ValueError, match="at least one variant of one image, got 0 of 4"):
        plots.augmentation_grid(np.ones((4, 5, 5)), np.ones((0, 4, 5, 5)))
