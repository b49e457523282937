"""What a reader changes in an interactive figure: in the browser an input, in a kernel a widget."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ipywidgets


@dataclass(frozen=True)
class Control:
    """A named value; ``label`` is what stands beside its input."""

    name: str
    label: str
    value: Any

    def check(self, value: Any) -> None:
        """Raise ValueError unless the control can have this value."""

    def as_json(self) -> dict[str, Any]:
        """Return what the browser makes the input from."""
        return {"kind": type(self).__name__.lower(), **asdict(self)}

    def live(self) -> "ipywidgets.ValueWidget":
        """Return the widget that stands for it in a running kernel."""
        raise NotImplementedError(f"a {type(self).__name__} has no widget")


@dataclass(frozen=True)
class Number(Control):
    """A number from ``low`` to ``high``, typed in; arrow keys change it by ``step``."""

    low: float
    high: float
    step: float = 1

    def check(self, value: Any) -> None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and self.low <= value <= self.high):
            raise ValueError(f"expected {self.name} from {self.low} to {self.high}, got {value!r}")

    def live(self) -> "ipywidgets.ValueWidget":
        import ipywidgets

        return ipywidgets.BoundedFloatText(**self._settings())

    def _settings(self) -> dict[str, Any]:
        return {
            "description": self.label,
            "value": self.value,
            "min": self.low,
            "max": self.high,
            "step": self.step,
            "style": {"description_width": "initial"},
        }


@dataclass(frozen=True)
class Slider(Number):
    """A number from ``low`` to ``high`` in steps; a whole number where all three are."""

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step))

    def check(self, value: Any) -> None:
        super().check(value)
        steps = (value - self.low) / self.step
        if abs(steps - round(steps)) > 1e-6 or (self.whole and not isinstance(value, int)):
            kind = "whole numbers" if self.whole and self.step == 1 else f"steps of {self.step}"
            raise ValueError(
                f"expected {self.name} from {self.low} to {self.high} in {kind}, got {value!r}"
            )

    def live(self) -> "ipywidgets.ValueWidget":
        import ipywidgets

        kind = ipywidgets.IntSlider if self.whole else ipywidgets.FloatSlider
        return kind(**self._settings())


@dataclass(frozen=True)
class Choice(Control):
    """One of several words."""

    options: Sequence[str]

    def check(self, value: Any) -> None:
        if value not in self.options:
            raise ValueError(
                f"expected {self.name} to be one of {list(self.options)}, got {value!r}"
            )

    def live(self) -> "ipywidgets.ValueWidget":
        import ipywidgets

        return ipywidgets.Dropdown(
            description=self.label,
            value=self.value,
            options=list(self.options),
            style={"description_width": "initial"},
        )


@dataclass(frozen=True)
class Text(Control):
    """A line of text of at most ``longest`` characters."""

    longest: int

    def check(self, value: Any) -> None:
        if not (isinstance(value, str) and len(value) <= self.longest):
            raise ValueError(
                f"expected {self.name} to be a text of at most {self.longest} characters, "
                f"got {value!r}"
            )

    def live(self) -> "ipywidgets.ValueWidget":
        import ipywidgets

        return ipywidgets.Text(
            description=self.label, value=self.value, style={"description_width": "initial"}
        )


@dataclass(frozen=True)
class Hidden(Control):
    """A text that the drawing itself changes, without an input of its own: a drawn image."""

    label: str = ""
    value: str = ""

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise ValueError(f"expected {self.name} to be a text, got {value!r}")
