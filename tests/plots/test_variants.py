import numpy as np
import pytest

from lstmlib import plots


def test_the_gru_has_one_state_and_the_lstm_two():
    (ax,) = plots.lstm_and_gru().axes
    texts = [text.get_text() for text in ax.texts]
    for name in ("$c_{t-1}$", "$f_t$", "$o_t$", "$h_{t-1}$", "$z_t$"):
        assert texts.count(name) == 1
    assert texts.count("$h_t$") == 2  # shown by both


def test_films_show_every_frame_in_its_place():
    rng = np.random.default_rng(0)
    seen, guess = rng.random((3, 4, 5)), np.full((3, 4, 5), np.nan)
    guess[2] = rng.random((4, 5))
    fig = plots.films({"film": seen, "guess": guess}, ["1", "2", "3"])
    grid = np.reshape(fig.axes, (2, 3))
    for film, row in zip((seen, guess), grid, strict=True):
        for frame, ax in zip(film, row, strict=True):
            shown = [image.get_array() for image in ax.images]
            if np.isnan(frame).all():
                assert shown == []
            else:
                np.testing.assert_array_equal(shown[0], frame)
    assert [row[0].get_ylabel() for row in grid] == ["film", "guess"]
    assert [ax.get_title() for ax in grid[0]] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("films", "said"),
    [
        ({}, "at least one film"),
        ({"a": np.ones((2, 4, 4))}, r"film 'a': expected 3 frames.*\(2, 4, 4\)"),
        ({"a": np.ones((3, 4))}, r"film 'a': expected 3 frames.*\(3, 4\)"),
    ],
)
def test_films_that_do_not_fit(films, said):
    with pytest.raises(ValueError, match=said):
        plots.films(films, ["1", "2", "3"])
