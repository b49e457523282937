"""The character model beside a Transformer of the size of nanoGPT's recipe for a CPU.

Both read the same text for the same seconds; the length of each one's schedule is fitted to the
seconds by timing some steps first. Both are then scored on every character of the validation text.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from benchmarks import timing, transformer
from lstmlib.data import Streams, Vocabulary, train_valid_split
from lstmlib.torch import CharModel, evaluate, fit

MARGIN = 0.97
"""Share of the seconds that the schedule is fitted to: some steps are slower than those timed."""


@dataclass(frozen=True)
class Recipe:
    """How the character model is trained."""

    hidden_size: int = 256
    embedding_size: int = 64
    dropout: float = 0.1
    steps: int = 64
    batch_size: int = 32
    lr: float = 1e-2


def measure(
    text: str, seconds: float, recipe: Recipe, trial_steps: int, eval_streams: int
) -> dict[str, Any]:
    """Train and score both models; return what was done and what came out."""
    vocabulary = Vocabulary.from_text(text)
    train_text, valid_text = train_valid_split(text)
    train_ids = vocabulary.encode(train_text)
    # With the character before it in front, every validation character is a target.
    valid_ids = np.concatenate([train_ids[-1:], vocabulary.encode(valid_text)])

    torch.manual_seed(0)
    lstm = CharModel(
        len(vocabulary),
        recipe.hidden_size,
        dropout=recipe.dropout,
        embedding_size=recipe.embedding_size,
    )
    streams = Streams(train_ids, recipe.batch_size, recipe.steps)

    def train_lstm(model: CharModel, steps: int) -> None:
        fit(model, streams, steps=steps, lr=recipe.lr, progress=False)

    result = {"lstm": _train(lstm, train_lstm, seconds, trial_steps)}
    valid = Streams(valid_ids, eval_streams, recipe.steps)
    scored = sum(targets.size for _, targets in valid.epoch(0))
    result["lstm"] |= {
        "recipe": asdict(recipe),
        "characters_a_step": recipe.batch_size * recipe.steps,
        "loss": evaluate(lstm, valid)["loss"],
        "scored": scored,
    }

    torch.manual_seed(0)
    gpt = transformer.Transformer(len(vocabulary))

    def train_gpt(model: transformer.Transformer, steps: int) -> None:
        transformer.train(model, train_ids, steps)

    result["transformer"] = _train(gpt, train_gpt, seconds, trial_steps)
    loss, scored = transformer.evaluate(gpt, valid_ids, stride=transformer.BLOCK)
    result["transformer"] |= {
        "characters_a_step": transformer.BATCH * transformer.BLOCK,
        "loss": loss,
        "scored": scored,
        "loss_with_49_or_more_before": transformer.evaluate(gpt, valid_ids, stride=16)[0],
    }
    return {"characters": len(text), "validation_characters": len(valid_text), **result}


def _train(
    model: torch.nn.Module, train: Callable[[Any, int], None], seconds: float, trial_steps: int
) -> dict[str, Any]:
    """Train for about ``seconds``, with as many steps as a copy of the model's first steps tell."""
    trial = copy.deepcopy(model)
    a_step = timing.seconds_a_step(lambda steps: train(trial, steps), trial_steps)
    steps = max(1, int(MARGIN * seconds / a_step))
    start = time.perf_counter()
    train(model, steps)
    return {
        "weights": sum(p.numel() for p in model.parameters()),
        "steps": steps,
        "seconds": time.perf_counter() - start,
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    rows = []
    for name, key in (("character model (LSTM)", "lstm"), ("Transformer", "transformer")):
        record = result[key]
        rows.append(
            [
                name,
                f"{record['weights']:,}",
                f"{record['steps']:,} × {record['characters_a_step']:,}",
                f"{record['seconds']:.0f}",
                f"**{record['loss']:.3f}**",
                f"{record['loss'] / np.log(2):.3f}",
                f"{record['scored']:,}",
            ]
        )
    head = [
        "model",
        "weights",
        "steps × characters",
        "seconds",
        "nats/char",
        "bits/char",
        "scored on",
    ]
    best = result["transformer"]["loss_with_49_or_more_before"]
    ratio = result["lstm"]["loss"] / result["transformer"]["loss"]
    return (
        f"{timing.markdown_table(head, rows)}\n\n"
        f"Loss of the LSTM / loss of the Transformer: **{ratio:.3f}**. The Transformer is scored\n"
        "in blocks side by side, as nanoGPT scores it; where it sees at least 49 characters\n"
        f"before each that it predicts, its loss is {best:.3f}."
    )
