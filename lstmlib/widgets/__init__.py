"""Interactive figures: a page's reader plays with them without a kernel.

Each is one call; its data and its still drawing are computed by the library. ``figure`` says how
they work.
"""

from lstmlib.widgets.cell_steps import CellSteps
from lstmlib.widgets.digit_rows import DigitRows
from lstmlib.widgets.shapes import Shapes
from lstmlib.widgets.temperature import Temperature
from lstmlib.widgets.text_gates import TextGates
from lstmlib.widgets.unrolled import Unrolled
from lstmlib.widgets.vanishing import Vanishing
from lstmlib.widgets.windows import Windows

__all__ = [
    "CellSteps",
    "DigitRows",
    "Shapes",
    "Temperature",
    "TextGates",
    "Unrolled",
    "Vanishing",
    "Windows",
]
