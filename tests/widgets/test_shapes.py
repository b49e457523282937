"""The shapes: as the chapters' formulas and PyTorch count them; and the drawing shows them."""

import itertools
import math

import pytest
import torch

from lstmlib import widgets

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike

figure = EXAMPLES["shapes"].figure
MODULES = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
CHOICES = list(itertools.product(MODULES, (1, 2, 3), ("one", "both")))


def chosen(cell: str, layers: int, directions: str, **more: int) -> dict:
    return figure.state(cell=cell, layers=layers, directions=directions, **more)


@pytest.mark.parametrize(("cell", "layers", "directions"), CHOICES)
def test_pytorch_has_as_many_parameters_and_the_same_output(cell, layers, directions):
    numbers = figure.compute(chosen(cell, layers, directions, features=5, units=3))
    module = MODULES[cell](5, 3, num_layers=layers, bidirectional=directions == "both")
    assert numbers["torch"] == sum(p.numel() for p in module.parameters())
    output, _ = module(torch.zeros(numbers["x"]))
    assert numbers["layers"][-1]["output"] == list(output.shape)


@pytest.mark.parametrize(("cell", "layers", "directions"), CHOICES)
def test_parameters_are_the_entries_of_the_weights(cell, layers, directions):
    numbers = figure.compute(chosen(cell, layers, directions, features=5, units=3))
    for layer in numbers["layers"]:
        assert layer["parameters"] == sum(map(math.prod, layer["weights"].values()))
    assert numbers["parameters"] == sum(layer["parameters"] for layer in numbers["layers"])
    other = figure.compute(chosen(cell, layers, directions, features=5, units=3, batch=7, steps=9))
    assert other["parameters"] == numbers["parameters"]


@pytest.mark.parametrize(("cell", "layers", "directions"), CHOICES)
def test_the_table_shows_every_shape(cell, layers, directions):
    state = chosen(cell, layers, directions, features=5, units=3)
    numbers = figure.compute(state)
    table = figure.draw(state, numbers).partition("<table")[2]
    rows = table.count("<tr>") - 1  # without the head
    layer = numbers["layers"][0]
    of_both = 2 if directions == "both" else 1  # two directions share a row, so have to be alike
    assert (rows - 2) * of_both == len(layer["weights"]) + len(layer["states"])
    for layer in numbers["layers"]:
        for name, shape in (layer["weights"] | layer["states"]).items():
            assert str(tuple(shape)) in table
            twin = name.replace("backward.", "forward.")
            assert shape == (layer["weights"] | layer["states"])[twin]


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["shapes"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(figure, changes, shown)


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="expected cell to be one of"):
        widgets.Shapes("Elman")
    with pytest.raises(ValueError, match="expected layers from 1 to 3, got 4"):
        widgets.Shapes(layers=4)
