"""The drawings of recurrent networks show the steps, the arrows and the weights they were given."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

from lstmlib import plots
from lstmlib.plots._style import BLUE, VERMILLION

RNG = np.random.default_rng(2)


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def arrows(fig):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, FancyArrowPatch)]


@pytest.mark.parametrize(
    ("inputs", "outputs"), [([0], [0]), ([0, 1, 2], [2]), ([0, 1], [2, 3, 4]), ([0], [0, 9])]
)
def test_a_task_has_its_steps(inputs, outputs):
    fig = plots.sequence_tasks({"other": ([0], [0]), "task": (inputs, outputs)})
    steps = max(inputs + outputs) + 1
    shown = texts(fig)
    assert {"other", "task"} <= set(shown)
    assert sum("x_" in text for text in shown) == 1 + len(inputs)
    assert sum("y_" in text for text in shown) == 1 + len(outputs)
    assert sum("h_" in text for text in shown) == 1 + steps
    assert len(arrows(fig)) == 2 + len(inputs) + len(outputs) + steps - 1


def test_everything_is_on_the_card():
    fig = plots.sequence_tasks({f"a task {k}": (range(T), [0]) for k, T in enumerate([1, 3, 4, 9])})
    FigureCanvasAgg(fig)
    ax = fig.axes[0]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for text in ax.texts:
        box = text.get_window_extent(fig.canvas.get_renderer()).transformed(ax.transData.inverted())
        assert left <= box.x0 <= box.x1 <= right
        assert bottom <= box.y0 <= box.y1 <= top


@pytest.mark.parametrize("steps", [2, 5])
def test_the_weights_are_the_same_at_every_step(steps):
    shown = texts(plots.unrolled(steps))
    for weight in ("$W_x$", "$W_h$", "$W$"):
        assert shown.count(weight) == steps + 1  # and once in the folded network
    assert {f"$h_{{{t}}}$" for t in range(1, steps + 1)} | {"$h_0$"} <= set(shown)


def test_every_weight_is_an_arrow():
    W_x, W_h, b = RNG.normal(size=(2, 2)), RNG.normal(size=(2, 2)), RNG.normal(size=2)
    fig = plots.wiring(W_x, W_h, b)
    shown = " ".join(texts(fig)).replace("−", "-")
    for a in (W_x, W_h, b):
        for value in a.flat:
            assert f"{value:.2f}" in shown
    weights = np.concatenate([np.concatenate([W_h[j], W_x[j]]) for j in range(2)])
    drawn = [arrow for arrow in arrows(fig) if to_hex(arrow.get_edgecolor()) in (BLUE, VERMILLION)]
    assert len(drawn) == len(weights)
    for arrow, w in zip(drawn, weights, strict=True):
        assert to_hex(arrow.get_edgecolor()) == (BLUE if w >= 0 else VERMILLION)
        assert arrow.get_linestyle() == ("-" if w >= 0 else "--")
    order = np.argsort(np.abs(weights))
    assert np.all(np.diff([drawn[k].get_linewidth() for k in order]) >= 0)


def test_bad_arguments():
    with pytest.raises(ValueError, match="at least one task"):
        plots.sequence_tasks({})
    with pytest.raises(ValueError, match="task 'a': expected steps from 0 with an input"):
        plots.sequence_tasks({"a": ([], [0])})
    with pytest.raises(ValueError, match="task 'a': expected at most 10 steps, got 11"):
        plots.sequence_tasks({"a": ([0], [10])})
    with pytest.raises(ValueError, match="expected 2 to 5 steps, got 1"):
        plots.unrolled(1)
    with pytest.raises(ValueError, match="at most 2 units and 2 inputs, got H = 3 and D = 1"):
        plots.wiring(np.ones((3, 1)), np.ones((3, 3)), np.ones(3))
    with pytest.raises(TypeCheckError, match="W_h"):
        plots.wiring(np.ones((2, 1)), np.ones((1, 2)), np.ones(2))
