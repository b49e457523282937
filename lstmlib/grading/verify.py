"""What is wrong with a master: what an instructor asks before handing a variant out."""

from collections.abc import Iterator

import numpy as np

from lstmlib.grading.master import Assignment, Task
from lstmlib.grading.questions import Question, ask, judge, outcomes
from lstmlib.grading.student import SEED, stub

# Fewer say little about whether wrong answers are caught, and right ones are not.
MISTAKES, ALTERNATIVES = 10, 3


def problems(assignment: Assignment, rng: np.random.Generator) -> Iterator[str]:
    """Iterate over what is wrong: a mistake that passes, a right solution that does not.

    ``rng`` draws the cases as they are drawn for a run; those of the students' checks stand.
    """
    for task in assignment.tasks.values():
        if task.kind == "code":
            yield from code_problems(assignment, task, rng)
        elif task.kind == "number":
            yield from number_problems(assignment, task)


def code_problems(assignment: Assignment, task: Task, rng: np.random.Generator) -> Iterator[str]:
    """Iterate over what is wrong with a task that asks for a function or class."""
    if len(task.mistakes) < MISTAKES:
        yield f"{task.name}: expected at least {MISTAKES} mistakes, got {len(task.mistakes)}"
    if len(task.alternatives) < ALTERNATIVES:
        count = len(task.alternatives)
        yield f"{task.name}: expected at least {ALTERNATIVES} alternatives, got {count}"
    public = ask(assignment, task, np.random.default_rng(SEED))
    drawn = ask(assignment, task, rng, hidden=True)
    for case, expected in zip(drawn.cases, drawn.expected, strict=True):
        if expected.error:
            yield f"{task.name}: the solution, in the case {case.name!r}, stops: {expected.error}"
            return
    for question, when in ((public, "in the student's check"), (drawn, "when graded")):
        yield from (f"{problem} {when}" for problem in unjust(assignment, question))


def unjust(assignment: Assignment, question: Question) -> Iterator[str]:
    """Iterate over the answers to a question that are judged as they should not be."""
    task = question.task
    sources = {"the solution": task.solution}
    sources |= {f"alternative {k + 1}": source for k, source in enumerate(task.alternatives)}
    for name, source in sources.items():
        verdict = judge(question, outcomes(assignment, task, source, question.cases))
        if not verdict.right:
            yield f"{task.name}: {name} is not right: {'; '.join(filter(None, verdict.problems))}"
    if judge(question, outcomes(assignment, task, stub(task), question.cases)).share:
        yield f"{task.name}: what the student is given has points"
    for mistake in task.mistakes:
        verdict = judge(question, outcomes(assignment, task, mistake.source, question.cases))
        if verdict.right:
            yield f"{task.name}: a mistake passes: {mistake.hint!r}"
        elif verdict.hint != mistake.hint:
            got = verdict.hint or "none; " + "; ".join(filter(None, verdict.problems))
            yield f"{task.name}: expected the hint {mistake.hint!r}, got {got!r}"


def number_problems(assignment: Assignment, task: Task) -> Iterator[str]:
    """Iterate over what is wrong with a task that asks for a number."""
    for student in ("ada", "grace", "barbara"):
        right = float(assignment.namespace(task, student=student)[task.name])
        if not np.isfinite(right):
            yield f"{task.name}: expected a finite number, got {right}"
        for mistake in task.mistakes:
            wrong = float(
                assignment.namespace(task, {task.name: mistake.source}, student)[task.name]
            )
            if abs(wrong - right) <= 2 * task.tolerance * abs(right):
                yield f"{task.name}: a mistake passes for {student!r}: {mistake.hint!r}"
