"""Train the two models that come with the library, and record in ``results/`` what came out.

    python tools/train_shipped.py shakespeare      about half an hour on 2 cores
    python tools/train_shipped.py digits           about ten minutes

Stopped with Ctrl-C, the same command with ``--resume`` goes on. The weights go, in 16 bits, to
``lstmlib/torch/pretrained/``; what the record says of them is measured on that file, as shipped.
"""

import argparse
import functools
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lstmlib
from lstmlib.data import (
    RowBatches,
    Streams,
    Vocabulary,
    digits,
    distort,
    tiny_shakespeare,
    train_valid_split,
)
from lstmlib.torch import CharModel, History, RowClassifier, evaluate, fit, load_model, save_model

ROOT = Path(__file__).resolve().parent.parent
SEED = 0

SHAKESPEARE = {
    "model": {"hidden_size": 448, "dropout": 0.4, "weight_drop": 0.25},
    "batches": {"batch_size": 32, "steps": 64},
    "fit": {"epochs": 40, "lr": 3e-3},
}
DIGITS = {
    "model": {"hidden_size": 192, "num_layers": 2, "dropout": 0.4},
    "batches": {"batch_size": 64},
    "distort": {"rotation": 12, "scale": 0.12, "shear": 0.15, "shift": 2.5},
    "fit": {"epochs": 120, "lr": 3e-3},
}


def train_shakespeare(checkpoint: Path, resume: bool) -> dict[str, Any]:
    """Train on the first 90 % of tiny shakespeare, keep the best epoch by the last 10 %."""
    # Products in bfloat16 while training: 1.7 times as fast on a processor with AVX512-BF16.
    # Weights, their updates and all that is measured stay float32.
    os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
    train, valid = train_valid_split(tiny_shakespeare())
    vocabulary = Vocabulary.from_text(train + valid)
    batches = Streams(
        np.concatenate([[vocabulary.START], vocabulary.encode(train), [vocabulary.END]]),
        **SHAKESPEARE["batches"],
    )
    valid_ids = vocabulary.encode(valid)
    torch.manual_seed(SEED)
    model = CharModel(len(vocabulary), **SHAKESPEARE["model"])
    history = fit(
        model,
        batches,
        Streams(valid_ids, 8, 1024),
        **SHAKESPEARE["fit"],
        seed=SEED,
        checkpoint=checkpoint,
        resume=resume,
    )
    shipped = ship("shakespeare", model, {"alphabet": vocabulary.alphabet})
    # One stream, so that every character but the first is predicted with all that came before it.
    measured = evaluate(shipped, Streams(valid_ids, 1, 1024))
    return {
        "question": "How well does a one-layer LSTM of at most 2 MB predict the next character?",
        "data": "tiny shakespeare: first 1,003,854 characters to train, last 111,540 to validate",
        "selection": "the epoch with the lowest validation loss",
        "recipe": SHAKESPEARE,
        "precision": "bfloat16 products in training, float16 as stored, float32 when measured",
        "valid": {"nats_per_character": measured["loss"], "characters": len(valid_ids) - 1},
        "history": curves(history, len(batches)),
    }


def train_digits(checkpoint: Path, resume: bool) -> dict[str, Any]:
    """Train on the 4,000 embedded training digits; look at the test digits once, at the end."""
    data = digits()
    batches = RowBatches(
        data.train_images,
        data.train_labels,
        **DIGITS["batches"],
        seed=SEED,
        augment=functools.partial(distort, **DIGITS["distort"]),
    )
    torch.manual_seed(SEED)
    model = RowClassifier(**DIGITS["model"])
    history = fit(model, batches, **DIGITS["fit"], seed=SEED, checkpoint=checkpoint, resume=resume)
    shipped = ship("digits", model, {})
    measured = evaluate(shipped, RowBatches(data.test_images, data.test_labels, 250))
    return {
        "question": "How well does an LSTM that reads rows learn digits from 4,000 examples?",
        "data": "the embedded MNIST digits: 4,000 to train, 1,000 to test",
        "selection": "none: the weights after the last step",
        "recipe": DIGITS,
        "precision": "float32 in training and when measured, float16 as stored",
        "test": {
            "right": round(measured["accuracy"] * len(data.test_labels)),
            "digits": len(data.test_labels),
            "nats_per_digit": measured["loss"],
        },
        "history": curves(history, len(batches)),
    }


def ship(name: str, model: torch.nn.Module, extra: dict[str, Any]) -> torch.nn.Module:
    """Store the weights in 16 bits and return the model as a reader will load it."""
    path = ROOT / "lstmlib" / "torch" / "pretrained" / f"{name}.safetensors"
    save_model(path, model, extra, dtype=torch.float16)
    return load_model(path)[0]


def curves(history: History, batches: int) -> dict[str, list[float]]:
    """Mean training loss of each epoch, and the validation loss after it where there is one."""
    epochs = np.array(history.loss).reshape(-1, batches)
    return {
        "train_loss": epochs.mean(axis=1).round(5).tolist(),
        "valid_loss": [round(scores["loss"], 5) for scores in history.valid],
    }


def main() -> None:
    """Train, and write the record."""
    train: dict[str, Callable[[Path, bool], dict[str, Any]]] = {
        "shakespeare": train_shakespeare,
        "digits": train_digits,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=train)
    parser.add_argument("--resume", action="store_true", help="go on where Ctrl-C stopped it")
    arguments = parser.parse_args()
    # One thread: the products are too small for two to help, and sums come out the same.
    torch.set_num_threads(1)
    checkpoint = ROOT / "runs" / f"shipped_{arguments.name}.safetensors"
    record = {
        "command": f"python tools/train_shipped.py {arguments.name}",
        "seed": SEED,
        "versions": {
            "lstmlib": lstmlib.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "machine": {"threads": 1, "cpu_capability": torch.backends.cpu.get_cpu_capability()},
    } | train[arguments.name](checkpoint, arguments.resume)
    path = ROOT / "results" / f"{arguments.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record.get("valid") or record.get("test"), indent=1))


if __name__ == "__main__":
    main()
