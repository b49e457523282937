"""Norms of gradients over the lag, against their bound (chapters 4 and 6)."""

import math

import numpy as np

from lstmlib._shapes import checked
from lstmlib.analysis import cell_path, lag_bound, lag_norms, rnn_jacobians
from lstmlib.data import latch
from lstmlib.numpy import LSTM, RNN
from lstmlib.widgets.controls import Choice, Slider
from lstmlib.widgets.figure import Figure, Numbers, State, show

H = 8
LAGS = 40
DECADES = range(-12, 9, 4)  # the powers of ten on the axis; a line may leave it
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# Each line: its key in the numbers, its name, colour, dashes.
LINES = [
    ("bound", "bound, <i>σ</i><sub>max</sub>(<i>W<sub>h</sub></i>)<sup><i>k</i></sup>",
     "--vermillion", "8 4"),
    ("powers", "<i>ρ</i>(<i>W<sub>h</sub></i>)<sup><i>k</i></sup>", "--muted", "2 3"),
    ("measured",
     "measured, ‖d<i>h<sub>T</sub></i>\u202f/\u202fd<i>h</i><sub><i>T</i>−<i>k</i></sub>‖",
     "--blue", "none"),
]  # fmt: skip
CELL_LINES = [
    ("cell", "LSTM, ‖d<i>c<sub>T</sub></i>\u202f/\u202fd<i>c</i><sub><i>T</i>−<i>k</i></sub>‖",
     "--green", "12 3"),
    ("direct", "along its cell alone, largest ∏ <i>f</i>", "--purple", "5 3"),
]  # fmt: skip


