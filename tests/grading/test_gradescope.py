"""The notebook for otter-grader, and its zip, graded with as Gradescope would."""

import dataclasses
import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from lstmlib.grading import gradescope, student
from lstmlib.grading.master import Assignment, MasterError, read

from .notebooks import submission

FIRST = """
assignment = 9
title = "A small one"
minutes = 60
chapters = ["05_lstm"]
without = ["lstmlib.numpy", "torch"]
"""

CODE = '[task]\nname = "total"\nkind = "code"\npoints = 5'
TOTAL = '''\
#| solution
def total(x, w):
    """Return the sum of w times x."""
    # BEGIN SOLUTION
    return (w * x).sum()
    # END SOLUTION'''
TOTAL_CASES = """\
#| cases
def cases(rng):
    yield "three numbers", {"x": rng.normal(size=3), "w": 2.0}
    yield "a table", {"x": rng.normal(size=(2, 3)), "w": 0.5}"""
TOTAL_HIDDEN = """\
#| hidden
def hidden(rng):
    yield "a long row", {"x": rng.normal(size=1000), "w": 1.0}"""
TOTAL_MISTAKE = """
[[mistake]]
change = ".sum()"
to = ".sum(0)"
hint = "Only one axis is summed over."
"""

NUMBER = '[task]\nname = "half_life"\nkind = "number"\npoints = 2'
GIVEN = 'given = version(student, "half-life", f=[0.8, 0.9, 0.95])'
HALF_LIFE = '#| solution\nhalf_life = np.log(0.5) / np.log(given["f"])'

TEXT = """[task]
name = "why"
kind = "text"
points = 3
rubric = "1 point for each gate"
answer = "Because."
"""

OPEN = """[task]
name = "guess"
kind = "open"
points = 4
levels = [[0.5, 1], [0.9, 4]]
"""
GUESS = """\
#| solution
def guess(x):
    # BEGIN SOLUTION
    return (x > 0).astype(int)
    # END SOLUTION"""
GUESS_CASES = """\
#| cases
def cases(rng):
    yield "one number", {"x": np.ones(1)}, np.ones(1, bool)"""
GUESS_HIDDEN = """\
#| hidden
def hidden(rng):
    x = rng.normal(size=60)
    yield "signs", {"x": x}, x > 0"""
GUESS_SCORE = "#| score\ndef score(returned, secret):\n    return (returned == secret).mean()"

SKIPPED = "cell-22"
CELLS = [
    ("raw", FIRST),
    ("markdown", "# Assignment 9"),
    ("code", "import numpy as np"),
    ("raw", CODE),
    ("markdown", "## Task 1: a sum (5 points)"),
    ("code", TOTAL),
    ("code", TOTAL_CASES),
    ("code", TOTAL_HIDDEN),
    ("raw", TOTAL_MISTAKE),
    ("raw", NUMBER),
    ("markdown", "## Task 2: a number (2 points)"),
    ("code", GIVEN),
    ("code", HALF_LIFE),
    ("raw", TEXT),
    ("markdown", "## Task 3: why? (3 points)"),
    ("raw", OPEN),
    ("markdown", "## Task 4: open (4 points)"),
    ("code", GUESS),
    ("code", GUESS_CASES),
    ("code", GUESS_HIDDEN),
    ("code", GUESS_SCORE),
    ("markdown", "## The end"),
    ("code", "#| skip\nimport lstmlib.numpy"),
]

