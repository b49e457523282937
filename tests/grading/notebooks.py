"""Submissions made from a master: right, wrong, or as they are handed out."""

from typing import Any

from lstmlib.grading import student
from lstmlib.grading.master import Assignment

SOURCE, SITE = "https://example.org/archive.zip", "https://example.org/book"


def submission(
    assignment: Assignment,
    solutions: dict[str, str],
    *,
    who: str = "ada",
    answer: str = "An answer in words.",
) -> dict[str, Any]:
    """Return the student's version with cells written in place of the stubs."""
    book = student.notebook(assignment, SOURCE, SITE, student=who)
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