class Vanishing(Figure):
    """Measure ‖dh_T/dh_{T−k}‖ of an Elman network over the lag k, beside its bound.

    The network has 8 units and random recurrent weights of the spectral radius that one chooses.
    It reads a sequence of :func:`lstmlib.data.latch`.

    Parameters
    ----------
    rng
        Draws the weights and the sequence.
    lag, radius
        k and ρ(W_h), at first.
    lstm
        Add an LSTM that reads the same, with the same spectral radius in each of its four blocks
        of recurrent weights: ‖dc_T/dc_{T−k}‖, and the part that never leaves the cell.

    Raises
    ------
    ValueError
        If lag is not from 1 to 40, or radius not from 0.4 to 1.5.
    """

    title = "How much of a gradient arrives"
    scripts = ("arithmetic", "vanishing")

    @checked
    def __init__(
        self,
        rng: np.random.Generator,
        lag: int = 20,
        radius: float = 0.9,
        *,
        lstm: bool = False,
        name: str = "vanishing",
    ) -> None:
        controls = [
            Slider("lag", "Lag k", lag, 1, LAGS),
            Slider("radius", "Spectral radius ρ", radius, 0.4, 1.5, 0.05),
            Choice(
                "activation",
                "Activation of the Elman network" if lstm else "Activation",
                "tanh",
                ("linear", "tanh"),
            ),
        ]
        if lstm:
            controls.append(Slider("bias", "Forget bias of the LSTM", 1.0, -2.0, 5.0, 0.5))
        x, _ = latch(LAGS + 1, 1, rng=rng)  # cell_path begins after the first step
        self.x, self.lstm = x, lstm
        # Radius 1: the state has the factor.
        self.rnn = {"W_x": RNN(1, H, rng=rng).params["W_x"], "W_h": _normalised(rng)}
        self.cell = {
            "W_x": LSTM(1, H, rng=rng).params["W_x"],
            "W_h": np.concatenate([_normalised(rng) for _ in range(4)]),
        }
        networks = {"rnn": self.rnn} | ({"cell": self.cell} if lstm else {})
        data = {
            "x": x.ravel().tolist(),
            **{
                network: {
                    name: {"shape": list(a.shape), "values": a.ravel().tolist()}
                    for name, a in params.items()
                }
                for network, params in networks.items()
            },
        }
        super().__init__(name, controls, data)

    def compute(self, state: State) -> Numbers:
        """Return σ_max(W_h), and log₁₀ of each line at the lags 0 … 40."""
        W_h = state["radius"] * self.rnn["W_h"]
        if state["activation"] == "tanh":
            layer = RNN(1, H, rng=np.random.default_rng(0))
            layer.params.update(W_x=self.rnn["W_x"], W_h=W_h, b=np.zeros(H))
            J = rnn_jacobians(W_h, layer.forward(self.x)[0])
        else:
            J = np.tile(W_h, (len(self.x), 1, 1, 1))
        lines = {
            "bound": lag_bound(W_h, LAGS),
            "powers": state["radius"] ** np.arange(LAGS + 1),
            "measured": lag_norms(J)[: LAGS + 1, 0],
        }
        if self.lstm:
            b = np.repeat([0, state["bias"], 0, 0], H).astype(np.float64)
            params = self.cell | {"W_h": state["radius"] * self.cell["W_h"], "b": b}
            path = cell_path(params, self.x)
            norms = np.linalg.norm(path.total[:, 0], ord=2, axis=(-2, -1))
            lines |= {"cell": norms[::-1], "direct": path.direct[::-1, 0].max(axis=-1)}
        logarithms = {name: np.log10(line).tolist() for name, line in lines.items()}
        return {"sigma": float(lines["bound"][1])} | logarithms

    def describe(self, state: State, numbers: Numbers) -> str:
        k = state["lag"]
        at = {name: _power(numbers[name][k]) for name in numbers if name != "sigma"}
        said = (
            f"At lag {k} the {state['activation']} network multiplies a gradient by at most "
            f"{at['measured']}; the bound, σ_max(W_h) = {show(numbers['sigma'])} to the power {k}, "
            f"is {at['bound']}."
        )
        if self.lstm:
            said += (
                f" The cell of the LSTM multiplies it by at most {at['cell']}, "
                f"along the cell alone {at['direct']}."
            )
        return said

    def draw(self, state: State, numbers: Numbers) -> str:
        k = state["lag"]
        lines = [*LINES, *(CELL_LINES if self.lstm else [])]
        grid = [
            f'<path d="M44 {_y(decade):.1f}H392" '
            f'style="stroke:var({"--line" if decade else "--muted"})"/>'
            f'<text x="38" y="{_y(decade) + 4:.1f}" text-anchor="end">'
            f"{'10' + _raised(decade) if decade else '1'}</text>"
            for decade in DECADES
        ]
        grid += [
            f'<text x="{_x(lag):.1f}" y="250" text-anchor="middle">{lag}</text>'
            for lag in range(0, LAGS + 1, 10)
        ]
        curves = "".join(
            f'<polyline points="{_points(numbers[key])}" fill="none" '
            f'style="stroke:var({colour});stroke-width:2.2;stroke-dasharray:{dashes}"/>'
            f'<circle cx="{_x(k):.1f}" cy="{_y(numbers[key][k]):.1f}" r="3.5" '
            f'style="fill:var({colour})"/>'
            for key, _, colour, dashes in lines
        )
        rows = "".join(
            f'<tr><td><svg viewBox="0 0 40 8" style="width:40px;height:8px" aria-hidden="true">'
            f'<path d="M0 4H40" style="stroke:var({colour});stroke-width:2.2;'
            f'stroke-dasharray:{dashes}"/></svg></td>'
            f'<th scope="row" style="text-align:left">{name}</th>'
            f'<td style="white-space:nowrap">{_power(numbers[key][k])}</td></tr>'
            for key, name, colour, dashes in lines
        )
        return (
            f'<svg viewBox="0 0 400 268" aria-hidden="true">{"".join(grid)}'
            '<text x="52" y="26">grows</text><text x="52" y="226">vanishes</text>'
            f'<path d="M{_x(k):.1f} 12V232" style="stroke:var(--muted)"/>'
            f'<text x="218" y="265" text-anchor="middle">lag k</text>'
            # an SVG within cuts off what leaves the axes
            '<svg x="44" y="12" width="348" height="220" viewBox="44 12 348 220" '
            f'style="width:348px;height:220px;max-width:none">{curves}</svg></svg>'
            '<table style="margin:0.5rem auto 0"><thead><tr><td></td><td></td>'
            f'<th scope="col"><i>k</i> = {k}</th></tr></thead><tbody>{rows}</tbody></table>'
        )


def _x(lag: int) -> float:
    return 44 + 348 * lag / LAGS


def _y(logarithm: float) -> float:
    return 100 - 11 * logarithm


def _points(line: list[float]) -> str:
    return " ".join(f"{_x(lag):.1f},{_y(value):.1f}" for lag, value in enumerate(line))


def _raised(exponent: int) -> str:
    return str(exponent).translate(SUPERSCRIPTS)


def _normalised(rng: np.random.Generator) -> np.ndarray:
    """Draw an (H, H) matrix of spectral radius 1."""
    W = rng.normal(size=(H, H))
    return W / abs(np.linalg.eigvals(W)).max()  # eq-vanishing-radius


def _power(logarithm: float) -> str:
    """Write 10 to a power with two digits: 0.034, 1.2 × 10⁻⁷."""
    exponent = math.floor(logarithm)
    if -2 <= exponent <= 2:
        return f"{10**logarithm:.{max(0, 1 - exponent)}f}"
    return f"{10 ** (logarithm - exponent):.1f} × 10{_raised(exponent)}"
