"""A digit read row by row, chosen or drawn, and what a classifier believes (chapter 10)."""

import base64
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from lstmlib._shapes import checked
from lstmlib.analysis import trace_gates
from lstmlib.data import digits, rows
from lstmlib.numpy import softmax
from lstmlib.widgets.controls import Choice, Hidden, Slider
from lstmlib.widgets.figure import Figure, Numbers, State
from lstmlib.widgets.weights import pack, stored

T = 28
DRAWN = "my drawing"
EXAMPLES = (840, 617, 705, 28, 164, 261, 372, 457, 593, 978, 854, 747)  # the last two misread
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class DigitRows(Figure):
    """Watch a small classifier make up its mind about a digit, one row after the other.

    Its weights come with the library: 64 units that were asked after every row when they were
    trained. The record of the experiment ``browser_digits`` tells how, and how well they read.

    Parameters
    ----------
    examples
        Numbers of test digits of :func:`lstmlib.data.digits` to choose from; one can be drawn, too.
    row
        How many rows are read, at first.

    Raises
    ------
    ValueError
        If there is no example, one is twice or outside the 1,000 test digits, or row not from 1
        to 28.
    """

    title = "A digit, row by row"
    scripts = ("arithmetic", "digit_rows")

    @checked
    def __init__(
        self,
        examples: Sequence[int] = EXAMPLES,
        row: int = 14,
        name: str = "digit-rows",
    ) -> None:
        test = digits()
        N = len(test.test_labels)
        if not examples or len({*examples} & {*range(N)}) < len(examples):
            raise ValueError(
                f"expected different test digits from 0 to {N - 1}, at least one, "
                f"got {list(examples)}"
            )
        self.weights = stored("digits")
        self.examples = {f"{test.test_labels[n]}, test digit {n}": n for n in examples}
        self.images = test.test_images
        options = [*self.examples, DRAWN]
        super().__init__(
            name,
            [
                Choice("digit", "Digit", options[0], options),
                Slider("row", "Rows read", row, 1, T),
                Hidden("drawing"),
            ],
            {
                "weights": {key: pack(array) for key, array in self.weights.items()},
                "images": {
                    option: base64.b64encode(self.images[n].tobytes()).decode("ascii")
                    for option, n in self.examples.items()
                },
            },
        )

    def compute(self, state: State) -> Numbers:
        """Return the 784 pixels of the image, and the ten probabilities after each of its rows."""
        chosen = self.examples.get(state["digit"])
        image = drawn(state["drawing"]) if chosen is None else self.images[chosen]
        x = rows(image[None]).astype(np.float64)
        h = trace_gates(self.weights, x).h
        p = softmax(h @ self.weights["W"].T + self.weights["b_out"])  # eq-digits-softmax
        return {"image": image.ravel().tolist(), "p": p[:, 0].tolist()}

    def describe(self, state: State, numbers: Numbers) -> str:
        t, p = state["row"], numbers["p"]
        if state["digit"] != DRAWN:
            label, number = state["digit"].split(", ")
            what = f"{number.capitalize()}, {'an' if label == '8' else 'a'} {label}."
        else:
            what = "Your drawing." if any(numbers["image"]) else "Nothing is drawn yet."
        end = "" if t == T else f"; at the end {_belief(p[-1])}"
        return f"{what} After row {t} of {T}: {_belief(p[t - 1])}{end}."

    def draw(self, state: State, numbers: Numbers) -> str:
        t = state["row"]
        pixels = "".join(
            f'<rect x="{k % T * 10}" y="{k // T * 10}" width="10" height="10" '
            f'fill-opacity="{value / 255:.2f}"/>'
            for k, value in enumerate(numbers["image"])
            if value
        )
        cells = "".join(
            f'<rect x="{26 + 26 * k}" y="{10 * row}" width="26" height="10" '
            f'fill-opacity="{share:.2f}"/>'
            for row, p in enumerate(numbers["p"])
            for k, share in enumerate(p)
            if share >= 0.005
        )
        ticks = "".join(
            f'<text x="20" y="{10 * row - 1}" text-anchor="end">{row}</text>'
            for row in range(7, T + 1, 7)
        )
        bars = "".join(
            f'<text x="{39 + 26 * k}" y="299" text-anchor="middle" font-weight="bold">{k}</text>'
            f'<rect x="{29 + 26 * k}" y="306" width="20" height="{60 * share:.1f}" '
            'style="fill:var(--blue)"/>'
            f'<text x="{39 + 26 * k}" y="{319 + 60 * share:.1f}" text-anchor="middle">'
            f"{100 * share:.0f}</text>"
            for k, share in enumerate(numbers["p"][t - 1])
        )
        paper = 'width="280" height="280" style="fill:var(--card);stroke:var(--muted)"'
        return (
            '<div style="display:flex;flex-wrap:wrap;gap:0.75rem;justify-content:center">'
            '<div style="flex:1 1 15rem;max-width:19rem">'
            '<svg viewBox="-5 -20 296 305" aria-hidden="true">'
            '<text x="140" y="-7" text-anchor="middle">what is read</text>'
            f'<rect {paper}/><g shape-rendering="crispEdges" fill="currentColor">{pixels}</g>'
            f'<rect y="{10 * t}" width="280" height="{280 - 10 * t}" '
            'style="fill:var(--card)" fill-opacity="0.6"/>'
            f'{_read_up_to(t, 0, 280)}</svg></div><div style="flex:1 1 15rem;max-width:19rem">'
            '<svg viewBox="-5 -20 296 405" aria-hidden="true">'
            '<text x="156" y="-7" text-anchor="middle">what is believed</text>'
            '<rect x="26" width="260" height="280" style="fill:var(--card);stroke:var(--muted)"/>'
            f'<g shape-rendering="crispEdges" style="fill:var(--blue)">{cells}</g>'
            f'{ticks}{_read_up_to(t, 26, 260)}<text x="20" y="319" text-anchor="end">%</text>{bars}'
            "</svg></div></div>"
        )


def drawn(text: str) -> UInt8[np.ndarray, "28 28"]:
    """Return the image that a text stands for, each letter for three pixels of four levels of grey.

    A letter's place in ``LETTERS`` is a number of six bits, two for each pixel, row by row. What a
    text is too short for is paper, as is what is no such letter.
    """
    codes = np.zeros(-(-T * T // 3), dtype=np.uint8)
    for k, letter in enumerate(text[: len(codes)]):
        codes[k] = max(LETTERS.find(letter), 0)
    levels = codes[:, None] >> np.array([4, 2, 0], dtype=np.uint8) & 3
    return (85 * levels).ravel()[: T * T].reshape(T, T)


def _belief(p: list[float]) -> str:
    """Say which class is the most probable, and the next one where it is at least 5 %."""
    first, second, *_ = sorted(range(len(p)), key=lambda k: -p[k])
    said = f"{first} with {_percent(p[first])}"
    return said + (f", {second} with {_percent(p[second])}" if p[second] >= 0.05 else "")


def _percent(share: float) -> str:
    return "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _read_up_to(t: int, left: int, width: int) -> str:
    """Draw the edge between what is read and what is not."""
    place = f"M{left - 5} {10 * t}h{width + 10}"
    return f'<path d="{place}" style="stroke:var(--vermillion);stroke-width:1.5"/>'
