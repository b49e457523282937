"""The small character model that a page carries: chapter 9's equations in ``lstmlib.numpy``."""

import functools
from html import escape

import numpy as np
from jaxtyping import Float

from lstmlib.analysis import GateTrace, trace_gates
from lstmlib.data import Vocabulary
from lstmlib.widgets.weights import stored


class TextModel:
    """Symbols → embedding → one LSTM layer → logits, from the weights of ``models/text.npz``.

    Attributes
    ----------
    vocabulary
        Its V symbols.
    weights
        ``E`` (V, D), a row for each symbol; ``W_x``, ``W_h`` and ``b`` of the layer; ``W`` (V, H)
        and ``b_out`` (V,) of the read-out.
    """

    def __init__(self) -> None:
        arrays = stored("text")
        self.vocabulary = Vocabulary(str(arrays.pop("alphabet")))
        self.weights = arrays

    def read(
        self, text: str, state: tuple[np.ndarray, np.ndarray] | None = None
    ) -> tuple[GateTrace, Float[np.ndarray, "T V"]]:
        """Return gates and states at each character of a text, and the logits of what follows it.

        The state before the text is (h, c), each (1, H); 0 where it is not given.

        Raises
        ------
        ValueError
            If a character is not in the alphabet.
        """
        x = self.weights["E"][self.vocabulary.encode(text)]  # eq-shakespeare-embedding
        trace = trace_gates(self.weights, x[:, None], state)  # eq-shakespeare-lstm
        return trace, trace.h[:, 0] @ self.weights["W"].T + self.weights["b_out"]


@functools.cache
def text_model() -> TextModel:
    """Return the model, read from its file once."""
    return TextModel()


def bits(p: Float[np.ndarray, "n"]) -> float:
    """Return the entropy of a distribution in bits; what has probability 0 adds nothing."""
    some = p[p > 0]
    return float((some * np.log2(1 / some)).sum())


def visible(symbol: str) -> str:
    """Return what is drawn for a symbol, as HTML."""
    return escape({"\n": "↵", " ": "␣"}.get(symbol, symbol))


def named(symbol: str) -> str:
    """Return what a sentence calls a symbol."""
    return {"\n": "a line break", " ": "a space"}.get(symbol, f"“{symbol}”")
