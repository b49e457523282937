"""A zip for Gradescope, made with otter-grader from the same master as everything else.

What a student hands in is the same notebook as for ``make grade``: it does not need otter. The
zip's hidden tests hold the reference solution, and compare with it on inputs drawn when they run.

What this route cannot do: otter runs the student's cells and its tests in one process. A submission
that sets out to can therefore read the tests, with the solutions in them, and the data that
``masked`` keeps from it elsewhere; change NumPy, this module or otter under them; or write its own
results. It has the network, and what it imports is seen but not prevented. An endless loop costs
the whole submission, once Gradescope stops it. The marks of ``make grade``, where a submission only
returns values, are the ones that can be defended: Gradescope is good for collecting, and for what
it shows at once. Written answers are marked by hand on either route; here they have no place among
the autograder's points.
"""

import contextlib
import copy
import functools
import importlib.metadata
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import lstmlib
from lstmlib import install
from lstmlib.grading.checks import is_number, pack, unpack
from lstmlib.grading.grade import near
from lstmlib.grading.master import Assignment, Cell, MasterError, Task, defined, read, run
from lstmlib.grading.questions import Question, judge, outcome
from lstmlib.grading.student import code, markdown, questions, write
from lstmlib.grading.values import described
from lstmlib.grading.versions import version

OTTER = "7.0.0"

# Of a task, what its hidden tests need.
KEPT = ("name", "kind", "points", "chapter", "tolerance", "cases", "hidden", "call", "score")

START = """\
from lstmlib.grading import version

student = "reference\""""
TEST = '''\
""" # BEGIN TEST CONFIG
hidden: {hidden}
points: {points}
""" # END TEST CONFIG
def test_{name}_{k}(env):
    from lstmlib.grading import gradescope
    {assignments}
    gradescope.{call}
'''


# ---- made by the instructor: the notebook that `otter assign` reads, and the zip that it makes


