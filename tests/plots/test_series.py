import numpy as np
import pytest

from lstmlib import plots


def test_every_series_has_its_panel_and_its_marks():
    x, y = np.arange(30.0), np.arange(30.0) ** 2
    fig = plots.series_panels({"one": (x, y), "two": (x, -y)}, "month", marks={"two": [10, 20]})
    one, two = fig.axes
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["one", "two"]
    np.testing.assert_array_equal(one.lines[0].get_ydata(), y)
    np.testing.assert_array_equal(two.lines[0].get_ydata(), -y)
    assert [line.get_xdata()[0] for line in two.lines[1:]] == [10, 20]
    assert len(one.lines) == 1
    assert (one.get_xlabel(), two.get_xlabel()) == ("", "month")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({}, "x"), "at least one series"),
        (({"a": ([1, 2], [1, 2])}, "x", {"b": [1]}), r"\['a'\] and \['b'\]"),
        (({"a": ([1, 2], [1, 2, 3])}, "x"), "x has 2, y has 3"),
    ],
)
def test_series_that_do_not_fit(arguments, said):
    series, xlabel, *marks = arguments
    with pytest.raises(ValueError, match=said):
        plots.series_panels(series, xlabel, **({"marks": marks[0]} if marks else {}))


def test_each_origin_knows_what_lies_before_it():
    N, m, origins = 100, 12, [60, 75, 88]
    (ax,) = plots.rolling_origins(N, 60, 75, origins, m).axes
    spans = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert spans[:3] == [(0, 60), (60, 15), (75, 25)]
    assert spans[3::2] == [(0, o) for o in origins]
    assert spans[4::2] == [(o, m) for o in origins]
    assert [text.get_text() for text in ax.texts] == ["training", "validation", "test"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((100, 75, 60, [80], 5), "75 < 60"),
        ((100, 60, 75, [], 5), "from 1 to 95"),
        ((100, 60, 75, [96], 5), r"from 1 to 95, got \[96\]"),
        ((100, 60, 75, [0], 5), "got .0."),
    ],
)
def test_origins_that_leave_the_series(arguments, said):
    with pytest.raises(ValueError, match=said):
        plots.rolling_origins(*arguments)


@pytest.mark.parametrize("known", [True, False])
def test_the_fan_opens_after_the_past(known):
    past, forecast = np.arange(5.0), np.array([5.0, 6.0])
    came = forecast + 0.3 if known else None
    fig = plots.forecast_fan(past, forecast, forecast - 1, forecast + 2, "months", "ppm", came=came)
    (ax,) = fig.axes
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["known"].get_xdata(), [-4, -3, -2, -1, 0])
    np.testing.assert_array_equal(lines["forecast"].get_xdata(), [1, 2])
    assert ("what came" in lines) == known
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (4, 8)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("months", "ppm")


def test_an_interval_upside_down_is_an_error():
    two = np.ones(2)
    with pytest.raises(ValueError, match="lower <= upper"):
        plots.forecast_fan(two, two, two, two - 0.1, "x", "y")
