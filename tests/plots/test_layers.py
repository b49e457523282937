"""The drawn network shows its own numbers and shapes; the planes show the points they got."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from matplotlib.patches import Circle, FancyArrowPatch

from lstmlib import plots


def network(B, D, H, K):
    rng = np.random.default_rng(B + 10 * D + 100 * H + 1000 * K)
    return [rng.normal(size=shape) for shape in [(B, D), (H, D), (H,), (K, H), (K,)]]


@pytest.mark.parametrize(("B", "D", "H", "K"), [(4, 2, 2, 1), (5, 3, 2, 1), (1, 1, 3, 3)])
def test_hidden_layer_shows_every_weight_and_shape(B, D, H, K):
    arrays = x, W1, b1, W2, b2 = network(B, D, H, K)
    (ax,) = plots.hidden_layer(*arrays).axes
    shown = [text.get_text() for text in ax.texts]
    for w in [*W1.ravel(), *W2.ravel()]:
        written = [s for s in shown if s.replace("−", "-").lstrip("-").replace(".", "").isdigit()]
        assert any(abs(float(s.replace("−", "-")) - w) <= 0.0051 for s in written)
    for b in [*b1, *b2]:
        biases = [float(s[5:].replace("−", "-")) for s in shown if s.startswith("bias ")]
        assert any(abs(bias - b) <= 0.0051 for bias in biases)
    for line in (
        f"x\n{x.shape}", f"W1\n{W1.shape}", f"b1 {b1.shape}\na1 {(B, H)}", f"W2\n{W2.shape}",
        f"b2 {b2.shape}\ny {(B, K)}",
    ):  # fmt: skip
        assert line in shown
    assert sum(isinstance(patch, Circle) for patch in ax.patches) == D + H + K
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == W1.size + W2.size
    negative = sum((W < 0).sum() for W in (W1, W2))
    assert sum(arrow.get_linestyle() == "--" for arrow in arrows) == negative


def test_hidden_layer_bad_input():
    x, _, b1, W2, b2 = network(4, 2, 2, 1)
    with pytest.raises(ValueError, match="at most 3 inputs, units and outputs.*got 4, 2 and 1"):
        plots.hidden_layer(*network(4, 4, 2, 1))
    with pytest.raises(TypeCheckError, match=r"f64\[3,2\]"):
        plots.hidden_layer(x, np.ones((3, 2)), b1, W2, b2)


def test_two_planes_show_the_points_and_the_line():
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    a = np.array([[0.0, 0], [1, 0], [1, 0], [2, 1]])
    classes = np.array([0, 1, 1, 0])
    u, v, c = 1.0, -2.0, -0.5
    left, right = plots.two_planes(x, a, classes, (u, v, c)).axes
    for ax, points in ((left, x), (right, a)):
        for k in (0, 1):
            drawn = {tuple(p) for p in ax.lines[k].get_xydata()}
            assert drawn == {tuple(p) for p in points[classes == k]}
    assert [text.get_text() for text in right.texts] == ["2×"]
    assert [text.get_text() for text in left.texts] == []
    first, second = right.lines[-1].get_xy1(), right.lines[-1].get_xy2()
    for p in (first, second):
        assert u * p[0] + v * p[1] + c == pytest.approx(0, abs=1e-12)
    assert tuple(first) != tuple(second)


def test_two_planes_bad_input():
    x, classes = np.ones((3, 2)), np.array([0, 1, 1])
    with pytest.raises(ValueError, match="u = v = 0 is no line"):
        plots.two_planes(x, x, classes, (0, 0, 1))
    with pytest.raises(ValueError, match="classes from 0 to 3"):
        plots.two_planes(x, x, classes + 3, (1, 0, 0))
    with pytest.raises(TypeCheckError, match=r"parameter 'a'"):
        plots.two_planes(x, x[:2], classes, (1, 0, 0))
