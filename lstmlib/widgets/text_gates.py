"""Gates on text: what a character model does and expects along a typed sentence (chapter 11)."""

from html import escape

import numpy as np

from lstmlib._shapes import checked
from lstmlib.analysis import GateTrace
from lstmlib.numpy import softmax
from lstmlib.widgets.controls import Choice, Slider, Text
from lstmlib.widgets.figure import Figure, Numbers, State, show
from lstmlib.widgets.text_model import bits, named, text_model, visible
from lstmlib.widgets.weights import pack

LONGEST = 60  # characters
ROWS = 16  # units
TOP = 8  # symbols with a bar
QUANTITIES = {
    "input gate i": "i",
    "forget gate f": "f",
    "output gate o": "o",
    "candidate g": "g",
    "cell state c": "c",
    "hidden state h": "h",
}
LIVELIEST = f"the {ROWS} whose h varies most"
MORE = 40  # characters that the model may write
WARMTH = 0.7  # the temperature at which it does
CELL = 12  # width and height in px


class TextGates(Figure):
    """Read a sentence with a character model: its gates, and what it expects to come next.

    The model is the small one of ``models/text.npz``; it reads the sentence after a line break.
    Asked to, it writes on: as in :class:`Temperature`, random numbers come from a fixed table.

    Parameters
    ----------
    text
        The sentence at first: at most 60 characters.
    quantity
        What is shown of the units at first: a key of ``QUANTITIES``.

    Raises
    ------
    ValueError
        If the text is too long, or there is no such quantity.
    """

    title = "A character model reads a sentence"
    scripts = ("arithmetic", "symbols", "text_gates")

    @checked
    def __init__(
        self,
        text: str = "Friends, Romans, countrymen, lend me your e",
        quantity: str = "forget gate f",
        name: str = "text-gates",
    ) -> None:
        model = text_model()
        H = len(model.weights["W_h"]) // 4
        ranges = [f"{first}–{min(first + ROWS, H) - 1}" for first in range(0, H, ROWS)]
        controls = [
            Text("text", "Sentence", text, LONGEST),
            Choice("quantity", "Show", quantity, list(QUANTITIES)),
            Choice("units", "Units", LIVELIEST, [LIVELIEST, *ranges]),
            Slider("at", "Character (0 is the last)", 0, -LONGEST, 0),
            Slider("more", "Write on: characters", 0, 0, MORE),
        ]
        data = {
            "alphabet": model.vocabulary.alphabet,
            "weights": {key: pack(array) for key, array in model.weights.items()},
            "quantities": QUANTITIES,
            "uniform": (np.random.default_rng(0).integers(0, 10**6, MORE) / 10**6).tolist(),
        }
        super().__init__(name, controls, data)

    def compute(self, state: State) -> Numbers:
        """Return all that is shown of the characters that the model knows.

        ``read`` is a line break and the characters; ``p`` what each of them was expected with;
        ``values`` has a row for each of ``units``; ``next`` are the likeliest symbols after
        character ``at`` of ``read``, with ``entropy`` in bits; ``unknown`` are left out.
        ``written`` is drawn at temperature 0.7, characters only.
        """
        model = text_model()
        typed = state["text"].replace("’", "'").replace("‘", "'")  # as telephones write it
        known = "".join(c for c in typed if c in model.vocabulary.alphabet)
        unknown = "".join(dict.fromkeys(c for c in typed if c not in known))
        read = "\n" + known
        trace, logits = model.read(read)
        p = softmax(logits)
        h = trace.h[:, 0]
        if state["units"] == LIVELIEST:
            units = np.argsort(-h.var(axis=0), kind="stable")[:ROWS].tolist()
        else:
            first, last = map(int, state["units"].split("–"))
            units = list(range(first, last + 1))
        values = getattr(trace, QUANTITIES[state["quantity"]])[:, 0, units].T
        at = max(len(known) + state["at"], 0)
        likeliest = np.argsort(-p[at], kind="stable")[:TOP]
        symbols = ["START", *model.vocabulary.alphabet, "END"]
        ids = model.vocabulary.encode(known)
        return {
            "read": list(read),
            "unknown": list(unknown),
            "p": p[np.arange(len(known)), ids].tolist(),
            "units": units,
            "values": values.tolist(),
            "at": at,
            "next": [[symbols[k], float(p[at, k])] for k in likeliest],
            "entropy": bits(p[at]),
            "written": self._write(trace, logits, state["more"]),
        }

    def _write(self, trace: GateTrace, logits: np.ndarray, count: int) -> str:
        """Write on after the last character, each time from what has been written so far."""
        model = text_model()
        written = ""
        for u in self.data["uniform"][:count]:
            p = softmax(logits[-1, 1:-1] / WARMTH)  # eq-shakespeare-temperature
            drawn = model.vocabulary.alphabet[np.searchsorted(np.cumsum(p), u, side="right")]
            trace, logits = model.read(drawn, (trace.h[-1], trace.c[-1]))
            written += drawn
        return written

    def describe(self, state: State, numbers: Numbers) -> str:
        read, at, units = numbers["read"], numbers["at"], numbers["units"]
        values = np.array(numbers["values"])
        coarse = np.rint(1e4 * values)  # equal saturated values are equal in any arithmetic
        row = int(np.argmax(coarse.max(axis=1) - coarse.min(axis=1)))
        low, high = int(coarse[row].argmin()), int(coarse[row].argmax())
        expected = ", ".join(f"{named(c)} ({show(p)})" for c, p in numbers["next"][:3])
        said = (
            f"The {state['quantity']} of {len(units)} units at {len(read)} characters: that of "
            f"unit {units[row]} has the widest range, from {show(values[row, low])} at "
            f"{named(read[low])} to {show(values[row, high])} at {named(read[high])}. "
            f"After {_context(read, at)} the model expects {expected}; "
            f"its entropy is {show(numbers['entropy'])} bits."
        )
        if at + 1 < len(read):
            said += f" What comes is {named(read[at + 1])} ({show(numbers['p'][at])})."
        if numbers["written"]:
            said += f" The model writes on: “{numbers['written']}”."
        if numbers["unknown"]:
            left_out = " ".join(numbers["unknown"])
            said += f" Left out, because the model's alphabet has no such character: {left_out}"
        return said

    def draw(self, state: State, numbers: Numbers) -> str:
        return _map(state["quantity"], numbers) + _bars(numbers)


