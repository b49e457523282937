"""Train the models that are small enough for a page, and store them for the interactive figures.

    python tools/train_browser_models.py text      about one minute on a core
    python tools/train_browser_models.py digits    about one minute on a core

The weights go, in 16 bits, to ``lstmlib/widgets/models/``. How good they are is in the record of
the experiments that they are seed 0 of: ``browser_text``, ``browser_digits``.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from lstmlib.lab import browser_digits, browser_text

MODELS = Path(__file__).resolve().parent.parent / "lstmlib" / "widgets" / "models"
SEED = 0


def text() -> dict[str, np.ndarray]:
    """Return the weights of the character model, and its alphabet."""
    (condition,) = browser_text.browser_text.conditions
    model = browser_text.train(SEED, **condition)
    alphabet = np.array(browser_text.VOCABULARY.alphabet)
    return browser_text.rounded(model) | {"alphabet": alphabet}


def digits() -> dict[str, np.ndarray]:
    """Return the weights of the row classifier."""
    (condition,) = browser_digits.browser_digits.conditions
    return browser_digits.rounded(browser_digits.train(SEED, **condition))


def main() -> None:
    """Train, and write the file."""
    train: dict[str, Callable[[], dict[str, np.ndarray]]] = {"digits": digits, "text": text}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=train)
    name = parser.parse_args().name
    torch.set_num_threads(1)  # sums come out as in the record
    MODELS.mkdir(exist_ok=True)
    np.savez_compressed(MODELS / f"{name}.npz", **train[name]())


if __name__ == "__main__":
    main()
