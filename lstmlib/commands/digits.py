"""The commands of the digit classifier: train, evaluate."""

import argparse
from typing import TYPE_CHECKING, Any

from lstmlib.commands.models import check_files, is_main_process, load_as, say, train_and_save
from lstmlib.commands.options import AS_TRAINED, MODEL, add_command, add_training_options

if TYPE_CHECKING:  # PyTorch takes seconds to import, and --help does without it
    from lstmlib.data import Digits
    from lstmlib.torch import RowClassifier

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

EVALUATE_DIGITS = """\
Measure how many of the test images a row classifier gets right.

what it prints:
  accuracy    share of right answers; guessing gives 10 %
  nats/image  mean negative log-probability of the right digit; guessing gives 2.303
"""

DATA = (
    "'embedded' (4,000 digits to train and 1,000 to test that come along) or 'mnist' (60,000 and "
    "10,000, from the folder LSTMLIB_DATA or downloaded)"
)


def add_parsers(trains: Any, evaluates: Any) -> None:
    """Add the parsers of the digit classifier to those of train and evaluate."""
    p = add_command(trains, "digits", train_digits, TRAIN_DIGITS)
    p.add_argument("--data", choices=["embedded", "mnist"], default="embedded", help=DATA)
    add_training_options(p, "digits")
    p.set_defaults(hidden_size=128, layers=2, dropout=0.4, batch_size=64)
    p.set_defaults(epochs=40, lr=0.003)

    p = add_command(evaluates, "digits", evaluate_digits, EVALUATE_DIGITS)
    p.add_argument("--model", metavar="FILE", help=MODEL)
    p.add_argument("--data", choices=["embedded", "mnist"], help=f"{DATA} {AS_TRAINED}")


def train_digits(arguments: argparse.Namespace) -> None:
    """Train a row classifier."""
    import numpy as np

    from lstmlib.data import RowBatches, distort
    from lstmlib.torch import RowClassifier

    check_files(arguments)
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
    say(f"{len(train.images):,} images to train, {len(valid.images):,} to validate")

    def build() -> RowClassifier:
        return RowClassifier(
            hidden_size=arguments.hidden_size,
            num_layers=arguments.layers,
            dropout=arguments.dropout,
        )

    model = train_and_save(arguments, build, train, valid, {"data": arguments.data})
    if is_main_process():
        _report_digits(model, data)


def evaluate_digits(arguments: argparse.Namespace) -> None:
    """Measure a row classifier."""
    from lstmlib.torch import RowClassifier

    model, extra = load_as(arguments.model, "digits", RowClassifier)
    data = arguments.data or extra.get("data", "embedded")  # embedded: the library's own
    _report_digits(model, _read_digits(data))


def _report_digits(model: "RowClassifier", data: "Digits") -> None:
    from lstmlib.data import RowBatches
    from lstmlib.torch import evaluate

    scores = evaluate(model, RowBatches(data.test_images, data.test_labels, 200))
    print(
        f"{len(data.test_images):,} test images: accuracy {scores['accuracy']:.2%}, "
        f"{scores['loss']:.4f} nats/image"
    )


def _read_digits(name: str) -> "Digits":
    from lstmlib.data import digits, mnist

    return digits() if name == "embedded" else mnist()
