"""The commands of the character model: train, evaluate, sample."""

import argparse
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmlib.commands.models import check_files, is_main_process, load_as, say, train_and_save
from lstmlib.commands.options import (
    AS_TRAINED,
    MODEL,
    PROGRAM,
    add_command,
    add_training_options,
    count,
    seed,
    share,
)

if TYPE_CHECKING:  # PyTorch takes seconds to import, and --help does without it
    from lstmlib.data import Vocabulary
    from lstmlib.torch import CharModel

TRAIN_SHAKESPEARE = """\
Train a character model: the first 90 % of a text trains it, the rest validates it.

--batch-size parts of the text are read side by side, --window characters of each at a time. The
state goes on from one window to the next; gradients go back through one window only (truncated
backpropagation through time). The rate rises for 2 % of all steps, then falls along half a cosine.
The weights with the lowest validation loss are written to --model.

examples:
  python -m lstmlib train shakespeare --epochs 1      short, to see it work
  python -m lstmlib train shakespeare --text tiny --hidden-size 448 --dropout 0.35 --epochs 20
  python -m lstmlib train shakespeare --text my.txt --model runs/my.safetensors
  python -m lstmlib train shakespeare --resume        after Ctrl-C, with all options as before

what it prints:
  loss        mean negative log-probability of the next character, in nats, in the last batch;
              before training about log(number of symbols), 4.2
  valid loss  the same over the whole validation text, after each epoch; 1.5 is readable
"""

EVALUATE_SHAKESPEARE = """\
Measure how well a character model predicts the last 10 % of a text, read from start to end.

what it prints:
  nats/char   mean negative log-probability of the next character, its logarithm natural
  bits/char   the same with base 2: what a perfect compressor would need a character with this model
  perplexity  exp(nats/char): as uncertain as a choice among so many equally likely characters
"""

SAMPLE = """\
Let a character model write: it reads the seed text, draws a next character, reads that, and so on.

examples:
  python -m lstmlib sample --seed-text "ROMEO:" --length 300
  python -m lstmlib sample --temperature 0.5          more careful
  python -m lstmlib sample --temperature 1.5          wilder
  python -m lstmlib sample --temperature 0            always the most probable character
  python -m lstmlib sample --top-k 5 --seed 7         among the 5 most probable; another draw
"""

TEXT = (
    "'embedded' (a megabyte of Shakespeare's plays that comes along), 'tiny' (tiny shakespeare, "
    "from the folder LSTMLIB_DATA or downloaded) or a text file"
)
WINDOW = "steps of a batch: how far gradients go back"
EMBEDDING = "learn a vector of N numbers for each symbol (default: one-hot vectors)"
WEIGHT_DROP = "share of the recurrent weights left out at random, anew in each batch"
SEED_TEXT = "what to go on from; empty for a text from its start"
TEMPERATURE = "divides the logits: below 1 safer, above 1 wilder, 0 always the most probable"


def add_parsers(commands: Any, trains: Any, evaluates: Any) -> None:
    """Add the parsers of the character model to those of all commands, train and evaluate."""
    p = add_command(trains, "shakespeare", train_shakespeare, TRAIN_SHAKESPEARE)
    p.add_argument("--text", default="embedded", metavar="TEXT", help=TEXT)
    p.add_argument("--window", type=count, default=128, metavar="T", help=WINDOW)
    p.add_argument("--embedding-size", type=count, metavar="N", help=EMBEDDING)
    p.add_argument("--weight-drop", type=share, default=0.0, metavar="P", help=WEIGHT_DROP)
    add_training_options(p, "shakespeare")
    p.set_defaults(hidden_size=256, layers=1, dropout=0.2, batch_size=32)
    p.set_defaults(epochs=10, lr=0.004)

    p = add_command(evaluates, "shakespeare", evaluate_shakespeare, EVALUATE_SHAKESPEARE)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--text", metavar="TEXT", help=f"{TEXT} {AS_TRAINED}")

    p = add_command(commands, "sample", sample, SAMPLE)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--seed-text", default="", metavar="TEXT", help=SEED_TEXT)
    p.add_argument("--length", type=int, default=500, metavar="N", help="characters to write")
    p.add_argument("--temperature", type=float, default=0.8, metavar="T", help=TEMPERATURE)
    p.add_argument("--top-k", type=int, metavar="K", help="draw among the K most probable only")
    p.add_argument("--seed", type=seed, default=0, metavar="N", help="the same N, the same text")


