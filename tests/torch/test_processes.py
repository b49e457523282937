"""Two processes train as one.

They are started by torchrun, as ``accelerate launch --multi_gpu`` does; for processes on CPUs alone
``accelerate launch`` itself wants MPI.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lstmlib.data import RowBatches, Streams
from lstmlib.torch import CharModel, RowClassifier, TrainingInterrupted, evaluate, fit, load_model
from lstmlib.torch import save_model as save

SCRIPT = """
import importlib.util
import sys

spec = importlib.util.spec_from_file_location("train", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.train(sys.argv[2])
"""


def char_training(folder, at=None, dropout=0.0, **options):
    """5 streams, which two processes can only share unequally."""
    symbols = np.random.default_rng(0).integers(0, 9, 5 * 30 + 1)
    train = Streams(symbols, 5, 8)
    if at is not None:
        train = Interrupted(symbols, 5, 8)
        train.at = at
    torch.manual_seed(0)
    model = CharModel(9, 6, 2, dropout).double()
    valid = Streams(symbols[::-1].copy(), 3, 20)
    history = fit(model, train, valid, epochs=2, lr=0.02, progress=False, **options)
    return model, history


class Interrupted(Streams):
    """Ctrl-C reaches only the second process."""

    def epoch(self, k):
        for number, batch in enumerate(super().epoch(k)):
            if (k, number) == self.at and os.environ["RANK"] == "1":
                import signal

                signal.raise_signal(signal.SIGINT)
            yield batch


def row_training(folder):
    """The last batch has one image: one of the processes has nothing to do."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 28, 28), dtype=np.uint8)
    batches = RowBatches(images, np.arange(9), 4, seed=1)
    torch.manual_seed(0)
    model = RowClassifier(hidden_size=6)
    history = fit(model, batches, batches, epochs=2, lr=0.02, progress=False)
    return model, history, batches


def seed_of_dropout(batches):
    seeds = []

    class Seeded(RowClassifier):
        def loss(self, *args):
            seeds.append(torch.initial_seed())
            return super().loss(*args)

    fit(Seeded(hidden_size=6), batches, steps=1, lr=0.02, seed=3, progress=False)
    return seeds[0]


def train(folder):
    """What each of the two processes does."""
    rank = os.environ["RANK"]
    assert os.environ["WORLD_SIZE"] == "2"
    model, history = char_training(folder)
    save(f"{folder}/char{rank}", model, vars(history))
    model, history, batches = row_training(folder)
    extra = {"scores": evaluate(model, batches), "seed": seed_of_dropout(batches)}
    save(f"{folder}/rows{rank}", model, vars(history) | extra)

    path = f"{folder}/run"
    expected, history = char_training(folder, dropout=0.4)
    for at in [(0, 1), (1, 2)]:
        try:
            char_training(folder, at, 0.4, checkpoint=path, resume=at != (0, 1))
        except TrainingInterrupted as stopped:
            save(f"{folder}/interrupted{rank}-{at[0]}", expected, {"message": str(stopped)})
    model, again = char_training(folder, dropout=0.4, checkpoint=path, resume=True)
    assert history == again
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), expected.parameters(), strict=True)
    )
    save(f"{folder}/resumed{rank}", model)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, script, __file__, folder],
        env=os.environ
        | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_gradients_add_up_to_those_of_one_process(two_processes):
    """In float64: the losses, gradient norms, validations and final weights of a whole training."""
    expected, history = char_training(None)
    for rank in range(2):
        model, got = load_model(two_processes / f"char{rank}")
        assert got["loss"] == pytest.approx(history.loss, rel=1e-12)
        assert got["gradient_norm"] == pytest.approx(history.gradient_norm, rel=1e-10)
        assert [v["loss"] for v in got["valid"]] == pytest.approx(
            [v["loss"] for v in history.valid], rel=1e-10
        )
        for a, b in zip(model.parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_more_processes_than_examples(two_processes):
    expected, history, batches = row_training(None)
    for rank in range(2):
        model, got = load_model(two_processes / f"rows{rank}")
        assert got["loss"] == pytest.approx(history.loss, rel=1e-5)
        assert got["scores"] == pytest.approx(evaluate(expected, batches), rel=1e-5)
        for a, b in zip(model.parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_each_process_has_dropout_of_its_own(two_processes):
    seeds = [load_model(two_processes / f"rows{rank}")[1]["seed"] for rank in range(2)]
    assert seeds[0] != seeds[1]


def test_both_processes_end_with_the_same_weights(two_processes):
    for name in ("char", "rows", "resumed"):
        a, b = (load_model(two_processes / f"{name}{rank}")[0] for rank in range(2))
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            assert torch.equal(p, q)


def test_ctrl_c_in_one_process_stops_both_and_they_resume(two_processes):
    for epoch, step in ((0, 2), (1, 7)):
        for rank in range(2):
            _, extra = load_model(two_processes / f"interrupted{rank}-{epoch}")
            assert f"stopped after step {step} of 8" in extra["message"]


def test_a_checkpoint_of_two_processes_is_refused_by_one(two_processes):
    with pytest.raises(ValueError, match="settings processes 1, got 2"):
        char_training(None, dropout=0.4, checkpoint=two_processes / "run", resume=True)