def _map(quantity: str, numbers: Numbers) -> str:
    """Draw a column for each character: what it was expected with, and the value in each unit."""
    read, values = numbers["read"], np.array(numbers["values"])
    full = 2 if quantity == "cell state c" else 1  # tanh c is near 1 from there on
    top, bottom = 50, 50 + CELL * len(values) + 2
    labels = [
        f'<text x="36" y="{top + CELL * r + 10}" text-anchor="end">{unit}</text>'
        for r, unit in enumerate(numbers["units"])
    ]
    marks = [
        f'<text x="{CELL * t + CELL / 2}" y="44" text-anchor="middle">{visible(c)}</text>'
        for t, c in enumerate(read)
    ]
    marks += [
        f'<rect x="{CELL * t + 13}" y="{30 - 28 * p:.1f}" width="10" height="{28 * p:.1f}" '
        'style="fill:var(--green)"/>'
        for t, p in enumerate(numbers["p"])
    ]
    for r, row in enumerate(values):
        for t, value in enumerate(row):
            if abs(value) >= 0.02 * full:  # what is fainter is not seen
                # a negative value is a flat bar, so that its colour is not all that tells
                y, height = (0, CELL - 1) if value > 0 else (4, CELL - 9)
                colour = "--blue" if value > 0 else "--vermillion"
                marks.append(
                    f'<rect x="{CELL * t}" y="{top + CELL * r + y}" width="{CELL}" '
                    f'height="{height}" style="fill:var({colour})" '
                    f'fill-opacity="{min(abs(value) / full, 1):.2f}"/>'
                )
    marks.append(
        f'<rect x="{CELL * numbers["at"] + 0.5}" y="32" width="{CELL - 1}" '
        f'height="{bottom - 33}" style="fill:none;stroke:var(--ink)" stroke-width="1.5"/>'
    )
    signed = QUANTITIES[quantity] in "gch"
    caption = (
        f"Bars: the probability with which each character was expected. Rows: {quantity}, each of "
        f"a unit; full colour is {'±' if signed else ''}{full}"
        + (", a flat bar is negative." if signed else ".")
    )
    width = CELL * len(read)
    style = "flex:none;max-width:none;margin:0;width"
    return (
        f'<p style="margin:0 0 0.4rem">{caption}</p>'
        '<div style="display:flex;width:fit-content;max-width:100%">'
        f'<svg viewBox="0 0 40 {bottom}" style="{style}:40px" aria-hidden="true">'
        f'<text x="36" y="28" text-anchor="end" font-style="italic">p</text>{"".join(labels)}</svg>'
        f'<div style="overflow-x:auto"><svg viewBox="0 0 {width} {bottom}" '
        f'style="{style}:{width}px" aria-hidden="true">{"".join(marks)}</svg></div></div>'
    )


def _bars(numbers: Numbers) -> str:
    """Draw the probabilities of the likeliest symbols, a bar each."""
    read, at = numbers["read"], numbers["at"]
    coming = read[at + 1] if at + 1 < len(read) else None
    marks = []
    for row, (symbol, p) in enumerate(numbers["next"]):
        y = 18 * row
        colour, note = ("--vermillion", " comes next") if symbol == coming else ("--blue", "")
        marks.append(
            f'<text x="44" y="{y + 13}" text-anchor="end">{visible(symbol)}</text>'
            f'<rect x="50" y="{y + 2}" width="{175 * p:.1f}" height="14" '
            f'style="fill:var({colour})"/>'
            f'<text x="{56 + 175 * p:.1f}" y="{y + 13}">{show(p)}{note}</text>'
        )
    return (
        f'<p style="margin:0.6rem 0 0.2rem">Expected after {escape(_context(read, at))}:</p>'
        f'<svg viewBox="0 0 330 {18 * len(marks) + 2}" style="max-width:23rem;margin:0" '
        f'aria-hidden="true">{"".join(marks)}</svg>'
    )


def _context(read: list[str], at: int) -> str:
    """Quote the last characters up to one."""
    if at == 0:
        return "a line break"
    before = "".join(read[1 : at + 1])
    return f"“{'…' if len(before) > 16 else ''}{before[-16:]}”"
