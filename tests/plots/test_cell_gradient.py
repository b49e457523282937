"""The amounts that enter a step stand beside the arrows that carry them."""

from matplotlib.patches import FancyArrowPatch

from lstmlib import plots
from lstmlib.plots._style import BLUE, INK, VERMILLION


def texts(figure):
    return {text.get_text(): text for text in figure.axes[0].texts}


def test_each_amount_is_written_once_in_the_colour_of_its_way():
    shown = texts(plots.cell_gradient(0.12346, -0.2, 0.3, 0.4))
    for amount, color in {
        "0.1235": INK,
        "\N{MINUS SIGN}0.2000": VERMILLION,
        "0.3000": VERMILLION,
    }.items():
        assert shown[amount].get_color() == color
    (cell,) = (text for name, text in shown.items() if name.endswith("0.4000"))
    assert cell.get_color() == BLUE


def test_both_states_of_three_steps_have_a_way_back():
    figure = plots.cell_gradient(0.1, 0.2, 0.3, 0.4)
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 11  # 2 along the cell, 2 from h to c, 3 at each of 2 gates, 1 of the loss
