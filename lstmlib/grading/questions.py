"""What a task asks with arguments drawn, what comes of it, and what that says of an answer.

The student's check and the grader judge alike: each calls the function (the grader in another
process), and ``judge`` compares what came of it with what comes of the reference solution, and with
what comes of each known mistake.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmlib.grading.compare import difference
from lstmlib.grading.master import Assignment, Case, Task
from lstmlib.grading.values import decode, encode

# How near to a mistake's numbers, relative to their largest, an answer's are if it makes that
# mistake: they are kept in single precision.
RECOGNISED = 1e-5

# What a function raises that is as it was handed out.
UNWRITTEN = "NotImplementedError"


@dataclass(frozen=True)
class Outcome:
    """What came of a call: a value, or an error such as ``ValueError: shapes do not fit``."""

    value: Any = None
    error: str = ""


@dataclass(frozen=True)
class Known:
    """A mistake, and what comes of the first case that shows it."""

    case: int
    outcome: Outcome
    hint: str
    chapter: str
    source: str = ""


@dataclass(frozen=True)
class Question:
    """A task with its cases drawn and what is expected of each."""

    task: Task
    cases: list[Case]
    expected: list[Outcome]
    known: list[Known]


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer: a problem for each case (empty if right), and the mistake."""

    problems: list[str]
    hint: str = ""
    chapter: str = ""
    source: str = ""  # of the mistake

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.problems)

    @property
    def share(self) -> float:
        """The part of the points: none without the first case, then of the cases that are right."""
        if self.problems[0]:
            return 0.0
        return sum(not problem for problem in self.problems) / len(self.problems)


def outcome(caller: Callable[..., Any], function: Any, arguments: dict[str, Any]) -> Outcome:
    """Call a function as the grader does: what goes in and comes out are copies that can travel."""
    try:
        return Outcome(decode(encode(caller(function, **decode(encode(arguments))))))
    except Exception as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:500])


def ask(
    assignment: Assignment,
    task: Task,
    rng: np.random.Generator,
    *,
    hidden: bool = False,
    used: Mapping[str, str] | None = None,
) -> Question:
    """Draw a task's cases, and see what comes of the reference and of each mistake.

    ``used`` are solutions of earlier tasks, wrong ones say, in place of the right ones.
    """
    cases = task.draw(rng, hidden=hidden)
    if task.kind == "open":
        return Question(task, cases, [], [])
    expected = outcomes(assignment, task, task.solution, cases, used)
    known = []
    for mistake in task.mistakes:
        found = outcomes(assignment, task, mistake.source, cases, used)
        for k, (wrong, right) in enumerate(zip(found, expected, strict=True)):
            if not same(wrong, right, task.tolerance):
                known.append(Known(k, wrong, mistake.hint, mistake.chapter, mistake.source))
                break
    return Question(task, cases, expected, known)


def outcomes(
    assignment: Assignment,
    task: Task,
    source: str,
    cases: list[Case],
    used: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Return what comes of each case with a solution of the task."""
    function = assignment.namespace(task, {**(used or {}), task.name: source}).get(task.name)
    with np.errstate(all="ignore"):  # mistakes overflow, and are to
        return [outcome(task.caller(), function, case.arguments) for case in cases]


def same(a: Outcome, b: Outcome, tolerance: float) -> bool:
    """Say whether the same came of two calls."""
    if a.error or b.error:
        return a.error == b.error
    return not difference(a.value, b.value, tolerance)


def judge(question: Question, found: list[Outcome]) -> Verdict:
    """Say what is right of what came of a question's cases."""
    task = question.task
    problems = []
    for answer, expected in zip(found, question.expected, strict=True):
        if answer.error:
            problems.append(f"stops with {answer.error}")
        elif answer.value is None and expected.value is not None:
            problems.append("returns None: is there a return?")
        else:
            problems.append(difference(answer.value, expected.value, task.tolerance))
    verdict = Verdict(problems, chapter=task.chapter)
    if not verdict.right:
        # A mistake explains an answer whose first wrong case is the first that shows the mistake.
        first = next(k for k, problem in enumerate(problems) if problem)
        nearness = max(task.tolerance, RECOGNISED)
        for known in question.known:
            if known.case == first and same(found[first], known.outcome, nearness):
                return Verdict(problems, known.hint, known.chapter, known.source)
    return verdict
