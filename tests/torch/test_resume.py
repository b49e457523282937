"""Interrupted and resumed, a training gives the bits of the uninterrupted one."""

import copy
import signal

import numpy as np
import pytest
import torch

from lstmlib.torch import TrainingInterrupted, fit

POINTS = [(0, 0), (0, 3), (0, 4), (1, 0), (1, 2), (2, 0), (2, 3)]


@pytest.mark.parametrize("at", POINTS)
def test_ctrl_c_then_resume(small, uninterrupted, assert_same_bits, folder, at):
    expected, history = uninterrupted
    path = folder / "run.safetensors"
    model = small.model()
    with pytest.raises(TrainingInterrupted) as caught:
        small.fit(model, small.interrupted(at), checkpoint=path)
    assert caught.value.checkpoint == path
    assert f"after step {at[0] * small.batches + at[1] + 1} of 15" in str(caught.value)

    torch.manual_seed(99)  # whatever else was drawn since
    model = small.model()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert small.fit(model, checkpoint=path, resume=True) == history
    assert_same_bits(model, expected)


@pytest.mark.parametrize("at", [(1, 0), (1, 3), (2, 4)])
def test_crash_then_resume_from_the_last_epoch(small, uninterrupted, assert_same_bits, folder, at):
    expected, history = uninterrupted
    path = folder / "run.safetensors"
    with pytest.raises(RuntimeError, match="the data went away"):
        small.fit(small.model(), small.interrupted(at, small.crash), checkpoint=path)
    model = small.model()
    assert small.fit(model, checkpoint=path, resume=True) == history
    assert_same_bits(model, expected)


def test_interrupted_again_and_again(small, uninterrupted, assert_same_bits, folder):
    expected, history = uninterrupted
    path = folder / "run.safetensors"
    model = small.model()
    for number, at in enumerate(POINTS[1:]):
        with pytest.raises(TrainingInterrupted):
            small.fit(model, small.interrupted(at), checkpoint=path, resume=number > 0)
    assert small.fit(model, checkpoint=path, resume=True) == history
    assert_same_bits(model, expected)


def test_resuming_what_is_finished_gives_it_again(small, uninterrupted, assert_same_bits, folder):
    expected, history = uninterrupted
    path = folder / "run.safetensors"
    small.fit(small.model(), checkpoint=path)
    model = small.model()
    assert (
        small.fit(model, small.interrupted((2, 0), small.crash), checkpoint=path, resume=True)
        == history
    )
    assert_same_bits(model, expected)


def test_the_best_weights_survive(small, assert_same_bits, folder):
    """Those of the first epoch are the best; they come out of a training resumed in the third."""
    path = folder / "run.safetensors"
    options = {"epochs": 3, "lr": 0.03, "progress": False}
    valid = type(small.train)(np.full(81, 3), 1, 40)  # which training on other text unlearns
    expected = small.model()
    with torch.no_grad():
        expected.output.bias[3] = 5.0
    model = copy.deepcopy(expected)
    history = fit(expected, small.train, valid, **options)
    assert history.best == history.valid[0]
    with pytest.raises(TrainingInterrupted):
        fit(model, small.interrupted((2, 1)), valid, checkpoint=path, **options)
    model = small.model()
    assert fit(model, small.train, valid, checkpoint=path, resume=True, **options) == history
    assert_same_bits(model, expected)


def test_steps_may_end_within_an_epoch(small, assert_same_bits, folder):
    path = folder / "run.safetensors"
    expected = small.model()
    history = small.fit(expected, epochs=None, steps=8)
    assert len(history.loss) == 8
    assert [scores["step"] for scores in history.valid] == [5, 8]
    model = small.model()
    with pytest.raises(TrainingInterrupted):
        small.fit(model, small.interrupted((1, 1)), epochs=None, steps=8, checkpoint=path)
    assert small.fit(model, epochs=None, steps=8, checkpoint=path, resume=True) == history
    assert_same_bits(model, expected)


def test_checkpointing_changes_nothing(small, uninterrupted, assert_same_bits, folder):
    model = small.model()
    assert small.fit(model, checkpoint=folder / "run.safetensors") == uninterrupted[1]
    assert_same_bits(model, uninterrupted[0])


def test_ctrl_c_while_validating(small, uninterrupted, assert_same_bits, folder, monkeypatch):
    path = folder / "run.safetensors"
    pressing = type(small.interrupted((0, 1)))(
        small.data[0][::-1].copy(), 2, 30, at=(0, 1), do=small.press_ctrl_c
    )
    with monkeypatch.context() as patch:
        patch.setattr(small, "valid", pressing)
        with pytest.raises(TrainingInterrupted, match="after step 6 of 15"):
            small.fit(small.model(), checkpoint=path)
    model = small.model()
    assert small.fit(model, checkpoint=path, resume=True) == uninterrupted[1]
    assert_same_bits(model, uninterrupted[0])


def test_a_second_ctrl_c_interrupts_at_once(small, folder):
    def press_twice():
        small.press_ctrl_c()
        small.press_ctrl_c()

    with pytest.raises(KeyboardInterrupt) as caught:
        small.fit(
            small.model(),
            small.interrupted((1, 1), press_twice),
            checkpoint=folder / "c.safetensors",
        )
    assert not isinstance(caught.value, TrainingInterrupted)


def test_without_a_checkpoint_ctrl_c_is_left_alone(small):
    with pytest.raises(KeyboardInterrupt) as caught:
        small.fit(small.model(), small.interrupted((1, 1)))
    assert not isinstance(caught.value, TrainingInterrupted)


def test_the_handler_of_ctrl_c_is_put_back(small, folder):
    before = signal.getsignal(signal.SIGINT)
    small.fit(small.model(), checkpoint=folder / "run.safetensors", epochs=1)
    assert signal.getsignal(signal.SIGINT) is before
