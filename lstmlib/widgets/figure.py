"""What every interactive figure is: controls, their values, arithmetic and a drawing.

A figure exists twice. In Python ``compute`` calls the library and ``draw`` makes a picture of what
came out: shown where scripts are off, on paper, and by the live version in a running kernel. In the
browser a web component (``browser/<module>.js``) has the same two functions, so that a page needs
no kernel; a test holds its numbers to Python's. Values of the controls are a plain dict: the state.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmlib.widgets.controls import Control

if TYPE_CHECKING:
    import ipywidgets

State = dict[str, Any]
Numbers = dict[str, Any]
INDICES = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Figure(ABC):
    """An interactive figure: on a page by itself, live in a kernel, still without scripts.

    Parameters
    ----------
    name
        Its id on the page, under which a page's address holds its state: ``#name&lag=3``.
    controls
        What a reader changes, each with its first value.
    data
        What the browser's arithmetic needs, as it goes into JSON; floats keep every bit.

    Raises
    ------
    ValueError
        If the name could not stand in an address, or a control cannot have its first value.
    """

    title: ClassVar[str]
    """What the figure is, in a few words: its accessible name."""

    scripts: ClassVar[Sequence[str]]
    """Files of ``browser/`` after figure.js, in their order; the last defines ``<lstm-…>``."""

    def __init__(self, name: str, controls: Sequence[Control], data: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z][\w-]*", name, re.ASCII):
            raise ValueError(
                f"expected a name of letters, digits, - and _ that a letter begins, got {name!r}"
            )
        for control in controls:
            control.check(control.value)
        self.name = name
        self.controls = tuple(controls)
        self.data = dict(data)

    @abstractmethod
    def compute(self, state: State) -> Numbers:
        """Return what the drawing shows, as numbers, strings, lists and dicts, from the library."""

    @abstractmethod
    def describe(self, state: State, numbers: Numbers) -> str:
        """Return in a sentence or two what one sees."""

    @abstractmethod
    def draw(self, state: State, numbers: Numbers) -> str:
        """Return the drawing as HTML."""

    def state(self, **changes: Any) -> State:
        """Return the first state, or one with other values.

        Raises
        ------
        ValueError
            If there is no such control, or its value is outside its range.
        """
        values = {control.name: control.value for control in self.controls}
        for name in changes:
            if name not in values:
                raise ValueError(f"expected one of the controls {list(values)}, got {name!r}")
        for control in self.controls:
            if control.name in changes:
                control.check(changes[control.name])
        return values | changes

    def still(self, state: State) -> str:
        """Return the drawing of a state with what it shows in words, computed in Python."""
        numbers = self.compute(state)
        said = escape(self.describe(state, numbers))
        return (
            f'<div class="lstmlib-figure"><style>{_read("figure.css")}</style>'
            f'<div class="drawing" role="img" aria-label="{said}">{self.draw(state, numbers)}</div>'
            f'<p class="said">{said}</p></div>'
        )

    def html(self) -> str:
        """Return the web component with everything that it needs: data, script, still drawing."""
        tag = f"lstm-{self.scripts[-1].replace('_', '-')}"
        controls = [control.as_json() for control in self.controls]
        content = {"title": self.title, "controls": controls, "data": self.data}
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        attribute = text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;")
        source = "\n".join(_read(f"{name}.js") for name in ("figure", *self.scripts))
        # Each output of a notebook can be a page of its own, so each brings the whole script.
        return (
            # The attribute keeps JupyterLab from taking the arrow keys for itself.
            f'<{tag} id="{escape(self.name)}" data-lm-suppress-shortcuts="true" '
            f"data-figure='{attribute}'>{self.still(self.state())}</{tag}>\n"
            f'<script>(() => {{\nif (customElements.get("{tag}")) return;\n'
            f"const STYLE = {json.dumps(_read('figure.css'))};\n{source}\n"
            f'customElements.define("{tag}", Component);\n}})();</script>'
        )

    def live(self) -> "ipywidgets.VBox":
        """Return ipywidgets whose every change is computed again in Python."""
        import ipywidgets

        inputs = {control.name: control.live() for control in self.controls if control.label}
        drawing = ipywidgets.HTML()

        def update(_change: Any = None) -> None:
            values = {name: widget.value for name, widget in inputs.items()}
            try:
                drawing.value = self.still(self.state(**values))
            except ValueError as error:  # a text that is too long: its widget has no limit
                drawing.value = f"<p>{escape(str(error))}</p>"

        for widget in inputs.values():
            widget.observe(update, "value")
        update()
        return ipywidgets.VBox([*inputs.values(), drawing])

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, Any]:
        """Offer both kinds: a running notebook takes the live one, a page the component."""
        bundle = {"text/plain": f"<{self.title}>", "text/html": self.html()}
        try:
            import ipywidgets
        except ImportError:  # without it the component is shown everywhere
            return bundle
        if not hasattr(ipywidgets.VBox, "_repr_mimebundle_"):  # before version 8, as on Colab
            return bundle
        return dict(self.live()._repr_mimebundle_()) | bundle


def show(value: float, digits: int = 2) -> str:
    """Return a number as the browser's ``show`` writes it; what is rounded to 0 has no sign."""
    return f"{value:z.{digits}f}".replace("-", "−")


def lowered(number: int) -> str:
    """Return a number as an index in plain text."""
    return str(number).translate(INDICES)


def check_finite(**arrays: np.ndarray) -> None:
    """Raise ValueError unless all numbers are finite: JSON has no others."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"expected finite numbers in {name}, got {array.tolist()}")


def _read(name: str) -> str:
    return (files("lstmlib.widgets") / "browser" / name).read_text(encoding="utf-8")
