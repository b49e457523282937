"""How well a row classifier reads that is small enough for a page (``lstmlib.widgets``)."""

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lstmlib.analysis import trace_gates
from lstmlib.data import RowBatches, digits, distort, rows
from lstmlib.lab.experiment import Result, experiment, grid
from lstmlib.torch import RowClassifier, evaluate, fit
from lstmlib.weights import from_torch


class EveryRow(RowClassifier):
    """A row classifier that is asked after every row, so that its answers on the way count."""

    def score(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Compute the mean cross-entropy of all rows, and the accuracy of the last."""
        everywhere = F.cross_entropy(outputs.flatten(0, 1), targets.repeat(len(outputs)))
        return super().score(outputs, targets) | {"loss": everywhere}  # eq-digits-every-row


def train(seed: int, hidden_size: int, epochs: int) -> EveryRow:
    """Train on distorted copies of 350 digits of each class; 50 others choose the best epoch."""
    data = digits()
    choose = np.arange(len(data.train_images)) % 400 >= 350  # as chapter 10 splits them
    learn, valid = ~choose, choose
    augment = functools.partial(distort, rotation=12, scale=0.12, shear=0.15, shift=2.5)
    batches = RowBatches(
        data.train_images[learn], data.train_labels[learn], 64, seed=seed, augment=augment
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = EveryRow(hidden_size=hidden_size)
    fit(
        model,
        batches,
        RowBatches(data.train_images[valid], data.train_labels[valid], 250),
        epochs=epochs,
        lr=5e-3,
        seed=seed,
        progress=False,
    )
    return model


def rounded(model: RowClassifier) -> dict[str, np.ndarray]:
    """Return the weights in half precision, named as ``lstmlib.widgets.digit_rows`` has them."""
    output = from_torch(model.output.state_dict())
    arrays = {
        **from_torch(model.lstm.layers[0].state_dict()),
        "W": output["W"],
        "b_out": output["b"],
    }
    return {name: array.astype(np.float16) for name, array in arrays.items()}


def right_by_row(weights: dict[str, np.ndarray], images: np.ndarray) -> list[int]:
    """Return how many of the test digits, or of copies of them, are right after each row."""
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    h = trace_gates(weights, rows(images).astype(np.float64)).h
    answers = (h @ weights["W"].T + weights["b_out"]).argmax(axis=-1)
    return (answers == digits().test_labels).sum(axis=1).tolist()  # eq-digits-accuracy


@experiment(
    "How well does a row classifier read digits that a page can carry?",
    conditions=grid(hidden_size=[64], epochs=[80]),
    seeds=range(5),
)
def browser_digits(seed: int, *, hidden_size: int, epochs: int) -> Result:
    """Train, round to 16 bits, and measure on the 1,000 test digits.

    Returns
    -------
    right
        Test digits that are right after the last row, with weights in 32 bits.
    rounded right, rounded right by row
        With weights in 16 bits: after the last row, and after each.
    drawn right
        The same after the last row, from images in four levels of grey, as one draws them.
    weights, bytes
        How many there are, and how long they are in base64.
    """
    test = digits()
    model = train(seed, hidden_size, epochs)
    arrays = rounded(model)
    score = evaluate(model, RowBatches(test.test_images, test.test_labels, 250))
    by_row = right_by_row(arrays, test.test_images)
    four_levels = (np.rint(test.test_images / 85) * 85).astype(np.uint8)
    return {
        "right": round(score["accuracy"] * len(test.test_labels)),
        "rounded right": by_row[-1],
        "rounded right by row": by_row,
        "drawn right": right_by_row(arrays, four_levels)[-1],
        "weights": sum(array.size for array in arrays.values()),
        "bytes": sum(4 * -(-array.nbytes // 3) for array in arrays.values()),
    }
