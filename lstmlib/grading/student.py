"""The student's version of an assignment: given cells, stubs and checks, and no solution."""

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from lstmlib import install
from lstmlib.grading.checks import pack
from lstmlib.grading.master import REGION, Assignment, Cell, Task
from lstmlib.grading.questions import Question, ask

# The cases of the checks are the same in every copy; those of the grader are not.
SEED = 0

STUDENT = 'student = ""  # your student number or login: your numbers depend on it'
CHECKS = '''\
# What the checks compare your answers with: run this cell, there is nothing to read in it.
from lstmlib.grading import {names}

check = unpack(
    """
{text}
""",
    site="{site}",
)'''
SKIPPED = "# Not run when graded."
# The mark by which a written answer is found again, whatever is written around it.
ANSWER = "<!-- answer: {name} -->"


def notebook(assignment: Assignment, source: str, site: str) -> dict[str, Any]:
    """Return the student's version as a notebook.

    Parameters
    ----------
    assignment
        What is asked.
    source
        Where pip finds lstmlib, for those who have none.
    site
        Where the book is, for links to its chapters.
    """
    cells: list[dict[str, Any]] = []
    for cell in assignment.cells:
        cells += student_cells(cell)
    codes = [k for k, cell in enumerate(cells) if cell["cell_type"] == "code"]
    first = codes[0] if codes else len(cells)
    extra = "" if "torch" in assignment.without else "torch"
    start = [code("colab", install.cell(source, extra)), checks(assignment, site)]
    if has_versions(assignment):
        start.append(code("student", STUDENT))
    return {
        "cells": [*cells[:first], *start, *cells[first:]],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def copy_for(book: dict[str, Any], student: str) -> dict[str, Any]:
    """Return a copy of a notebook with the student's number in it."""
    if "/" in student:
        raise ValueError(
            f"expected a student number that a file can be named after, got {student!r}"
        )
    named = code("student", f"student = {student!r}")
    cells = [named if cell["id"] == "student" else cell for cell in book["cells"]]
    return {**book, "cells": cells}


def write(path: Path, book: dict[str, Any]) -> None:
    """Write a notebook as Jupyter does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def has_versions(assignment: Assignment) -> bool:
    """Say whether numbers depend on the student."""
    return any(task.kind == "number" for task in assignment.tasks.values())


def student_cells(cell: Cell) -> list[dict[str, Any]]:
    """Return what becomes of a cell of the master: none, one, or two."""
    if cell.type == "markdown" and not cell.role:
        return [markdown(cell.id, cell.source)]
    if cell.type == "code" and cell.role in ("", "skip"):
        if cell.role == "":
            return [code(cell.id, cell.source)]
        made = code(cell.id, f"{SKIPPED}\n{cell.source}")
        made["metadata"] = {"tags": ["otter_ignore"]}  # Gradescope's otter runs all others
        return [made]
    task = cell.task
    if cell.role == "solution" and task is not None:
        check = f'check("{task.name}", {task.name})'
        return [code(cell.id, stub(task)), code(f"check-{cell.id}", check)]
    if cell.role == "answer" and task is not None:
        mark = ANSWER.format(name=task.name)
        return [markdown(cell.id, f"{mark}\n*Your answer, in place of this line.*", task)]
    return []


def stub(task: Task) -> str:
    """Return the cell of a solution without what the student is to write."""
    if task.kind == "number":
        return f"{task.name} = ...  # a number"
    return REGION.sub(r"\1# your code here\n\1raise NotImplementedError", task.solution)


def questions(assignment: Assignment) -> dict[str, Question]:
    """Return the tasks that have a check, with their public cases."""
    asked = {}
    for task in assignment.tasks.values():
        if task.kind == "number":
            asked[task.name] = Question(task, [], [], [])
        elif task.kind != "text":
            asked[task.name] = ask(assignment, task, np.random.default_rng(SEED))
    return asked


def checks(assignment: Assignment, site: str) -> dict[str, Any]:
    """Return the cell that holds the checks, folded where the editor can."""
    names = "unpack, version" if has_versions(assignment) else "unpack"
    text = textwrap.fill(pack(questions(assignment)), 96)
    cell = code("checks", CHECKS.format(names=names, text=text, site=site))
    cell["metadata"] = {"cellView": "form", "jupyter": {"source_hidden": True}}
    return cell


def code(name: str, source: str) -> dict[str, Any]:
    """Return a code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def markdown(name: str, source: str, task: Task | None = None) -> dict[str, Any]:
    """Return a Markdown cell, with the name of the task that it answers, if any."""
    metadata = {"answer": task.name} if task else {}
    lines = source.splitlines(keepends=True)
    return {"cell_type": "markdown", "id": name, "metadata": metadata, "source": lines}