def make_zip(master: Path, folder: Path) -> Path:
    """Make the zip that Gradescope takes as an autograder, and return where it is.

    It holds the solutions: it is not for students. Raises ModuleNotFoundError where otter-grader is
    missing, and MasterError if the reference solution does not get full marks from it.
    """
    expect_otter()
    assignment = read(master)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, f"{master.stem}.ipynb")
        write(source, otter_notebook(assignment))
        # It would run the tests too, but where a crash leaves no marks it sees none lost.
        otter("assign", "--no-pdfs", "--no-run-tests", source, "made", folder=Path(scratch))
        made = Path(scratch, "made", "autograder")
        (autograder,) = made.glob("*.zip")
        marks = grade(autograder, made / source.name)
        told = [f"{got:g} of {full:g} for {name}" for name, (got, full) in marks.items()]
        if any(got != full for got, full in marks.values()):
            raise MasterError(
                f"{master}: expected full marks for the reference solution, got {', '.join(told)}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(autograder, folder / f"{master.stem}-gradescope.zip"))


def grade(autograder: Path, notebook: Path) -> dict[str, tuple[float, float]]:
    """Grade a notebook here as Gradescope would: points, and points to be had, of each task."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = (autograder.resolve(), notebook.resolve())
        otter("run", "--no-logo", "--autograder", *paths, folder=Path(scratch))
        results = json.loads(Path(scratch, "results.json").read_text(encoding="utf-8"))
    marks = {
        test["name"]: (test["score"], test["max_score"])
        for test in results["tests"]
        if "max_score" in test
    }
    if not marks:
        raise ChildProcessError(f"{notebook}: expected marks from otter-grader, got {results}")
    return marks


def expect_otter() -> None:
    """Refuse to start without the otter-grader that this module is written for."""
    try:
        found = importlib.metadata.version("otter-grader")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != OTTER:
        raise ModuleNotFoundError(
            f"expected otter-grader {OTTER}, which makes the zip, got {found}: "
            f"pip install otter-grader=={OTTER}"
        )


def otter(*arguments: str | Path, folder: Path) -> None:
    """Run a command of otter-grader in a folder."""
    command = [sys.executable, "-m", "otter", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        expected = f"expected `otter {arguments[0]}` to end well"
        raise ChildProcessError(f"{expected}, got\n{done.stderr[-3000:]}")


def otter_notebook(assignment: Assignment) -> dict[str, Any]:
    """Return an assignment as a notebook in the format of ``otter assign``."""
    public = questions(assignment)
    cells = [raw("config", config(assignment)), code("start", START)]
    reference = ""  # all that a solution needs: the code before it
    task: Task | None = None
    for cell in assignment.cells:
        if cell.type == "raw":
            if cell.task is not task and cell.task is not None:
                task = cell.task
                cells.append(raw(cell.id, question(task)))
        elif cell.role in ("solution", "answer") and task is not None:
            if cell.role == "solution":
                reference += "\n\n" + cell.source
            cells += enclosed(cell, task)
            if task.kind != "text":
                cells.append(raw(f"tests-{cell.id}", "# BEGIN TESTS"))
                written = tests(assignment, task, public[task.name], reference)
                cells += [code(f"test-{k}-{cell.id}", text) for k, text in enumerate(written)]
                cells.append(raw(f"tested-{cell.id}", "# END TESTS"))
            cells.append(raw(f"end-{cell.id}", "# END QUESTION"))
        elif cell.role == "" and cell.type == "markdown":
            cells.append(markdown(cell.id, cell.source))
        elif cell.role == "":
            reference += "\n\n" + cell.source
            cells.append(code(cell.id, cell.source))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def config(assignment: Assignment) -> str:
    """Return what otter is to know of an assignment."""
    settings = {
        # What students get and hand in is not otter's version, but that of lstmlib.grading.student.
        "init_cell": False,
        "export_cell": False,
        "tests": {"ok_format": False},
        # That of which the reference solution has just been tried.
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "requirements": requirements(assignment),
    }
    return "# ASSIGNMENT CONFIG\n" + json.dumps(settings, indent=2)  # which is YAML too


def requirements(assignment: Assignment) -> list[str]:
    """Return what pip installs where Gradescope grades: lstmlib, as it is here."""
    source = install.archive(install.addresses()["Repository"], commit())
    if "torch" in assignment.without:
        return [f"lstmlib[plots] @ {source}"]
    # Without the libraries for a GPU, which take gigabytes.
    index = "--extra-index-url https://download.pytorch.org/whl/cpu"
    return [index, f"lstmlib[plots,torch] @ {source}"]


def commit() -> str:
    """Return the commit that last changed lstmlib; main where it came without its history."""
    root = Path(lstmlib.__file__).parents[1]
    if not (root / ".git").exists():
        return "main"
    command = ["git", f"--git-dir={root / '.git'}", "log", "-1", "--format=%H", "--"]
    command += ["lstmlib", "pyproject.toml"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def question(task: Task) -> str:
    """Return the cell that begins a question."""
    settings: dict[str, Any] = {"name": task.name, "check_cell": False}
    if task.kind == "text":
        settings |= {"manual": True, "points": task.points}
    return "# BEGIN QUESTION\n" + json.dumps(settings)


def enclosed(cell: Cell, task: Task) -> list[dict[str, Any]]:
    """Return a solution between the cells that say so."""
    if task.kind == "text":
        solution = markdown(cell.id, f"{task.answer}\n\n**Rubric**\n\n{task.rubric}".strip())
    else:
        solution = code(cell.id, cell.source)
    begin = raw(f"begin-{cell.id}", "# BEGIN SOLUTION")
    return [begin, solution, raw(f"done-{cell.id}", "# END SOLUTION")]


def tests(assignment: Assignment, task: Task, public: Question, reference: str) -> Iterator[str]:
    """Iterate over the cells of a task's tests: the student's own check, then the hidden ones."""
    name = task.name
    packed = {"checks": pack({name: public}), "site": install.addresses()["Book"]}
    yield test(name, 0, 0, packed, f"check(env, checks, site, {name!r})", hidden=False)
    kept = {key: value for key in KEPT if (value := getattr(task, key))}
    hidden = {"task": kept, "reference": reference, "without": unseen(assignment)}
    for k, (points, part) in enumerate(parts(task), start=1):
        call = f"compare(env, task, reference, without, {part})"
        yield test(name, k, points, hidden, call, hidden=True)


def unseen(assignment: Assignment) -> list[str]:
    """Return the modules that only a student's own code can have imported.

    Otter runs the cells that the grader skips, and what these show may need such a module.
    """
    skipped = "\n".join(cell.source for cell in assignment.cells if cell.role == "skip")
    return [name for name in assignment.without if name not in skipped]


def parts(task: Task) -> list[tuple[float, float]]:
    """Return the points of each hidden test, and what it asks for: a case, a level, or nothing."""
    if task.kind == "number":
        return [(task.points, 0)]
    if task.kind == "open":
        levels = sorted((score, points) for score, points in task.levels)
        below = [0.0, *(points for _, points in levels)]
        return [
            (points - less, score) for (score, points), less in zip(levels, below, strict=False)
        ]
    count = len(task.draw(np.random.default_rng(), hidden=True))
    return [(task.points / count, k) for k in range(count)]


def test(
    name: str, k: int, points: float, constants: Mapping[str, Any], call: str, *, hidden: bool
) -> str:
    """Return the cell of one of otter's tests: a function that raises if something is wrong."""
    said = "\n    ".join(f"{name} = {value!r}" for name, value in constants.items())
    kind = str(hidden).lower()
    return TEST.format(name=name, k=k, points=points, hidden=kind, assignments=said, call=call)


def raw(name: str, source: str) -> dict[str, Any]:
    """Return a raw cell."""
    return {"cell_type": "raw", "id": name, "metadata": {}, "source": source}


# ---- run by otter, in the process of the student's notebook; ``env`` is what that has defined


def check(env: Mapping[str, Any], packed: str, site: str, name: str) -> None:
    """Raise AssertionError, with what the student's own check says, unless it finds no fault."""
    checks = unpack(packed, site)
    asked, answer = checks.question(name), env.get(name)
    kind = asked.task.kind
    told = {"number": checks.number, "open": checks.run}.get(kind, checks.code)
    with staying():
        if kind == "number":
            right = is_number(answer)
        else:
            found = [outcome(asked.task.caller(), answer, case.arguments) for case in asked.cases]
            right = not found[0].error if kind == "open" else judge(asked, found).right
        if not right:
            raise AssertionError("\n".join(told(asked, answer)))


def compare(
    env: Mapping[str, Any], task: dict[str, Any], reference: str, without: list[str], part: float
) -> None:
    """Raise AssertionError unless an answer is right on arguments drawn now.

    Parameters
    ----------
    env
        What the student's notebook has defined.
    task
        The fields of the task.
    reference
        Code that defines the right answer.
    without
        Modules that the student does not import.
    part
        The number of the case; of an open task, the score to be reached.
    """
    asked = Task(**task)
    if used := [name for name in without if name in sys.modules]:
        raise AssertionError(f"{', '.join(used)} is imported, which this assignment does without")
    with staying():
        answer = env.get(asked.name)
        if asked.kind == "number":
            problem = number_problem(asked, answer, solved(reference, env.get("student", "")))
        elif asked.kind == "open":
            score = reached(answer, asked.cases, asked.hidden, asked.call, asked.score)
            problem = f"reaches {score:g}, not {part:g}" if score < part else ""
        else:
            problem = case_problem(asked, answer, solved(reference, "reference"), int(part))
    if problem:
        raise AssertionError(problem)


def number_problem(task: Task, answer: Any, right: dict[str, Any]) -> str:
    """Return what is wrong with a number, given what the reference solution has defined."""
    if not is_number(answer):
        return f"expected a finite number, got {described(answer)}"
    expected = float(right[task.name])
    if near(answer, expected, task.tolerance):
        return ""
    return f"expected {expected:.6g}, got {answer:.6g}"


def case_problem(task: Task, answer: Any, right: dict[str, Any], k: int) -> str:
    """Return what is wrong in the first case, without which no other counts, or in case ``k``."""
    cases = task.draw(np.random.default_rng(), hidden=True)
    for case in (cases[0], cases[k]):
        expected = outcome(task.caller(), right[task.name], case.arguments)
        found = outcome(task.caller(), answer, case.arguments)
        (problem,) = judge(Question(task, [case], [expected], []), [found]).problems
        if problem:
            return f"in the case {case.name!r}: {problem}"
    return ""


@functools.cache
def solved(reference: str, student: str) -> dict[str, Any]:
    """Run the reference solution in a namespace of its own, and return what it defines."""
    names: dict[str, Any] = {"__name__": "__main__", "student": student, "version": version}
    with contextlib.redirect_stdout(io.StringIO()):
        run(reference, names, "reference")
    return names


@functools.cache
def reached(answer: Any, cases: str, hidden: str, call: str, score: str) -> float:
    """Return the score of an open task's function in the last case, drawn now."""
    task = Task("", "open", 0, "", 0, cases=cases, hidden=hidden, call=call)
    case = task.draw(np.random.default_rng(), hidden=True)[-1]
    returned = task.caller()(answer, **copy.deepcopy(case.arguments))
    return float(defined(score, "score")(returned, case.secret))


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Take an answer that leaves Python for one that fails: otter would lose all its marks."""
    try:
        yield
    except Exception:
        raise
    except BaseException as stop:
        raise AssertionError(f"stops with {type(stop).__name__}") from None