RIGHT = {"total": TOTAL, "half_life": HALF_LIFE, "guess": GUESS}
UNUSUAL = {  # and right
    "total": "def total(x, w):\n    return sum(w * value for value in x.ravel().tolist())",
    "half_life": 'half_life = next(t / 999 for t in range(99999) if given["f"] ** (t / 999) < 0.5)',
    "guess": "def guess(x):\n    return [int(value >= 0) for value in x]",
}
WRONG = {
    "total": TOTAL.replace(".sum()", ".sum(0)"),  # right for rows, not for a table
    "half_life": "half_life = 1.0",
    "guess": "def guess(x):\n    return np.r_[x[:42] > 0, x[42:] <= 0]",
}
LEAVING = "def guess(x):\n    raise SystemExit"
NOT_THE_FIRST = "def total(x, w):\n    return 0.0 if x.shape == (3,) else (w * x).sum()"
FULL = {"total": 5, "half_life": 2, "guess": 4}
MARKS = {
    "right": (RIGHT, FULL),
    "unusual": (UNUSUAL, FULL),
    "blank": ({}, dict.fromkeys(FULL, 0)),
    "wrong": (WRONG, {"total": 5 * 2 / 3, "half_life": 0, "guess": 1}),
    "half right": (
        {**RIGHT, "total": WRONG["total"], "guess": LEAVING},
        {**FULL, "total": 5 * 2 / 3, "guess": 0},
    ),
    "not the first case": ({**RIGHT, "total": NOT_THE_FIRST}, {**FULL, "total": 0}),
    "no number": ({**RIGHT, "half_life": 'half_life = "7"'}, {**FULL, "half_life": 0}),
}


