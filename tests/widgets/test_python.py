"""Every interactive figure in Python: in a notebook's kernel, and what it refuses."""

import json
import sys

import pytest

from lstmlib import widgets
from lstmlib.widgets.controls import Slider
from lstmlib.widgets.figure import show

from .conftest import EXAMPLES


def test_every_figure_is_tried():
    made = {type(example.figure).__name__ for example in EXAMPLES.values()}
    assert made == set(widgets.__all__)


def test_in_a_kernel_every_change_is_computed_in_python(example):
    figure = example.figure
    box = figure.live()
    *inputs, drawing = box.children
    labelled = [control for control in figure.controls if control.label]
    assert [widget.description for widget in inputs] == [control.label for control in labelled]
    for changes in example.states:
        visible = {
            name: value for name, value in changes.items() if name in {c.name for c in labelled}
        }
        for control, widget in zip(labelled, inputs, strict=True):
            widget.value = visible.get(control.name, control.value)
        assert drawing.value == figure.still(figure.state(**visible))


def test_in_a_kernel_a_text_that_is_too_long_is_said_to_be():
    *inputs, drawing = widgets.TextGates().live().children
    text = next(widget for widget in inputs if hasattr(widget, "placeholder"))
    text.value = "a" * 1000
    assert "expected text to be a text of at most" in drawing.value
    text.value = "a"
    assert "svg" in drawing.value


def test_a_notebook_is_offered_both_kinds(example):
    bundle = example.figure._repr_mimebundle_()
    assert {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()


def test_without_ipywidgets_or_with_an_old_one_there_is_the_page_alone(monkeypatch):
    figure = next(iter(EXAMPLES.values())).figure
    monkeypatch.delattr("ipywidgets.Widget._repr_mimebundle_")
    assert figure._repr_mimebundle_().keys() == {"text/html", "text/plain"}
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert figure._repr_mimebundle_().keys() == {"text/html", "text/plain"}


def test_a_state_outside_its_range_is_refused(example):
    figure = example.figure
    with pytest.raises(ValueError, match="expected one of the controls"):
        figure.state(nothing=1)
    for control in figure.controls:
        if hasattr(control, "high"):
            for value in (control.high + 1, float("nan"), True, None, "1"):
                with pytest.raises(ValueError, match=f"expected {control.name} from .*, got"):
                    figure.state(**{control.name: value})
        elif hasattr(control, "options"):
            for value in ("nothing", None, 1):
                with pytest.raises(ValueError, match=f"expected {control.name} to be one of"):
                    figure.state(**{control.name: value})
        else:
            with pytest.raises(ValueError, match=f"expected {control.name} to be a text"):
                figure.state(**{control.name: None})


def test_a_slider_has_values_on_its_steps_alone():
    fraction = Slider("share", "Share", 0.3, 0, 1, 0.1)
    fraction.check(0.1 + 0.2)  # as the sum is in binary
    with pytest.raises(ValueError, match=r"expected share from 0 to 1 in steps of 0.1, got 0.25"):
        fraction.check(0.25)
    whole = Slider("lag", "Lag", 3, 1, 9)
    for value in (2.5, 3.0):
        with pytest.raises(ValueError, match="expected lag from 1 to 9 in whole numbers, got"):
            whole.check(value)


@pytest.mark.parametrize("name", ["", "a b", "a&b", 'a"b', "1a", "ü"])
def test_a_name_that_could_not_stand_in_an_address_is_refused(name):
    with pytest.raises(ValueError, match="expected a name of letters, digits, - and _"):
        widgets.Shapes(name=name)


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [(-0.004, 2, "0.00"), (-0.0, 1, "0.0"), (0.0, 2, "0.00"), (-1.25, 1, "−1.2"), (-7.0, 0, "−7")],
)
def test_numbers_are_written_with_a_sign_where_they_are_not_0(number, digits, text):
    assert show(number, digits) == text


def test_a_figure_is_the_same_bytes_each_time(example):
    assert example.make().html() == example.figure.html()


def test_the_data_keeps_every_bit(example):
    figure = example.figure
    assert json.loads(json.dumps(figure.data)) == figure.data
