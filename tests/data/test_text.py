import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from lstmlib.data import Streams, Vocabulary, shakespeare, train_valid_split

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


def test_first_citizen_has_the_numbers_of_a_sorted_dictionary(tiny_text):
    v = Vocabulary.from_text(tiny_text)
    inputs, targets = v.inputs_and_targets("First Citizen:")
    numbers = [0, 19, 48, 57, 58, 59, 2, 16, 48, 59, 48, 65, 44, 53, 11]
    assert len(v) == 67
    assert inputs.tolist() == numbers
    assert targets.tolist() == [*numbers[1:], 66]


def test_tiny_shakespeare_is_split_as_nanogpt_does(tiny_text):
    train, valid = train_valid_split(tiny_text)
    assert (len(train), len(valid)) == (1_003_854, 111_540)
    assert train + valid == tiny_text


@given(texts)
def test_decode_undoes_encode(text):
    v = Vocabulary.from_text(text)
    ids = v.encode(text)
    assert ids.dtype == np.int64
    assert ids.min() >= 1
    assert ids.max() == len(v.alphabet) == len(v) - 2
    assert v.decode(ids) == text


@given(texts)
def test_the_dictionary_is_start_the_sorted_characters_end(text):
    v = Vocabulary.from_text(text)
    assert list(v.alphabet) == sorted(set(text))
    assert v.encode(v.alphabet).tolist() == list(range(v.START + 1, v.END))
    assert Vocabulary(v.alphabet).alphabet == v.alphabet


@given(texts)
def test_targets_are_inputs_shifted_by_one(text):
    v = Vocabulary.from_text(text)
    inputs, targets = v.inputs_and_targets(text)
    assert inputs.dtype == targets.dtype == np.int64
    assert inputs[0] == v.START
    assert targets[-1] == v.END
    np.testing.assert_array_equal(inputs[1:], targets[:-1])
    assert v.decode(inputs) == v.decode(targets) == text


def test_an_empty_text_encodes_to_nothing():
    v = Vocabulary("ab")
    assert v.encode("").shape == (0,)
    assert v.decode(v.encode("")) == ""
    assert [x.tolist() for x in v.inputs_and_targets("")] == [[0], [3]]


@pytest.mark.parametrize("character", ["é", "A", "\U0001f600", "\ud800", "~"])
def test_an_unknown_character_is_named_with_its_place_and_the_alphabet(character):
    v = Vocabulary.from_text("first citizen\n")
    with pytest.raises(ValueError, match="not in the alphabet") as error:
        v.encode(f"first\ncit{character}zen")
    message = str(error.value)
    assert repr(character) in message
    assert "index 9 (line 2, column 4)" in message
    assert repr(v.alphabet) in message


@pytest.mark.parametrize("wrong", [-1, 4, 2**40])
def test_an_id_outside_the_vocabulary_is_named(wrong):
    with pytest.raises(ValueError, match=f"from 0 to 3, got {wrong} at index 1"):
        Vocabulary("ab").decode(np.array([1, wrong]))


def test_ids_must_be_integers_on_one_axis():
    for ids in (np.array([1.0]), np.array([[1]])):
        with pytest.raises(TypeCheckError, match="ids"):
            Vocabulary("ab").decode(ids)


def test_an_alphabet_has_each_character_once():
    with pytest.raises(ValueError, match=r"more than once: \['a', 'c'\]"):
        Vocabulary("abcac")
    for make in (Vocabulary, Vocabulary.from_text):
        with pytest.raises(ValueError, match="got an empty text"):
            make("")


@given(texts.filter(lambda t: len(t) > 1), st.floats(0.01, 0.99))
def test_a_split_loses_nothing(text, share):
    n = int(len(text) * share)
    if n == 0:
        with pytest.raises(ValueError, match=f"got {len(text)} characters"):
            train_valid_split(text, share)
    else:
        assert train_valid_split(text, share) == (text[:n], text[n:])


def test_a_split_needs_a_text_and_a_share():
    for share in (0.0, 1.0, 1.5, -0.1):
        with pytest.raises(ValueError, match=f"got {share}"):
            train_valid_split("some text", share)
    with pytest.raises(ValueError, match="got 0 characters"):
        train_valid_split("")


@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 40), st.integers(0, 6))
def test_streams_cover_each_character_once_and_in_order(batch_size, steps, more, rest):
    n = steps + more  # steps of each stream
    rest = min(rest, batch_size - 1)
    ids = np.random.default_rng(0).integers(0, 100, batch_size * n + 1 + rest)
    streams = Streams(ids, batch_size, steps)
    batches = list(streams.epoch(0))
    assert len(streams) == len(batches) == -(-n // steps)
    assert [x.shape for x, _ in batches[:-1]] == [(steps, batch_size)] * (len(batches) - 1)
    inputs = np.concatenate([x for x, _ in batches])
    targets = np.concatenate([y for _, y in batches])
    assert inputs.dtype == targets.dtype == np.int64
    for b in range(batch_size):
        np.testing.assert_array_equal(inputs[:, b], ids[b * n : (b + 1) * n])
        np.testing.assert_array_equal(targets[:, b], ids[b * n + 1 : (b + 1) * n + 1])


def test_every_epoch_of_streams_is_the_same_and_its_own_copy():
    streams = Streams(np.arange(32), 3, 4)
    for x, y in streams.epoch(0):
        x[:] = y[:] = -1
    first = [x.tolist() for x, _ in streams.epoch(1)]
    assert first[0] == [[0, 10, 20], [1, 11, 21], [2, 12, 22], [3, 13, 23]]
    assert first == [x.tolist() for x, _ in streams.epoch(2)]


def test_a_text_shorter_than_one_window_is_refused():
    Streams(np.arange(41), 4, 10)
    for n in (40, 1, 0):
        with pytest.raises(ValueError, match=f"at least .* = 41 characters .* got {n}"):
            Streams(np.arange(n), 4, 10)
    for batch_size, steps in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(ValueError, match=f"got {batch_size} and {steps}"):
            Streams(np.arange(41), batch_size, steps)
    with pytest.raises(TypeCheckError, match="ids"):
        Streams(np.zeros(41), 4, 10)


def test_the_embedded_text_is_laid_out_as_speeches():
    text = shakespeare()
    assert text.startswith(
        "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\n"
    )
    assert text.endswith(".\n\n")
    speeches = text[:-2].split("\n\n")
    assert len(speeches) == 7360
    for speech in speeches:
        speaker, *lines = speech.split("\n")
        assert speaker.endswith(":")
        assert speaker[0].isupper()
        assert len(speaker) < 40
        assert lines
        assert all(line == line.strip() != "" for line in lines)


def test_the_embedded_text_has_no_character_that_tiny_shakespeare_has_not(tiny_text):
    assert set(shakespeare()) < set(tiny_text)


def test_the_validation_part_of_the_embedded_text_is_in_no_training_text(tiny_text):
    train, valid = train_valid_split(shakespeare())
    assert set(valid) <= set(train)
    lines = {line for line in valid.split("\n") if len(line) > 20}
    assert len(lines) > 2000
    assert not lines & set(train.split("\n"))
    assert not lines & set(train_valid_split(tiny_text)[0].split("\n"))