def train_shakespeare(arguments: argparse.Namespace) -> None:
    """Train a character model."""
    from lstmlib.data import Streams, Vocabulary, train_valid_split
    from lstmlib.torch import CharModel

    check_files(arguments)
    text = _read_text(arguments.text)
    vocabulary = Vocabulary.from_text(text)
    train_text, valid_text = train_valid_split(text)
    train = Streams(_symbols(vocabulary, train_text), arguments.batch_size, arguments.window)
    symbols = _symbols(vocabulary, valid_text)
    streams = max(1, min(16, len(valid_text) // 4096))
    valid = Streams(symbols, streams, min(256, len(valid_text) // streams))
    say(
        f"{len(train_text):,} characters to train, {len(valid_text):,} to validate, "
        f"{len(vocabulary.alphabet)} different ones, START and END"
    )

    def build() -> CharModel:
        return CharModel(
            len(vocabulary),
            arguments.hidden_size,
            arguments.layers,
            arguments.dropout,
            arguments.embedding_size,
            arguments.weight_drop,
        )

    extra = {"alphabet": vocabulary.alphabet, "text": arguments.text}
    model = train_and_save(arguments, build, train, valid, extra)
    if is_main_process():
        _report_text(model, vocabulary, valid_text)
        print(f"try: {PROGRAM} sample --model {shlex.quote(arguments.model)}")


def evaluate_shakespeare(arguments: argparse.Namespace) -> None:
    """Measure a character model."""
    from lstmlib.data import train_valid_split

    model, vocabulary, extra = _char_model(arguments.model)
    text = _read_text(arguments.text or extra.get("text", "tiny"))  # tiny: the library's own
    _report_text(model, vocabulary, train_valid_split(text)[1])


def sample(arguments: argparse.Namespace) -> None:
    """Let a character model write."""
    import torch

    from lstmlib.torch import sample as write

    model, vocabulary, _ = _char_model(arguments.model)
    text = write(
        model,
        vocabulary,
        arguments.seed_text,
        length=arguments.length,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        generator=torch.Generator().manual_seed(arguments.seed),
    )
    print(text)


def _report_text(model: "CharModel", vocabulary: "Vocabulary", text: str) -> None:
    from lstmlib.data import Streams
    from lstmlib.torch import evaluate

    reading = Streams(_symbols(vocabulary, text), 1, min(1024, len(text)))
    nats = evaluate(model, reading)["loss"]
    perplexity = math.exp(nats) if nats < 700 else math.inf  # e^710 is no float any more
    print(
        f"{len(text):,} characters of validation text: {nats:.4f} nats/char, "
        f"{nats / math.log(2):.4f} bits/char, perplexity {perplexity:.3f}"
    )


def _read_text(name: str) -> str:
    from lstmlib.data import shakespeare, tiny_shakespeare

    if name == "embedded":
        return shakespeare()
    if name == "tiny":
        return tiny_shakespeare()
    path = Path(name)
    if not path.is_file():
        raise FileNotFoundError(f"expected 'embedded', 'tiny' or a text file, got {name!r}")
    try:
        return path.read_text(encoding="utf-8-sig")  # without the mark Windows may put first
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8 text: {error}") from error


def _symbols(vocabulary: "Vocabulary", text: str) -> Any:
    """Return START, so that the first character is predicted too, and the characters' numbers."""
    import numpy as np

    return np.append(vocabulary.START, vocabulary.encode(text))


def _char_model(path: str | None) -> "tuple[CharModel, Vocabulary, dict[str, Any]]":
    from lstmlib.data import Vocabulary
    from lstmlib.torch import CharModel

    model, extra = load_as(path, "shakespeare", CharModel)
    if "alphabet" not in extra:
        raise ValueError(f"{path}: expected the model's alphabet beside its weights, got none")
    return model, Vocabulary(extra["alphabet"]), extra