def write_master(path: Path, cells: list[tuple[str, str]] = CELLS) -> Path:
    book = {
        "cells": [
            {"cell_type": kind, "id": f"cell-{k}", "metadata": {}, "source": source}
            | ({"execution_count": None, "outputs": []} if kind == "code" else {})
            for k, (kind, source) in enumerate(cells)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def master(tmp_path_factory) -> Path:
    return write_master(tmp_path_factory.mktemp("assignments") / "9_small.ipynb")


@pytest.fixture(scope="module")
def assignment(master) -> Assignment:
    return read(master)


@pytest.fixture(scope="module")
def book(assignment) -> dict:
    return gradescope.otter_notebook(assignment)


def defined_by(made: dict) -> dict:
    """Run a submission's cells as otter does, and return what they define."""
    names: dict = {}
    for cell in made["cells"]:
        if cell["cell_type"] == "code" and cell["id"] not in ("colab", SKIPPED):
            try:
                exec("".join(cell["source"]), names)
            except BaseException:  # on to the next cell, as otter has it
                continue
    return names


def by_question(book: dict) -> dict[str, list[tuple[float, bool, str]]]:
    """Return the points of each test of a question, whether it is hidden, and its code."""
    found: dict[str, list[tuple[float, bool, str]]] = {}
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if source.startswith("# BEGIN QUESTION"):
            name = json.loads(source.partition("\n")[2])["name"]
        elif test := re.match(r'""" # BEGIN TEST CONFIG\nhidden: (\w+)\npoints: (\S+)\n', source):
            found.setdefault(name, []).append((float(test[2]), test[1] == "true", source))
    return found


def failure(source: str, env: dict) -> str:
    """Run a test as otter does; return what it says, or nothing if it passes."""
    names: dict = {}
    exec(source, names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    try:
        test(env)
    except Exception as error:
        return repr(error)
    return ""


def marks(book: dict, env: dict) -> dict[str, float]:
    return {
        name: sum(points for points, _, source in tests if not failure(source, env))
        for name, tests in by_question(book).items()
    }


@pytest.fixture
def unloaded(assignment, monkeypatch):
    """Forget what other tests of this process have imported."""
    for name in assignment.without:
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_points_are_those_of_the_master(book, assignment):
    for name, tests in by_question(book).items():
        assert sum(points for points, *_ in tests) == pytest.approx(assignment.tasks[name].points)
        assert [points for points, hidden, _ in tests if not hidden] == [0]


def test_written_answers_are_manual(book):
    (question,) = (cell["source"] for cell in book["cells"] if "manual" in cell["source"])
    assert json.loads(question.partition("\n")[2]) == {
        "name": "why",
        "check_cell": False,
        "manual": True,
        "points": 3,
    }


def test_public_tests_hold_no_solution(book):
    for tests in by_question(book).values():
        (public,) = (source for _, hidden, source in tests if not hidden)
        assert "reference" not in public
        assert "w * x" not in public


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(("answers", "expected"), MARKS.values(), ids=MARKS)
def test_marks(book, assignment, answers, expected):
    assert marks(book, defined_by(submission(assignment, answers))) == pytest.approx(expected)


@pytest.mark.usefixtures("unloaded")
def test_numbers_need_a_student(book, assignment):
    env = defined_by(submission(assignment, RIGHT, who=""))
    assert marks(book, env) == {**FULL, "half_life": 0}
    assert "expected student" in failure(by_question(book)["half_life"][-1][-1], env)


@pytest.mark.usefixtures("unloaded")
def test_public_test_gives_the_hint(book, assignment):
    env = defined_by(submission(assignment, WRONG))
    (_, hidden, source), *_ = by_question(book)["total"]
    assert not hidden
    assert "Hint: Only one axis is summed over." in failure(source, env)


@pytest.mark.usefixtures("unloaded")
def test_what_is_to_be_done_without_costs_all_points(book, assignment, monkeypatch):
    env = defined_by(submission(assignment, RIGHT))
    monkeypatch.setitem(sys.modules, "torch", object())
    assert marks(book, env) == dict.fromkeys(FULL, 0)


def test_torch_is_installed_where_it_is_allowed(assignment):
    (only,) = gradescope.requirements(assignment)
    assert re.fullmatch(r"lstmlib\[plots\] @ https://\S+/archive/(main|[0-9a-f]{40})\.zip", only)
    allowed = dataclasses.replace(assignment, without=[])
    assert gradescope.requirements(allowed)[-1] == only.replace("plots", "plots,torch")


@pytest.mark.parametrize("found", ["6.1.6", None])
def test_another_otter_or_none(master, tmp_path, monkeypatch, found):
    def version(name):
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(ModuleNotFoundError, match=f"pip install otter-grader=={gradescope.OTTER}"):
        gradescope.make_zip(master, tmp_path)


def test_a_reference_without_full_marks_is_refused(master, tmp_path, monkeypatch):
    def otter(*arguments, folder):
        (folder / "made" / "autograder").mkdir(parents=True)
        (folder / "made" / "autograder" / "any.zip").touch()

    monkeypatch.setattr(gradescope, "expect_otter", lambda: None)
    monkeypatch.setattr(gradescope, "otter", otter)
    monkeypatch.setattr(gradescope, "grade", lambda *_: {"total": (2.5, 5), "half_life": (2, 2)})
    with pytest.raises(MasterError, match=r"9_small.*full marks.*2.5 of 5 for total"):
        gradescope.make_zip(master, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_otter_says_when_it_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ChildProcessError, match=r"expected `otter run` to end well"):
        gradescope.grade(tmp_path / "any.zip", tmp_path / "any.ipynb")


# ---- with otter-grader itself, which is for instructors

with_otter = pytest.mark.skipif(
    importlib.util.find_spec("otter") is None,
    reason="needs otter-grader, as requirements.txt has it",
)


@pytest.fixture(scope="module")
def autograder(master, tmp_path_factory) -> Path:
    return gradescope.make_zip(master, tmp_path_factory.mktemp("zips") / "new")


@with_otter
def test_zip(autograder):
    assert autograder.name == "9_small-gradescope.zip"
    with zipfile.ZipFile(autograder) as held:
        names = set(held.namelist())
        environment = held.read("environment.yml").decode()
    assert {"run_autograder", "setup.sh", "tests/total.py", "tests/guess.py"} <= names
    assert f"otter-grader[grading,plugins]=={gradescope.OTTER}" in environment
    assert "lstmlib[plots] @ https://" in environment


@with_otter
@pytest.mark.parametrize("name", ["right", "blank", "half right"])
def test_otter_gives_the_same_marks(autograder, assignment, tmp_path, name):
    answers, expected = MARKS[name]
    student.write(tmp_path / "9_small.ipynb", submission(assignment, answers))
    got = gradescope.grade(autograder, tmp_path / "9_small.ipynb")
    assert {task: full for task, (_, full) in got.items()} == FULL
    assert {task: points for task, (points, _) in got.items()} == pytest.approx(expected, abs=1e-4)
