"""Train, evaluate and sample from the command line: ``python -m lstmlib --help``."""

import argparse
import math
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # PyTorch takes seconds to import, and --help does without it
    from lstmlib.data import Digits, Vocabulary
    from lstmlib.torch import CharModel, RowClassifier
    from lstmlib.torch.models import SequenceModel

PROGRAM = "python -m lstmlib"

OVERVIEW = """\
Train, evaluate and sample the recurrent networks of the book. With the embedded data all of it
works offline.

  python -m lstmlib train shakespeare     an LSTM that predicts a text character by character
  python -m lstmlib train digits          an LSTM that reads handwritten digits row by row
  python -m lstmlib evaluate shakespeare  how well a model predicts text it has not seen
  python -m lstmlib evaluate digits       how many digits it has not seen a model gets right
  python -m lstmlib sample                let a model write

Each has its own --help with examples. Without --model, evaluate and sample take the weights that
come with the library. The exit code is 0, or 2 after an error, or 130 after Ctrl-C.
"""

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

TRAIN_DIGITS = """\
Train a classifier that reads an image as 28 rows, one a step, and answers after the last.

Every tenth training image is held out to validate; the weights with the lowest validation loss are
written to --model. The test images are looked at once, at the end. Each image is shown slightly
rotated, scaled, sheared and shifted, differently in every epoch.

examples:
  python -m lstmlib train digits --epochs 3
  python -m lstmlib train digits --data mnist --hidden-size 256
  python -m lstmlib train digits --resume             after Ctrl-C, with all options as before

what it prints:
  loss            mean negative log-probability of the right digit, in nats, in the last batch;
                  guessing gives log(10) = 2.3
  valid accuracy  share of the validation images it gets right; guessing gives 0.1
"""

EVALUATE_SHAKESPEARE = """\
Measure how well a character model predicts the last 10 % of a text, read from start to end.

what it prints:
  nats/char   mean negative log-probability of the next character, its logarithm natural
  bits/char   the same with base 2: what a perfect compressor would need a character with this model
  perplexity  exp(nats/char): as uncertain as a choice among so many equally likely characters
"""

