"""The checks in a student's notebook: at once, and with a word on what went wrong."""

import base64
import copy
import json
import math
import zlib
from typing import Any

import numpy as np

from lstmlib.grading.master import Case, Task
from lstmlib.grading.questions import UNWRITTEN, Known, Outcome, Question, judge, outcome
from lstmlib.grading.values import decode, described, encode

KEPT = ("name", "kind", "points", "chapter", "tolerance", "uses", "call")


class Checks:
    """The checks of an assignment: ``check("lstm_step", lstm_step)`` says what it finds.

    Parameters
    ----------
    questions
        Tasks with their public cases, by name.
    site
        Where the book is.
    """

    def __init__(self, questions: dict[str, Question], site: str) -> None:
        self.questions = questions
        self.site = site
        self.right: set[str] = set()  # what has been found right

    def __call__(self, name: str, answer: Any) -> None:
        """Print what is right and wrong of the answer to a task."""
        question = self.question(name)
        judged = {"number": self.number, "open": self.run}.get(question.task.kind, self.code)
        print("\n".join(judged(question, answer)))

    def example(self, name: str) -> dict[str, Any]:
        """Return the arguments of the first case that a task's check calls your function with."""
        return copy.deepcopy(self.question(name).cases[0].arguments)

    def question(self, name: str) -> Question:
        """Return the question of a task."""
        if name not in self.questions:
            raise ValueError(f"expected one of {sorted(self.questions)}, got {name!r}")
        return self.questions[name]

    def code(self, question: Question, function: Any) -> list[str]:
        """Return what is said of a function or class."""
        task = question.task
        found = [outcome(task.caller(), function, case.arguments) for case in question.cases]
        if found[0].error.startswith(UNWRITTEN):
            used = f", or {', '.join(task.uses)}, which it uses" if task.uses else ""
            return [f"{task.name}: still to be written{used}."]
        verdict = judge(question, found)
        if verdict.right:
            self.right.add(task.name)
            count = len(question.cases)
            return [f"{task.name}: right, in {count} {'case' if count == 1 else 'cases'}."]
        both = zip(question.cases, verdict.problems, strict=True)
        case, problem = next((case, problem) for case, problem in both if problem)
        told = [sentence(f'{task.name}: not yet right, in the case "{case.name}": {problem}')]
        if verdict.hint:
            told.append(f"  Hint: {verdict.hint}")
        elif unknown := [name for name in task.uses if name not in self.right]:
            told.append(
                f"  It uses {', '.join(unknown)}: run the check of that first, since a mistake "
                "there shows here."
            )
        return [*told, f"  To reread: {self.site}/chapters/{page(verdict.chapter)}"]

    def number(self, question: Question, answer: Any) -> list[str]:
        """Return what is said of a number, which is marked when all is handed in."""
        name = question.task.name
        if answer is ...:
            return [f"{name}: still to be answered."]
        if not is_number(answer):
            got = str(answer) if isinstance(answer, float | np.floating) else described(answer)
            return [f"{name}: expected a finite number, got {got}."]
        off = f"{100 * question.task.tolerance:g} % off still counts"
        return [f"{name}: {answer:.6g} is noted ({off}). It is marked when you have handed in."]

    def run(self, question: Question, function: Any) -> list[str]:
        """Return what came of an open task's function, without a score."""
        case = question.cases[0]
        found = outcome(question.task.caller(), function, case.arguments)
        name = question.task.name
        if found.error.startswith(UNWRITTEN):
            return [f"{name}: still to be written."]
        if found.error:
            return [sentence(f'{name}: in the case "{case.name}", stops with {found.error}')]
        return [f'{name}: runs, and in the case "{case.name}" returns {described(found.value)}.']


def sentence(text: str) -> str:
    """Return a text with the stop that it may lack."""
    text = text.rstrip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def page(chapter: str) -> str:
    """Return the page of a chapter, at its section if it names one."""
    name, mark, section = chapter.partition("#")
    return f"{name}.html{mark}{section}"


def is_number(answer: Any) -> bool:
    """Say whether an answer is a finite number."""
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(answer)
    except OverflowError:  # of an integer that no float holds
        return False


def pack(questions: dict[str, Question]) -> str:
    """Return questions as text, for a notebook; what is hidden from students is not in it."""
    data = [
        {
            "task": {key: getattr(question.task, key) for key in KEPT},
            "cases": [[case.name, encode(case.arguments)] for case in question.cases],
            "expected": [encode(expected.value) for expected in question.expected],
            "known": [
                [k.case, encode(single(k.outcome.value)), k.outcome.error, k.hint, k.chapter]
                for k in question.known
            ],
        }
        for question in questions.values()
    ]
    text = json.dumps(data, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def unpack(text: str, site: str) -> Checks:
    """Return the checks that ``pack`` made this text of."""
    questions = {}
    for part in json.loads(zlib.decompress(base64.b64decode(text))):
        task = Task(**part["task"])
        questions[task.name] = Question(
            task,
            [Case(name, decode(arguments)) for name, arguments in part["cases"]],
            [Outcome(decode(value)) for value in part["expected"]],
            [
                Known(case, Outcome(decode(value), error), hint, chapter)
                for case, value, error, hint, chapter in part["known"]
            ],
        )
    return Checks(questions, site)


def single(value: Any) -> Any:
    """Return a value with its arrays in single precision: they are there to be recognised."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        with np.errstate(over="ignore"):
            return value.astype(np.float32)
    if isinstance(value, dict):
        return {key: single(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(single(part) for part in value)
    if isinstance(value, list):
        return [single(part) for part in value]
    return value
