"""Small models, small data and ways to interrupt a training."""

import signal

import numpy as np
import pytest
import torch

from lstmlib.data import Streams
from lstmlib.torch import CharModel, fit


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


class InterruptedStreams(Streams):
    """Streams that once do something, such as pressing Ctrl-C, before one of the batches."""

    def __init__(self, *args, at, do):
        super().__init__(*args)
        self.at, self.do = at, do

    def epoch(self, k):
        for number, batch in enumerate(super().epoch(k)):
            if (k, number) == self.at:
                self.at = None
                self.do()
            yield batch


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def crash():
    raise RuntimeError("the data went away")


class Small:
    """A character model with every option on, its data, and a training of 3 epochs of 5 steps."""

    press_ctrl_c = staticmethod(press_ctrl_c)
    crash = staticmethod(crash)
    epochs, batches = 3, 5
    settings = {"epochs": 3, "lr": 0.01, "progress": False, "seed": 7}  # noqa: RUF012

    def __init__(self):
        symbols = np.random.default_rng(0).integers(0, 12, 4 * 48 + 1)
        self.data = symbols, 4, 10  # the last batch of an epoch has 8 steps
        self.train = Streams(*self.data)
        self.valid = Streams(symbols[::-1].copy(), 2, 30)

    def model(self, **changes):
        torch.manual_seed(1)
        options = {
            "vocab_size": 12,
            "hidden_size": 8,
            "num_layers": 2,
            "dropout": 0.3,
            "weight_drop": 0.2,
        }
        return CharModel(**options | changes)

    def interrupted(self, at, do=press_ctrl_c):
        return InterruptedStreams(*self.data, at=at, do=do)

    def fit(self, model, train=None, **changes):
        return fit(model, train or self.train, self.valid, **self.settings | changes)


@pytest.fixture(scope="session")
def small():
    return Small()


@pytest.fixture(scope="session")
def uninterrupted(small):
    """The model and the history of a training that nothing interrupted."""
    model = small.model()
    return model, small.fit(model)


@pytest.fixture
def assert_same_bits():
    def check(model, expected):
        a, b = model.state_dict(), expected.state_dict()
        assert a.keys() == b.keys()
        different = [name for name in a if not torch.equal(a[name], b[name])]
        assert not different

    return check


@pytest.fixture
def folder(tmp_path):
    """An empty folder; the test fails if something unfinished stays behind in it."""
    yield tmp_path
    assert not list(tmp_path.glob(".*"))
