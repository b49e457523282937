"""Every shape of a recurrent network, and its wiring (chapters 2, 5 and 7)."""

from typing import Any

import numpy as np

from lstmlib._shapes import checked
from lstmlib.numpy import GRU, LSTM, RNN, Bidirectional, LSTMState, Stacked
from lstmlib.weights import to_torch
from lstmlib.widgets.arrows import arrow
from lstmlib.widgets.controls import Choice, Slider
from lstmlib.widgets.figure import Figure, Numbers, State, lowered

CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
GATES = {"RNN": ["tanh"], "GRU": ["r", "z", "n"], "LSTM": ["i", "f", "g", "o"]}
NAMES = {
    "W_x": "<i>W<sub>x</sub></i>",
    "W_h": "<i>W<sub>h</sub></i>",
    "b": "<i>b</i>",
    "b_hn": "<i>b<sub>hn</sub></i>",
    "h": "state <i>h</i>",
    "c": "state <i>c</i>",
    "P": "<i>P</i>",
}
ROW = {1: 76, 2: 124}  # height of a layer in one direction, in both


class Shapes(Figure):
    """Choose a network's sizes, and see the shape of every weight and state, and the wiring.

    Parameters
    ----------
    cell
        "RNN", "GRU" or "LSTM", at first.
    features, units, batch, steps
        D, H, B and T at first: D and H at most 64, B 16, T 20.
    layers
        L at first, from 1 to 3.
    both
        Whether the layers read in both directions at first.

    Raises
    ------
    ValueError
        If a first value is outside its range.
    """

    title = "Shapes and wiring of a recurrent network"
    scripts = ("arrows", "shapes")

    @checked
    def __init__(
        self,
        cell: str = "LSTM",
        features: int = 3,
        units: int = 4,
        batch: int = 2,
        steps: int = 5,
        layers: int = 1,
        *,
        both: bool = False,
        name: str = "shapes",
    ) -> None:
        controls = [
            Choice("cell", "Cell", cell, list(CELLS)),
            Choice("directions", "Directions", "both" if both else "one", ["one", "both"]),
            Slider("layers", "Layers L", layers, 1, 3),
            Slider("features", "Features D", features, 1, 64),
            Slider("units", "Units H", units, 1, 64),
            Slider("batch", "Batch B", batch, 1, 16),
            Slider("steps", "Steps T", steps, 1, 20),
        ]
        super().__init__(name, controls, {})

    def compute(self, state: State) -> Numbers:
        """Return the shapes that the library's layers have, and the number of their entries.

        Of each layer: weights and states (the states at the end) by name, output, parameters.
        """
        Cell = CELLS[state["cell"]]
        T, B, D, H = (state[name] for name in ("steps", "batch", "features", "units"))
        rng = np.random.default_rng(0)
        layers: list[Any] = []
        for _ in range(state["layers"]):
            size = layers[-1].output_size if layers else D
            if state["directions"] == "both":
                layers.append(Bidirectional(Cell(size, H, rng=rng), Cell(size, H, rng=rng)))
            else:
                layers.append(Cell(size, H, rng=rng))
        x = h = np.zeros((T, B, D))
        shapes = []
        for layer in layers:
            h, end = layer.forward(h)
            shapes.append(
                {
                    "weights": {name: list(a.shape) for name, a in layer.params.items()},
                    "states": {name: list(a.shape) for name, a in _states(end).items()},
                    "output": list(h.shape),
                    "parameters": sum(a.size for a in layer.params.values()),
                }
            )
        params = Stacked(layers).params
        return {
            "x": list(x.shape),
            "layers": shapes,
            "parameters": sum(a.size for a in params.values()),
            "torch": sum(a.size for a in to_torch(params).values()),
        }

    def describe(self, state: State, numbers: Numbers) -> str:
        layers = numbers["layers"]
        L = len(layers)
        article = "A" if state["cell"] == "GRU" else "An"
        ways = "both directions" if state["directions"] == "both" else "one direction"
        each = " + ".join(f"{layer['parameters']:,}" for layer in layers)
        return (
            f"{article} {state['cell']} of {L} layer{'s' if L > 1 else ''} in {ways} reads x of "
            f"the shape {_shape(numbers['x'])} and puts out {_shape(layers[-1]['output'])}. It has "
            f"{f'{each} = ' if L > 1 else ''}{numbers['parameters']:,} parameters, whatever "
            f"T and B are. PyTorch, with its second bias, counts {numbers['torch']:,}."
        )

    def draw(self, state: State, numbers: Numbers) -> str:
        return _wiring(state, numbers) + _table(state, numbers)


