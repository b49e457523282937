"""A small assignment with a task of each kind, to be changed and read."""

import json
from pathlib import Path

from lstmlib.grading import master
from lstmlib.grading.master import Assignment

CELLS = {
    "head": (
        "raw",
        """assignment = 9
title = "A small one"
minutes = 60
chapters = ["05_lstm"]""",
    ),
    "imports": ("code", "import numpy as np"),
    "task-double": (
        "raw",
        """[task]
name = "double"
kind = "code"
points = 3""",
    ),
    "ask-double": ("markdown", "## Task 1: twice (3 points)"),
    "double": (
        "code",
        """#| solution
def double(x):
    # BEGIN SOLUTION
    return x + x
    # END SOLUTION""",
    ),
    "double-cases": (
        "code",
        """#| cases
def cases(rng):
    yield "a vector", {"x": rng.normal(size=3)}
    yield "a matrix", {"x": rng.normal(size=(2, 3))}""",
    ),
    "double-hidden": (
        "code",
        """#| hidden
def hidden(rng):
    yield "a large one", {"x": rng.normal(size=9)}""",
    ),
    "double-mistakes": (
        "raw",
        """[[mistake]]
change = "x + x"
to = "x * x"
hint = "That is the square."
chapter = "04_gates#sec-square"

[[mistake]]
changes = [["return ", "y = "], ["x + x", "x + x\\n    return y[0]"]]
hint = "One entry only.\"""",
    ),
    "double-other": ("code", "#| alternative\ndef double(x):\n    return 2 * x"),
    "task-quadruple": (
        "raw",
        """[task]
name = "quadruple"
kind = "code"
points = 2
chapter = "06_lstm_backward#sec-four"
uses = ["double"]""",
    ),
    "quadruple": (
        "code",
        """#| solution
def quadruple(x):
    # BEGIN SOLUTION
    return double(double(x))
    # END SOLUTION""",
    ),
    "quadruple-cases": ("code", '#| cases\ndef cases(rng):\n    yield "a number", {"x": 2.5}'),
    "task-half": ("raw", '[task]\nname = "half"\nkind = "number"\npoints = 1'),
    "given": ("code", 'given = version(student, "half", n=range(10, 99))'),
    "half": ("code", '#| solution\nhalf = given["n"] / 2'),
    "half-mistakes": (
        "raw",
        '[[mistake]]\nchange = "/ 2"\nto = "* 2"\nhint = "That is twice as much."',
    ),
    "task-why": (
        "raw",
        '[task]\nname = "why"\nkind = "text"\npoints = 3\nrubric = "1 for each"\nanswer = "So."',
    ),
    "ask-why": ("markdown", "## Task 4: why? (3 points)"),
    "task-guess": (
        "raw",
        '[task]\nname = "guess"\nkind = "open"\npoints = 4\nlevels = [[0.5, 1], [0.9, 4]]',
    ),
    "guess": (
        "code",
        """#| solution
def guess(x):
    # BEGIN SOLUTION
    return x > 0
    # END SOLUTION""",
    ),
    "guess-cases": (
        "code",
        """#| cases
def cases(rng):
    x = rng.normal(size=20)
    yield "signs", {"x": x}, x > 0""",
    ),
    "guess-score": (
        "code",
        "#| score\ndef score(returned, secret):\n    return (returned == secret).mean()",
    ),
    "skipped": ("code", "#| skip\nimport nothing_of_this_name"),
    "end": ("markdown", "The end."),
}


def write(path: Path, **changed: tuple[str, str] | None) -> Path:
    """Write the master with cells in place of those of the same name (``_`` for ``-``), or none."""
    cells = CELLS | {name.replace("_", "-"): cell for name, cell in changed.items()}
    book = {
        "cells": [
            {"cell_type": cell[0], "id": name, "metadata": {}, "source": cell[1]}
            for name, cell in cells.items()
            if cell
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def read(path: Path, **changed: tuple[str, str] | None) -> Assignment:
    """Write the master with changes, and read it."""
    return master.read(write(path / "9_small.ipynb", **changed))
