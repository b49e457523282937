"""Texts, their dictionaries, and batches of contiguous streams."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from lstmlib._shapes import checked
from lstmlib.data.download import TINY_SHAKESPEARE, fetch, read_embedded


def shakespeare() -> str:
    """Return the embedded text: eight plays of Shakespeare, 1,026,314 characters.

    The data card beside the file, ``embedded/shakespeare.json``, tells where it comes from.

    Raises
    ------
    ValueError
        If the embedded file is truncated or altered.
    """
    return read_embedded("shakespeare.txt").decode("ascii")


def tiny_shakespeare() -> str:
    """Return tiny shakespeare, 1,115,394 characters, as in Karpathy's char-rnn and nanoGPT.

    It is taken from the folder ``LSTMLIB_DATA`` (``tinyshakespeare.txt``), from the cache, or
    downloaded.

    Raises
    ------
    ValueError
        If the file is truncated or altered.
    ConnectionError
        If it has to be downloaded and cannot be.
    """
    return fetch(TINY_SHAKESPEARE).decode("ascii")


def train_valid_split(text: str, train: float = 0.9) -> tuple[str, str]:
    """Split a text into its first ``int(len(text) * train)`` characters and the rest.

    With the default this is the split of nanoGPT.

    Raises
    ------
    ValueError
        If ``train`` is not between 0 and 1, or one of the parts would be empty.
    """
    if not 0 < train < 1:
        raise ValueError(f"expected a share 0 < train < 1, got {train}")
    n = int(len(text) * train)
    if n == 0 or n == len(text):
        raise ValueError(f"expected a text long enough for two parts, got {len(text)} characters")
    return text[:n], text[n:]


class Vocabulary:
    """The dictionary of a character model: START, the characters in sorted order, END.

    Parameters
    ----------
    alphabet
        The characters, each once. The first of them in sorted order gets the number 1.

    Raises
    ------
    ValueError
        If the alphabet is empty or has a character twice.
    """

    START = 0

    def __init__(self, alphabet: str) -> None:
        if not alphabet:
            raise ValueError("expected an alphabet of at least one character, got an empty text")
        self.alphabet = "".join(sorted(set(alphabet)))
        if len(self.alphabet) != len(alphabet):
            twice = sorted(c for c in self.alphabet if alphabet.count(c) > 1)
            raise ValueError(f"expected each character once, got these more than once: {twice}")
        self.END = len(alphabet) + 1
        self._codes = _codes(self.alphabet)

    @classmethod
    def from_text(cls, text: str) -> "Vocabulary":
        """Return the vocabulary of the characters that occur in ``text``."""
        if not text:
            raise ValueError("expected a text with at least one character, got an empty text")
        return cls("".join(set(text)))

    def __len__(self) -> int:
        """Count the symbols: the characters, START and END."""
        return len(self.alphabet) + 2

    def __repr__(self) -> str:
        return f"Vocabulary({self.alphabet!r})"

    def encode(self, text: str) -> Int[np.ndarray, "n"]:
        """Return the number of each character of ``text``.

        Raises
        ------
        ValueError
            If a character is not in the alphabet: the message has it, its position and the
            alphabet.
        """
        codes = _codes(text)
        places = np.searchsorted(self._codes, codes)
        places[places == len(self._codes)] = 0
        unknown = np.flatnonzero(self._codes[places] != codes)
        if len(unknown):
            i = int(unknown[0])
            line, column = text.count("\n", 0, i) + 1, i - (text.rfind("\n", 0, i) + 1) + 1
            raise ValueError(
                f"character {text[i]!r} at index {i} (line {line}, column {column}) "
                f"is not in the alphabet {self.alphabet!r}"
            )
        return places + 1

    @checked
    def decode(self, ids: Int[np.ndarray, "n"]) -> str:
        """Return the text of the numbers ``ids``; START and END have no character and add nothing.

        Raises
        ------
        ValueError
            If a number is below 0 or above END.
        """
        wrong = np.flatnonzero((ids < self.START) | (ids > self.END))
        if len(wrong):
            i = int(wrong[0])
            raise ValueError(f"expected ids from 0 to {self.END}, got {ids[i]} at index {i}")
        characters = ["", *self.alphabet, ""]
        return "".join([characters[k] for k in ids])

    def inputs_and_targets(self, text: str) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
        """Return START + text and text + END: at each step the target is the next symbol."""
        ids = self.encode(text)
        return np.append(self.START, ids), np.append(ids, self.END)  # eq-shakespeare-targets


def _codes(text: str) -> np.ndarray:
    """Return the code point of each character, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class Streams:
    """Batches for stateful training: B contiguous parts of a text read side by side.

    Column b of a batch goes on where column b of the batch before it stopped, so the state after
    one batch is the state before the next. The targets are the inputs shifted by one. Every epoch
    is the same.

    Parameters
    ----------
    ids
        The text as numbers, (N,).
    batch_size
        B, the number of streams; each has (N - 1) // B steps. The fewer than B characters left over
        at the end are not read.
    steps
        T, the length of a batch. The last batch of an epoch has the steps that are left.

    Raises
    ------
    ValueError
        If ``batch_size`` or ``steps`` is below 1, or a stream is shorter than one batch.
    """

    @checked
    def __init__(self, ids: Int[np.ndarray, "N"], batch_size: int, steps: int) -> None:
        if batch_size < 1 or steps < 1:
            raise ValueError(
                f"expected batch_size >= 1 and steps >= 1, got {batch_size} and {steps}"
            )
        n = (len(ids) - 1) // batch_size
        if n < steps:
            raise ValueError(
                f"expected at least batch_size * steps + 1 = {batch_size * steps + 1} characters "
                f"({batch_size} streams of one window of {steps} steps), got {len(ids)}"
            )
        ids = ids.astype(np.int64)
        self.inputs = ids[: batch_size * n].reshape(batch_size, n).T
        self.targets = ids[1 : batch_size * n + 1].reshape(batch_size, n).T
        self.steps = steps

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self.inputs) // self.steps)

    def epoch(self, k: int) -> Iterator[tuple[Int[np.ndarray, "T B"], Int[np.ndarray, "T B"]]]:
        """Yield (inputs, targets), in the order of the text; the same for every ``k``."""
        del k
        for t in range(0, len(self.inputs), self.steps):
            window = slice(t, t + self.steps)
            yield self.inputs[window].copy(), self.targets[window].copy()