def _states(end: Any) -> dict[str, np.ndarray]:
    """Return the arrays of the state at the end, named like the weights of their layer."""
    if isinstance(end, LSTMState):
        return end._asdict()
    if isinstance(end, tuple):  # of a Bidirectional
        pairs = zip(("forward", "backward"), end, strict=True)
        return {f"{way}.{name}": a for way, part in pairs for name, a in _states(part).items()}
    return {"h": end}


def _shape(shape: list[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _wiring(state: State, numbers: Numbers) -> str:
    """Draw the layers on top of each other, over the first steps and the last."""
    T, ways = state["steps"], 2 if state["directions"] == "both" else 1
    gates = GATES[state["cell"]]
    steps: list[int | None] = [*range(1, T + 1)] if T <= 4 else [1, 2, None, T]
    x = [241.0 + 41 * (2 * n + 1 - len(steps)) for n in range(len(steps))]
    L = len(numbers["layers"])
    height = 34 + ROW[ways] * L
    width = 56 if ways == 1 else 44
    marks = []

    def pill(at: float, y: float, texts: list[str], colours: list[str]) -> None:
        size = 60 / len(texts)
        for n, (text, colour) in enumerate(zip(texts, colours, strict=True)):
            left = at - 30 + n * size
            marks.append(
                f'<rect x="{left:.1f}" y="{y - 9}" width="{size:.1f}" height="18" rx="4" '
                f'style="fill:var(--card);stroke:var({colour});stroke-width:1.5"/>'
                f'<text x="{left + size / 2:.1f}" y="{y + 4}" text-anchor="middle">{text}</text>'
            )

    def cell(at: float, y: float, colour: str) -> None:
        size = width / len(gates)
        left = at - width / 2
        marks.append(
            f'<rect x="{left:.1f}" y="{y - 13}" width="{width}" height="26" rx="4" '
            f'style="fill:var(--card);stroke:var({colour});stroke-width:1.5"/>'
        )
        for n, gate in enumerate(gates):
            if n:
                marks.append(
                    f'<path d="M{left + n * size:.1f} {y - 13}v26" style="stroke:var({colour})"/>'
                )
            marks.append(
                f'<text x="{left + (n + 0.5) * size:.1f}" y="{y + 4}" '
                f'text-anchor="middle">{gate}</text>'
            )

    def label(y: float, *lines: str) -> None:
        for n, line in enumerate(lines):
            bold = ' style="font-weight:bold"' if n == 0 else ' style="fill:var(--muted)"'
            marks.append(f'<text x="2" y="{y + 4 + 15 * n}"{bold}>{line}</text>')

    bottom = height - 14
    shift = 8 if ways == 2 else 0  # the two directions' boxes stand aside, to let lines pass
    for l in range(L + 1):
        y = bottom - ROW[ways] * l  # of what goes into layer l + 1
        shape = numbers["x"] if l == 0 else numbers["layers"][l - 1]["output"]
        name = "x" if l == 0 else "h"
        label(y - 8, f"{name} out" if l == L else name, _shape(shape))
        for at, t in zip(x, steps, strict=True):
            if t is None:
                marks.append(f'<text x="{at}" y="{y + 4}" text-anchor="middle">…</text>')
            elif l == 0:
                pill(at, y, [f"x{lowered(t)}"], ["--muted"])
            elif ways == 1:
                pill(at, y, [f"h{lowered(t)}"], ["--blue"])
            else:
                pill(at, y, ["h→", "h←"], ["--blue", "--vermillion"])
    for l in range(L):
        y = bottom - ROW[ways] * l
        ahead, back = y - 38, y - (38 if ways == 1 else 87)  # of the boxes that read → and ←
        top = y - ROW[ways] + 10
        label(
            (ahead + back) / 2 - 6, f"layer {l + 1}", f"P = {numbers['layers'][l]['parameters']:,}"
        )
        for n, (at, t) in enumerate(zip(x, steps, strict=True)):
            if n:
                before = x[n - 1]
                marks.append(
                    arrow(
                        (before - shift + (width / 2 if steps[n - 1] else 14), ahead),
                        (at - shift - (width / 2 + 1 if t else 14), ahead),
                        "--blue",
                    )
                )
                if ways == 2:
                    marks.append(
                        arrow(
                            (at + shift - (width / 2 if t else 14), back),
                            (before + shift + (width / 2 + 1 if steps[n - 1] else 14), back),
                            "--vermillion",
                        )
                    )
            if t is None:
                marks.append(f'<text x="{at}" y="{ahead + 4}" text-anchor="middle">…</text>')
                if ways == 2:
                    marks.append(f'<text x="{at}" y="{back + 4}" text-anchor="middle">…</text>')
                continue
            marks.append(arrow((at - shift, y - 10), (at - shift, ahead + 14), "--muted"))
            marks.append(arrow((at - 2.75 * shift, ahead - 14), (at - 2.75 * shift, top), "--blue"))
            cell(at - shift, ahead, "--blue")
            if ways == 2:
                marks.append(arrow((at + 22, y - 10), (at + 22, back + 14), "--muted"))
                marks.append(arrow((at + shift, back - 14), (at + shift, top), "--vermillion"))
                cell(at + shift, back, "--vermillion")
    return f'<svg viewBox="0 0 400 {height}" aria-hidden="true">{"".join(marks)}</svg>'


def _table(state: State, numbers: Numbers) -> str:
    """Return the shapes in numbers and letters, a column a layer."""
    layers = numbers["layers"]
    both = state["directions"] == "both"
    G = {"RNN": "", "GRU": "3", "LSTM": "4"}[state["cell"]]
    prefix, out = ("forward.", "2H") if both else ("", "H")
    ways = '<br><small style="color:var(--muted)">→ ←</small>' if both else ""

    def cell(shape: list[int], letters: str) -> str:
        return f'<td>{_shape(shape)}<br><small style="color:var(--muted)">{letters}</small></td>'

    def row(name: str, cells: list[str], note: str = "") -> str:
        style = "text-align:left;white-space:nowrap"
        head = f'<th scope="row" style="{style}">{NAMES.get(name, name)}{note}</th>'
        return f"<tr>{head}{''.join(cells)}</tr>"

    letters = {"W_h": f"{G}H, H", "b": f"{G}H", "b_hn": "H", "h": "B, H", "c": "B, H"}
    rows = []
    for kind in ("weights", "states"):
        for name in layers[0][kind]:
            short = name.removeprefix(prefix)
            if name.startswith("backward."):
                continue  # of the same shape
            cells = [
                cell(layer[kind][name], letters.get(short, f"{G}H, {out if l else 'D'}"))
                for l, layer in enumerate(layers)
            ]
            rows.append(row(short, cells, ways))
        if kind == "weights":
            counts = [f"<td>{layer['parameters']:,}</td>" for layer in layers]
            rows.append(row("P", counts))
    rows.append(row("output", [cell(layer["output"], f"T, B, {out}") for layer in layers]))
    heads = "".join(f'<th scope="col">layer {l + 1}</th>' for l in range(len(layers)))
    return (
        '<table style="margin:0.6rem auto 0;line-height:1.3;font-size:0.8125rem">'
        f"<tr><td></td>{heads}</tr>{''.join(rows)}</table>"
    )
