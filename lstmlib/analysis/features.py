"""What a reader of plays knows at every character, as numbers that a unit may follow."""

import re

import numpy as np

PATTERNS = {
    "speaker's name": r"(?:\A|(?<=\n\n))[^\n:]+:(?=\n)",
    "question": r"(?:[^.!?:;\n]+\n)*[^.!?:;\n]*\?",
    "quotation": r'"[^"\n]*(?:\n[^"\n]+)*"',
    "aside": r"--[^-.!?:;\n]+(?:--|(?=[.!?:;\n]))",
}
"""Stretches of text that are opened and closed: inside them a feature is 1, elsewhere 0."""


def text_features(text: str) -> dict[str, np.ndarray]:
    """Return features of every character of a text laid out as plays are, each (n,) float64.

    ``"position in line"``
        Characters since the line break, which itself is 0.
    ``"position in word"``
        Which letter of the word it is, an apostrophe counting as one; 0 between words.
    ``"line of speech"``
        Lines since the speaker's name, which itself is 0.
    ``"speaker's name"``, ``"question"``, ``"quotation"``, ``"aside"``
        1 inside a speaker's name with its colon, a sentence up to its question mark, double quotes,
        a parenthesis between dashes; 0 elsewhere.

    What a question is shows at its end only: this feature knows more than a reader can.

    Raises
    ------
    ValueError
        If the text is empty.
    """
    if not text:
        raise ValueError("expected a text of at least one character, got an empty text")
    index = np.arange(len(text))
    letter = np.array([c.isalpha() or c == "'" for c in text])
    line_break = np.array([c == "\n" for c in text])
    features = {
        "position in line": _since(line_break, index),
        "position in word": _since(~letter, index),
        "line of speech": np.zeros(len(text)),
    }
    for name, pattern in PATTERNS.items():
        inside = np.zeros(len(text))
        for match in re.finditer(pattern, text):
            inside[match.start() : match.end()] = 1
        features[name] = inside
    lines = np.cumsum(line_break)
    in_name = features["speaker's name"] > 0
    at_name = np.maximum.accumulate(np.where(in_name, lines, 0))
    features["line of speech"] = (lines - at_name).astype(np.float64)
    return features


def _since(mark: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return how many characters ago the last mark was; the place before the text is one."""
    return (index - np.maximum.accumulate(np.where(mark, index, -1))).astype(np.float64)
