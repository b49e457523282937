"""Features of a text that was written so that every one of them can be said by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.analysis import text_features

TEXT = 'ANNE:\nO, who\'s there?\nIt is--I fear--he:\nsay "No."\n\nBOB:\nYes.'


def inside(name):
    """The stretches in which a feature is 1."""
    marked = "".join(
        c if on else "|" for c, on in zip(TEXT, text_features(TEXT)[name], strict=True)
    )
    return [part for part in marked.split("|") if part]


def test_stretches():
    assert inside("speaker's name") == ["ANNE:", "BOB:"]
    assert inside("question") == ["O, who's there?"]
    assert inside("quotation") == ['"No."']
    assert inside("aside") == ["--I fear--"]


def test_positions():
    features = text_features(TEXT)
    line, word, speech = (
        features[f"{a} {b}"].astype(int).tolist()
        for a, b in [("position in", "line"), ("position in", "word"), ("line of", "speech")]
    )
    assert line[:9] == [1, 2, 3, 4, 5, 0, 1, 2, 3]
    at = TEXT.index("who's")
    assert word[at - 1 : at + 6] == [0, 1, 2, 3, 4, 5, 0]
    assert [speech[TEXT.index(s)] for s in ("ANNE", "O,", "It", "say", "BOB", "Yes")] == [
        0, 1, 2, 3, 0, 1,
    ]  # fmt: skip


def test_a_question_over_several_lines_ends_where_the_sentence_before_does():
    text = "I go. Will you\ncome with me,\nor stay? No."
    question = text_features(text)["question"]
    assert "".join(np.array(list(text))[question > 0]) == " Will you\ncome with me,\nor stay?"


@given(st.text("aB'\n:? -\"", min_size=1))
def test_every_character_has_every_feature(text):
    features = text_features(text)
    assert all(f.shape == (len(text),) and f.dtype == np.float64 for f in features.values())
    for name in ("speaker's name", "question", "quotation", "aside"):
        assert set(features[name]) <= {0.0, 1.0}
    assert all(f.min() >= 0 for f in features.values())
    assert all((features["position in line"] == 0) == [c == "\n" for c in text])


def test_an_empty_text_is_refused():
    with pytest.raises(ValueError, match="at least one character"):
        text_features("")
