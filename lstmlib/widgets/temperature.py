"""Temperature and top-k: what they make of a model's next symbol, and draws from it (chapter 9)."""

from collections.abc import Sequence
from html import escape

import numpy as np

from lstmlib._shapes import checked
from lstmlib.numpy import softmax
from lstmlib.widgets.controls import Choice, Slider
from lstmlib.widgets.figure import Figure, Numbers, State, show
from lstmlib.widgets.text_model import bits, named, text_model, visible

CONTEXTS = (
    "Friends, Romans, countrymen, lend me your e",
    "Friends, Romans, countrymen, lend me your ",
    "First Citizen:\nWe are acc",
    "To be, or not to b",
    "To be, or not to be, that is the q",
)
SHOWN = 20  # symbols with a bar of their own
DRAWS = 400
EDGES = 40, 396  # of the bars
REST = 0.6  # how far the bar of the rest stands apart, in bars


class Temperature(Figure):
    """Draw the next character at a chosen temperature, among the k likeliest.

    As :func:`lstmlib.torch.sample` does: first the k likeliest symbols are kept, START is not
    among them, then their logits are divided by the temperature. Draws compare random numbers from
    a fixed table with the running sum of the probabilities, the likeliest symbol first.

    Parameters
    ----------
    contexts
        Texts to choose from; the small character model reads each after a line break.
    temperature, top_k
        τ, from 0.1 to 3, and k at first; 0 keeps all.

    Raises
    ------
    ValueError
        If there is no list of contexts, one has a character that the model does not know, or
        temperature or top_k are outside their ranges.
    """

    title = "Temperature and top-k"
    scripts = ("arithmetic", "symbols", "temperature")

    @checked
    def __init__(
        self,
        contexts: Sequence[str] = CONTEXTS,
        temperature: float = 0.5,
        top_k: int = 0,
        name: str = "temperature",
    ) -> None:
        if not contexts or isinstance(contexts, str):  # a text is a sequence of texts, too
            raise ValueError(f"expected a list of at least one context, got {contexts!r}")
        model = text_model()
        # START, the first symbol, is never drawn: a text starts only once.
        logits = [model.read("\n" + context)[1][-1, 1:].tolist() for context in contexts]
        options = [f"“{context}”".replace("\n", "↵") for context in contexts]
        symbols = [*model.vocabulary.alphabet, "END"]
        controls = [
            Choice("context", "After", options[0], options),
            Slider("tau", "Temperature τ", temperature, 0.1, 3, 0.1),
            Slider("k", "Top-k (0: all)", top_k, 0, len(symbols)),
            Slider("draws", "Draws", 20, 0, DRAWS, 20),
        ]
        # Six digits are as good as sixteen here, and shorter.
        uniform = np.random.default_rng(0).integers(0, 10**6, DRAWS) / 10**6
        data = {"options": options, "logits": logits, "symbols": symbols}
        super().__init__(name, controls, {**data, "uniform": uniform.tolist()})

    def compute(self, state: State) -> Numbers:
        """Return probabilities and draws of the likeliest symbols, and of the rest in one.

        ``before`` is at τ = 1 with all symbols, ``after`` as chosen; ``entropies`` are theirs, in
        bits; ``counts`` is how often each symbol is drawn.
        """
        z = np.array(self.data["logits"][self.data["options"].index(state["context"])])
        order = np.argsort(-z, kind="stable")
        kept = order[: state["k"] or None]  # eq-shakespeare-topk
        before, after = softmax(z[order]), np.zeros_like(z)
        after[: len(kept)] = softmax(z[kept] / state["tau"])  # eq-shakespeare-temperature
        uniform = np.array(self.data["uniform"][: state["draws"]])
        drawn = np.searchsorted(np.cumsum(after), uniform, side="right")
        counts = np.bincount(drawn, minlength=len(z))
        return {
            "symbols": [self.data["symbols"][k] for k in order[:SHOWN]],
            "kept": len(kept),
            "before": _with_rest(before),
            "after": _with_rest(after),
            "counts": _with_rest(counts),
            "entropies": [bits(before), bits(after)],
        }

    def describe(self, state: State, numbers: Numbers) -> str:
        (before, after), (p, q) = numbers["entropies"], (numbers["before"], numbers["after"])
        likeliest, draws = named(numbers["symbols"][0]), state["draws"]
        among = f" among the {state['k']} likeliest" if state["k"] else ""
        said = (
            f"After {state['context']}, at τ = {show(state['tau'], 1)}{among}, {likeliest} has "
            f"probability {show(q[0])} ({show(p[0])} at τ = 1 among all). The entropy is "
            f"{show(after)} bits ({show(before)}), the perplexity {show(2**after)} "
            f"({show(2**before)})."
        )
        if draws:
            said += (
                f" Of {draws} draws {numbers['counts'][0]} are {likeliest}; "
                f"{show(draws * q[0], 1)} are expected."
            )
        return said

    def draw(self, state: State, numbers: Numbers) -> str:
        left, right = EDGES
        before, after, counts = (numbers[key] for key in ("before", "after", "counts"))
        draws = max(state["draws"], 1)
        width = (right - left) / (len(before) + REST)
        most = max(*before, *after, max(counts) / draws)
        top = next(limit for limit in (0.1, 0.2, 0.5, 1) if most <= limit)
        marks = []
        for share in (0, top / 2, top):
            y = 150 - 140 * share / top
            marks.append(
                f'<path d="M {left} {y} H {right}" style="stroke:var(--line)"/>'
                f'<text x="{left - 5}" y="{y + 4}" text-anchor="end">{show(share)}</text>'
            )
        for row, (p, q, count) in enumerate(zip(before, after, counts, strict=True)):
            x = left + width * (row if row < SHOWN else row + REST)
            middle = x + width / 2
            out = row >= numbers["kept"]
            label = visible(numbers["symbols"][row]) if row < SHOWN else "rest"
            size, height = 140 * p / top, 140 * q / top
            marks.append(
                f'<rect x="{x + 4:.1f}" y="{150 - height:.1f}" width="{width - 8:.1f}" '
                f'height="{height:.1f}" style="fill:var(--blue)"/>'
                f'<rect x="{x + 1.5:.1f}" y="{150 - size:.1f}" width="{width - 3:.1f}" '
                f'height="{size:.1f}" style="fill:none;stroke:var(--muted)"/>'
                f'<text x="{middle:.1f}" y="166" text-anchor="middle" '
                f'style="fill:var({"--muted" if out else "--ink"})">{label}</text>'
            )
            if state["draws"] and not out:
                y = 150 - 140 * count / draws / top
                marks.append(
                    f'<path d="M {middle - 4:.1f} {y:.1f} l 4 -4 l 4 4 l -4 4 z" '
                    'style="fill:var(--vermillion);stroke:var(--card)"/>'
                    f'<text x="{middle:.1f}" y="184" text-anchor="middle">{count}</text>'
                )
        tau, k = show(state["tau"], 1), state["k"]
        chosen = f"τ = {tau}" + (f", top {k}" if k else "")
        legend = [
            (
                '<path d="M 1 12 V 1 H 9 V 12 Z" style="fill:none;stroke:var(--muted)"/>',
                "τ = 1, all",
            ),
            ('<path d="M 1 12 V 1 H 9 V 12 Z" style="fill:var(--blue)"/>', chosen),
            (
                '<path d="M 0 7 l 5 -5 l 5 5 l -5 5 z" style="fill:var(--vermillion)"/>',
                f"share of {state['draws']} draws",
            ),
        ]
        items = "".join(
            '<span style="display:inline-flex;align-items:center;gap:0.4rem">'
            f'<svg viewBox="0 0 10 13" style="width:10px;margin:0" aria-hidden="true">{swatch}'
            f"</svg>{escape(words)}</span>"
            for swatch, words in legend
        )
        return (
            '<p style="margin:0 0 0.4rem;display:flex;flex-wrap:wrap;gap:0 1.2rem;'
            f'justify-content:center">{items}</p>'
            f'<svg viewBox="0 0 400 190" aria-hidden="true">{"".join(marks)}</svg>'
        )


def _with_rest(values: np.ndarray) -> list[float]:
    """Return the first values, in the order of the symbols, and the sum of all others."""
    return [*values[:SHOWN].tolist(), values[SHOWN:].sum().item()]