EVALUATE_DIGITS = """\
Measure how many of the test images a row classifier gets right.

what it prints:
  accuracy    share of right answers; guessing gives 10 %
  nats/image  mean negative log-probability of the right digit; guessing gives 2.303
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
DATA = (
    "'embedded' (4,000 digits to train and 1,000 to test that come along) or 'mnist' (60,000 and "
    "10,000, from the folder LSTMLIB_DATA or downloaded)"
)
MODEL = "a file that train has written (default: the weights that come with the library)"
AS_TRAINED = "(default: what the model was trained on)"
WINDOW = "steps of a batch: how far gradients go back"
EMBEDDING = "learn a vector of N numbers for each symbol (default: one-hot vectors)"
WEIGHT_DROP = "share of the recurrent weights left out at random, anew in each batch"
HIDDEN = "units of each layer"
DROPOUT = "share of the units left out at random between layers and before the output"
BATCH = "examples side by side"
EPOCHS = "times through the training data"
SEED = "of the first weights, of dropout and of the order of the images"
CHECKPOINT = "the training's state after each epoch and on Ctrl-C; removed at the end"
RESUME = (
    "go on from --checkpoint, to the very model an uninterrupted training gives; all other options "
    "as before"
)
SEED_TEXT = "what to go on from; empty for a text from its start"
TEMPERATURE = "divides the logits: below 1 safer, above 1 wilder, 0 always the most probable"


def main(argv: list[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt as stop:
        print(f"\n{PROGRAM}: {stop or 'stopped'}", file=sys.stderr)
        if hasattr(stop, "checkpoint"):
            again = argv if "--resume" in argv else [*argv, "--resume"]
            print(f"to go on: {PROGRAM} {shlex.join(again)}", file=sys.stderr)
        return 130
    # A RuntimeError is PyTorch's, such as for memory there is not enough of.
    except (ValueError, OSError, FloatingPointError, RuntimeError) as error:
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = argparse.ArgumentParser(prog=PROGRAM, description=OVERVIEW, formatter_class=_Help)
    commands = top.add_subparsers(required=True, metavar="train | evaluate | sample")
    train = commands.add_parser("train", help="Train a model, and write it to a file.")
    trains = train.add_subparsers(required=True, metavar="shakespeare | digits")
    evaluate = commands.add_parser("evaluate", help="Measure a model on data it has not seen.")
    evaluates = evaluate.add_subparsers(required=True, metavar="shakespeare | digits")

    p = _command(trains, "shakespeare", train_shakespeare, TRAIN_SHAKESPEARE)
    p.add_argument("--text", default="embedded", metavar="TEXT", help=TEXT)
    p.add_argument("--window", type=_count, default=128, metavar="T", help=WINDOW)
    p.add_argument("--embedding-size", type=_count, metavar="N", help=EMBEDDING)
    p.add_argument("--weight-drop", type=_share, default=0.0, metavar="P", help=WEIGHT_DROP)
    _training_options(p, "shakespeare")
    p.set_defaults(hidden_size=256, layers=1, dropout=0.2, batch_size=32)
    p.set_defaults(epochs=10, lr=0.004)

    p = _command(trains, "digits", train_digits, TRAIN_DIGITS)
    p.add_argument("--data", choices=["embedded", "mnist"], default="embedded", help=DATA)
    _training_options(p, "digits")
    p.set_defaults(hidden_size=128, layers=2, dropout=0.4, batch_size=64)
    p.set_defaults(epochs=40, lr=0.003)

    p = _command(evaluates, "shakespeare", evaluate_shakespeare, EVALUATE_SHAKESPEARE)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--text", metavar="TEXT", help=f"{TEXT} {AS_TRAINED}")

    p = _command(evaluates, "digits", evaluate_digits, EVALUATE_DIGITS)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--data", choices=["embedded", "mnist"], help=f"{DATA} {AS_TRAINED}")

    p = _command(commands, "sample", sample, SAMPLE)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--seed-text", default="", metavar="TEXT", help=SEED_TEXT)
    p.add_argument("--length", type=int, default=500, metavar="N", help="characters to write")
    p.add_argument("--temperature", type=float, default=0.8, metavar="T", help=TEMPERATURE)
    p.add_argument("--top-k", type=int, metavar="K", help="draw among the K most probable only")
    p.add_argument("--seed", type=_seed, default=0, metavar="N", help="the same N, the same text")
    return top


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows the defaults there are."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.default in (None, argparse.SUPPRESS) or action.default is False:
            return text
        return f"{text} (default: %(default)r)"


def _command(
    group: Any, name: str, run: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    summary = text.split("\n")[0].replace("%", "%%")
    p = group.add_parser(name, help=summary, description=text, formatter_class=_Help)
    p.set_defaults(run=run)
    return p


def _training_options(p: argparse.ArgumentParser, name: str) -> None:
    file, checkpoint = f"runs/{name}.safetensors", f"runs/{name}.checkpoint.safetensors"
    p.add_argument("--model", default=file, metavar="FILE", help="where the trained model goes")
    p.add_argument("--hidden-size", type=_count, metavar="H", help=HIDDEN)
    p.add_argument("--layers", type=_count, metavar="L", help="LSTM layers")
    p.add_argument("--dropout", type=_share, metavar="P", help=DROPOUT)
    p.add_argument("--batch-size", type=_count, metavar="B", help=BATCH)
    p.add_argument("--epochs", type=_count, metavar="N", help=EPOCHS)
    p.add_argument("--lr", type=float, metavar="RATE", help="largest learning rate")
    p.add_argument("--seed", type=_seed, default=0, metavar="N", help=SEED)
    p.add_argument("--checkpoint", default=checkpoint, metavar="FILE", help=CHECKPOINT)
    p.add_argument("--resume", action="store_true", help=RESUME)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to {2**32 - 1}, got {text!r}"
        )
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 up to but not 1, got {text!r}")
    return value


def train_shakespeare(arguments: argparse.Namespace) -> None:
    """Train a character model."""
    from lstmlib.data import Streams, Vocabulary, train_valid_split
    from lstmlib.torch import CharModel

    _check_files(arguments)
    text = _read_text(arguments.text)
    vocabulary = Vocabulary.from_text(text)
    train_text, valid_text = train_valid_split(text)
    train = Streams(_symbols(vocabulary, train_text), arguments.batch_size, arguments.window)
    symbols = _symbols(vocabulary, valid_text)
    streams = max(1, min(16, len(valid_text) // 4096))
    valid = Streams(symbols, streams, min(256, len(valid_text) // streams))
    _say(
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
    model = _train(arguments, build, train, valid, extra)
    if _is_main_process():
        _report_text(model, vocabulary, valid_text)
        print(f"try: {PROGRAM} sample --model {shlex.quote(arguments.model)}")


def train_digits(arguments: argparse.Namespace) -> None:
    """Train a row classifier."""
    import numpy as np

    from lstmlib.data import RowBatches, distort
    from lstmlib.torch import RowClassifier

    _check_files(arguments)
    data = _read_digits(arguments.data)
    images, labels = data.train_images, data.train_labels
    held_out = np.arange(len(images)) % 10 == 9
    train = RowBatches(
        images[~held_out],
        labels[~held_out],
        arguments.batch_size,
        seed=arguments.seed,
        augment=distort,
    )
    valid = RowBatches(images[held_out], labels[held_out], 200)
    _say(f"{len(train.images):,} images to train, {len(valid.images):,} to validate")

    def build() -> RowClassifier:
        return RowClassifier(
            hidden_size=arguments.hidden_size,
            num_layers=arguments.layers,
            dropout=arguments.dropout,
        )

    model = _train(arguments, build, train, valid, {"data": arguments.data})
    if _is_main_process():
        _report_digits(model, data)


def evaluate_shakespeare(arguments: argparse.Namespace) -> None:
    """Measure a character model."""
    from lstmlib.data import train_valid_split

    model, vocabulary, extra = _char_model(arguments.model)
    text = _read_text(arguments.text or extra.get("text", "tiny"))  # tiny: the library's own
    _report_text(model, vocabulary, train_valid_split(text)[1])


def evaluate_digits(arguments: argparse.Namespace) -> None:
    """Measure a row classifier."""
    from lstmlib.torch import RowClassifier

    model, extra = _load(arguments.model, "digits", RowClassifier)
    data = arguments.data or extra.get("data", "embedded")  # embedded: the library's own
    _report_digits(model, _read_digits(data))


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


def _check_files(arguments: argparse.Namespace) -> None:
    """Do not lose a training: neither an interrupted one, nor this one where it cannot be saved."""
    if Path(arguments.model).resolve() == Path(arguments.checkpoint).resolve():
        raise ValueError(
            f"expected two files, got {arguments.model} as --model and as --checkpoint, "
            "which is removed at the end"
        )
    for path in (Path(arguments.model), Path(arguments.checkpoint)):
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


def _train(
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
    _say(f"{weights:,} weights; epochs: {arguments.epochs}, of {len(train):,} steps each")
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
    if _is_main_process():
        save_model(arguments.model, model, extra | {"valid": history.best})
        Path(arguments.checkpoint).unlink(missing_ok=True)
        print(f"wrote the best weights to {arguments.model}")
    return model


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


def _report_digits(model: "RowClassifier", data: "Digits") -> None:
    from lstmlib.data import RowBatches
    from lstmlib.torch import evaluate

    scores = evaluate(model, RowBatches(data.test_images, data.test_labels, 200))
    print(
        f"{len(data.test_images):,} test images: accuracy {scores['accuracy']:.2%}, "
        f"{scores['loss']:.4f} nats/image"
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


def _read_digits(name: str) -> "Digits":
    from lstmlib.data import digits, mnist

    return digits() if name == "embedded" else mnist()


def _symbols(vocabulary: "Vocabulary", text: str) -> Any:
    """Return START, so that the first character is predicted too, and the characters' numbers."""
    import numpy as np

    return np.append(vocabulary.START, vocabulary.encode(text))


def _load(path: str | None, name: str, kind: Any) -> tuple[Any, dict[str, Any]]:
    from lstmlib.torch import load_model, pretrained

    model, extra = pretrained(name) if path is None else load_model(path)
    if not isinstance(model, kind):
        raise ValueError(f"{path}: expected a {kind.__name__}, got a {type(model).__name__}")
    return model, extra


def _char_model(path: str | None) -> "tuple[CharModel, Vocabulary, dict[str, Any]]":
    from lstmlib.data import Vocabulary
    from lstmlib.torch import CharModel

    model, extra = _load(path, "shakespeare", CharModel)
    if "alphabet" not in extra:
        raise ValueError(f"{path}: expected the model's alphabet beside its weights, got none")
    return model, Vocabulary(extra["alphabet"]), extra


def _is_main_process() -> bool:
    """Tell whether to print and write: of several processes started together, the first does."""
    return os.environ.get("RANK", "0") == "0"


def _say(text: str) -> None:
    if _is_main_process():
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
