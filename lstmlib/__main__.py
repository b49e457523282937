"""Train, evaluate, sample and forecast from the command line: ``python -m lstmlib --help``."""

import argparse
import shlex
import sys

from lstmlib.commands import digits, forecast, shakespeare
from lstmlib.commands.options import PROGRAM, Help

OVERVIEW = """\
Train, evaluate and sample the recurrent networks of the book. With the embedded data all of it
works offline.

  python -m lstmlib train shakespeare     an LSTM that predicts a text character by character
  python -m lstmlib train digits          an LSTM that reads handwritten digits row by row
  python -m lstmlib evaluate shakespeare  how well a model predicts text it has not seen
  python -m lstmlib evaluate digits       how many digits it has not seen a model gets right
  python -m lstmlib sample                let a model write
  python -m lstmlib train forecast        an LSTM that forecasts the series of your CSV file
  python -m lstmlib evaluate forecast     how good its forecasts are
  python -m lstmlib predict               what comes next, with intervals

Each has its own --help with examples. Without --model, evaluate and sample take the weights that
come with the library. The exit code is 0, or 2 after an error, or 130 after Ctrl-C.
"""


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
    top = argparse.ArgumentParser(prog=PROGRAM, description=OVERVIEW, formatter_class=Help)
    commands = top.add_subparsers(required=True, metavar="train | evaluate | sample | predict")
    train = commands.add_parser("train", help="Train a model, and write it to a file.")
    trains = train.add_subparsers(required=True, metavar="shakespeare | digits | forecast")
    evaluate = commands.add_parser("evaluate", help="Measure a model on data it has not seen.")
    evaluates = evaluate.add_subparsers(required=True, metavar="shakespeare | digits | forecast")
    shakespeare.add_parsers(commands, trains, evaluates)
    digits.add_parsers(trains, evaluates)
    forecast.add_parsers(commands, trains, evaluates)
    return top


if __name__ == "__main__":
    sys.exit(main())
