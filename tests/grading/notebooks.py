"""Submissions made from a master: right, wrong, or as they are handed out."""

import re
from typing import Any

from lstmlib.grading import student
from lstmlib.grading.grade import Row
from lstmlib.grading.master import REGION, Assignment

# A line that says something: not a bracket, not a return of one name.
TELLING = re.compile(r"\w.*\W.*\w.*\W.*\w")
SOURCE, SITE = "https://example.org/archive.zip", "https://example.org/book"


def submission(
    assignment: Assignment,
    solutions: dict[str, str],
    *,
    who: str = "ada",
    answer: str = "An answer in words.",
) -> dict[str, Any]:
    """Return the student's version with cells written in place of the stubs."""
    book = student.copy_for(student.notebook(assignment, SOURCE, SITE), who)
    names = {cell.id: cell.task.name for cell in assignment.cells if cell.role == "solution"}
    for cell in book["cells"]:
        if (name := names.get(cell["id"])) in solutions:
            cell["source"] = solutions[name]
        if "answer" in cell["metadata"]:
            cell["source"] = answer
    return book


def reference(assignment: Assignment, **changed: str) -> dict[str, Any]:
    """Return a submission in which all is right, but for what is changed."""
    right = {task.name: task.solution for task in assignment.tasks.values() if task.solution}
    return submission(assignment, right | changed)


def secret_lines(assignment: Assignment) -> list[str]:
    """Return the lines that only the master has: of solutions, cases, answers and rubrics."""
    given = [cell for cell in assignment.cells if cell.role in ("", "skip") and cell.type != "raw"]
    shown = "\n".join(cell.source for cell in given)
    found = []
    for task in assignment.tasks.values():
        outside = student.stub(task) if task.solution else ""
        inside = [region[0] for region in REGION.finditer(task.solution)]
        sources = [*inside, task.cases, task.hidden, task.score, *task.alternatives]
        for line in "\n".join([*sources, task.answer, task.rubric]).splitlines():
            text = line.strip()
            telling = len(text) > 15 and TELLING.search(text) and not text.startswith("def ")
            if telling and text not in shown and text not in outside:
                found.append(text)
    return found


def told(notebook: dict[str, Any]) -> str:
    """Return the text of all cells."""
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"])


def earned(row: Row) -> dict[str, float | None]:
    """Return the points of each task."""
    return {name: mark.points for name, mark in row.marks.items()}


def full(assignment: Assignment) -> dict[str, float | None]:
    """Return the points of each task where all is right; None where they are given by hand."""
    tasks = assignment.tasks.values()
    return {task.name: None if task.kind == "text" else task.points for task in tasks}
