"""What the parsers of the commands share: help texts, options and their types."""

import argparse
import math
from collections.abc import Callable
from typing import Any

PROGRAM = "python -m lstmlib"

MODEL = "a file that train has written (default: the weights that come with the library)"
AS_TRAINED = "(default: what the model was trained on)"
HIDDEN = "units of each layer"
DROPOUT = "share of the units left out at random between layers and before the output"
BATCH = "examples side by side"
EPOCHS = "times through the training data"
SEED = "of the first weights, of dropout and of the order of the examples"
CHECKPOINT = "the training's state after each epoch and on Ctrl-C; removed at the end"
RESUME = (
    "go on from --checkpoint, to the very model an uninterrupted training gives; all other options "
    "as before"
)


class Help(argparse.RawDescriptionHelpFormatter):
    """Shows the defaults there are."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.default in (None, argparse.SUPPRESS) or action.default is False:
            return text
        return f"{text} (default: %(default)r)"


def add_command(
    group: Any, name: str, run: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    """Add the parser of a command whose help begins with its summary."""
    summary = text.split("\n")[0].replace("%", "%%")
    p = group.add_parser(name, help=summary, description=text, formatter_class=Help)
    p.set_defaults(run=run)
    return p


def add_training_options(p: argparse.ArgumentParser, name: str) -> None:
    """Add the options that every training has."""
    file, checkpoint = f"runs/{name}.safetensors", f"runs/{name}.checkpoint.safetensors"
    p.add_argument("--model", default=file, metavar="FILE", help="where the trained model goes")
    p.add_argument("--hidden-size", type=count, metavar="H", help=HIDDEN)
    p.add_argument("--layers", type=count, metavar="L", help="LSTM layers")
    p.add_argument("--dropout", type=share, metavar="P", help=DROPOUT)
    p.add_argument("--batch-size", type=count, metavar="B", help=BATCH)
    p.add_argument("--epochs", type=count, metavar="N", help=EPOCHS)
    p.add_argument("--lr", type=float, metavar="RATE", help="largest learning rate")
    p.add_argument("--seed", type=seed, default=0, metavar="N", help=SEED)
    p.add_argument("--checkpoint", default=checkpoint, metavar="FILE", help=CHECKPOINT)
    p.add_argument("--resume", action="store_true", help=RESUME)


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def seed(text: str) -> int:
    """Read a seed."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to {2**32 - 1}, got {text!r}"
        )
    return int(text)


def level(text: str) -> float:
    """Read a number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text!r}")
    return value


def share(text: str) -> float:
    """Read a number from 0 up to but not 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 up to but not 1, got {text!r}")
    return value
