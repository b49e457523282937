"""Trainings and model files, as all commands treat them: nothing is lost."""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstmlib.torch.models import SequenceModel


def check_files(arguments: argparse.Namespace) -> None:
    """Lose nothing: no interrupted training, not this one if it cannot be saved, nor its data."""
    if Path(arguments.model).resolve() == Path(arguments.checkpoint).resolve():
        raise ValueError(
            f"expected two files, got {arguments.model} as --model and as --checkpoint, "
            "which is removed at the end"
        )
    data = [getattr(arguments, name, None) for name in ("csv", "text")]
    for path in (Path(arguments.model), Path(arguments.checkpoint)):
        if path.resolve() in [Path(name).resolve() for name in data if name is not None]:
            raise ValueError(f"expected a file to write to, got {path}, which has the data")
        if path.is_dir():
            raise IsADirectoryError(f"expected a file to write to, got the folder {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):  # it can be written to
            pass
    if not arguments.resume and Path(arguments.checkpoint).exists():
        raise FileExistsError(
            f"{arguments.checkpoint} is of a training that was interrupted: go on with it by "
            "--resume, remove it, or give another --checkpoint"
        )


def train_and_save(
    arguments: argparse.Namespace,
    build: "Callable[[], SequenceModel]",
    train: Any,
    valid: Any,
    extra: dict[str, Any],
) -> Any:
    """Train a new model or resume one, and write it to its file."""
    import torch

    from lstmlib.torch import fit, save_model

    torch.manual_seed(arguments.seed)
    model = build()
    weights = sum(p.numel() for p in model.parameters())
    say(f"{weights:,} weights; epochs: {arguments.epochs}, of {len(train):,} steps each")
    history = fit(
        model,
        train,
        valid,
        epochs=arguments.epochs,
        lr=arguments.lr,
        seed=arguments.seed,
        checkpoint=arguments.checkpoint,
        resume=arguments.resume,
    )
    if is_main_process():
        save_model(arguments.model, model, extra | {"valid": history.best})
        Path(arguments.checkpoint).unlink(missing_ok=True)
        print(f"wrote the best weights to {arguments.model}")
    return model


def load_as(path: str | None, name: str, kind: Any) -> tuple[Any, dict[str, Any]]:
    """Load a model of a kind from a file, or the one that comes with the library."""
    from lstmlib.torch import load_model, pretrained

    model, extra = pretrained(name) if path is None else load_model(path)
    if not isinstance(model, kind):
        raise ValueError(f"{path}: expected a {kind.__name__}, got a {type(model).__name__}")
    return model, extra


def is_main_process() -> bool:
    """Tell whether to print and write: of several processes started together, the first does."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print, in the main process only."""
    if is_main_process():
        print(text, flush=True)
