"""Grade what is in a folder: every file gets a row, whatever it is.

The submission's process returns values; what they should be stays here, with the arguments drawn
for this run. A row that is done is kept, so that a run that was interrupted goes on where it was.
"""

import builtins
import hashlib
import json
import math
import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lstmlib
from lstmlib.grading.checks import is_number
from lstmlib.grading.compare import as_array
from lstmlib.grading.master import Assignment, Task, defined
from lstmlib.grading.questions import UNWRITTEN, Outcome, Question, ask, judge
from lstmlib.grading.sandbox import BrokenError, Limits, Process, Sandbox, end
from lstmlib.grading.submissions import Notebook, Submission, UnreadableError, read, writable
from lstmlib.grading.values import decode, described, encode


class GradingError(ValueError):
    """A run that cannot be started as asked."""


@dataclass
class Mark:
    """What a task has earned and why; None until it is marked by hand."""

    points: float | None = 0.0
    reason: str = ""  # for the instructor
    said: str = ""  # for the student: nothing of the hidden cases
    hint: str = ""
    chapter: str = ""
    score: float | None = None  # of an open task
    problems: dict[str, str] = field(default_factory=dict)  # by case


@dataclass
class Row:
    """What is said of a file."""

    file: str
    student: str
    late: bool
    status: str = "graded"
    marks: dict[str, Mark] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # of cells, by their number
    version: str = ""  # the student number in the notebook

    @property
    def points(self) -> float:
        """What the tasks have earned that are not marked by hand."""
        return sum(mark.points or 0.0 for mark in self.marks.values())


class Grader:
    """Grades submissions of one assignment, all with the same arguments.

    Parameters
    ----------
    assignment
        The master.
    sandbox
        Where submissions run.
    seed
        What the arguments of all cases are drawn from: the same seed gives the same marks.
    """

    def __init__(self, assignment: Assignment, sandbox: Sandbox, seed: int) -> None:
        self.assignment, self.sandbox = assignment, sandbox
        self.limits = Limits(
            assignment.seconds, assignment.memory, assignment.without, assignment.masked
        )
        self.questions: dict[str, Question] = {}
        self.public: dict[str, int] = {}  # how many of a task's cases are of a kind students know
        self.scores: dict[str, Any] = {}
        self.lock = threading.Lock()  # around code of the master: it may print
        self.seed = seed
        self.carried: dict[tuple[str, ...], Question] = {}
        for task in assignment.tasks.values():
            if task.kind in ("code", "open"):
                self.questions[task.name] = self.question(task, {})
                known = task.draw(np.random.default_rng(0), hidden=False)
                self.public[task.name] = len(known)
            if task.kind == "open":
                self.scores[task.name] = defined(task.score, "score")

    def question(self, task: Task, used: dict[str, str]) -> Question:
        """Draw a task's cases; each from its own stream, so that a change leaves the others."""
        stream = np.random.default_rng([self.seed, *task.name.encode()])
        return ask(self.assignment, task, stream, hidden=True, used=used)

    def grade(self, submission: Submission, user: int = 0, live: Any = None) -> Row:
        """Grade a file; ``live`` is where its process is noted while it runs."""
        row = Row(submission.file, submission.student, submission.late)
        row.marks = {name: Mark() for name in self.assignment.tasks}
        texts = [task.name for task in self.assignment.tasks.values() if task.kind == "text"]
        try:
            notebook = read(submission.path, texts)
        except UnreadableError as error:
            row.status = str(error)
            return row
        for name in texts:
            row.answers[name] = notebook.answers.get(name, "")
            row.marks[name] = Mark(None)
        try:
            with self.sandbox.process(self.limits, user) as process:
                if live is not None:
                    live[user] = process
                self.mark(row, notebook, process)
        except BrokenError as error:
            row.status = f"stopped: {error}"
        except OSError:  # of this machine: no row can be trusted
            raise
        except Exception as error:  # whatever its answers do to the grader, they do to one row
            row.status = f"stopped: its answers cannot be read ({type(error).__name__})"
        return row

    def mark(self, row: Row, notebook: Notebook, process: Process) -> None:
        """Run a notebook, and mark its tasks one by one."""
        # A cell that hangs leaves time for the tasks of the others.
        reply = process.ask(do="run", cells=notebook.code, seconds=self.assignment.seconds / 3)
        row.errors = strings(reply.get("errors"))
        row.version = writable(str(reply.get("student", "")))[:200]
        tasks = self.assignment.tasks
        found: dict[str, list[Outcome]] = {name: [] for name in tasks}
        stopped: BrokenError | None = None
        try:
            self.ask(found, process)
        except BrokenError as error:
            stopped = error
        mistaken: dict[str, str] = {}
        for name, task in tasks.items():
            missing = [Outcome(error=str(stopped))]
            if task.kind == "number":
                row.marks[name] = self.number(task, row.version, (found[name] or missing)[0])
            elif task.kind == "code":
                missing *= len(self.questions[name].cases) - len(found[name])
                row.marks[name] = self.code(task, found[name] + missing, mistaken)
            elif task.kind == "open":
                row.marks[name] = self.open(task, (found[name] or missing)[0])
        if stopped:
            raise stopped

    def ask(self, found: dict[str, list[Outcome]], process: Process) -> None:
        """Add to ``found`` what comes of each case, the hidden ones last.

        A submission may put what it sees into its next error, and students are told errors: only
        until the first hidden case.
        """
        for name, task in self.assignment.tasks.items():
            if task.kind == "number":
                found[name].append(value(process.ask(do="value", name=name)))
        public, hidden = [], []
        for name, question in self.questions.items():
            if question.task.kind == "open":
                hidden.append((name, question.cases[-1]))  # this alone counts
            else:
                known = self.public[name]
                public += [(name, case) for case in question.cases[:known]]
                hidden += [(name, case) for case in question.cases[known:]]
        for name, case in public + hidden:
            first = found[name][0] if found[name] else Outcome()
            if first.error.startswith("TimeIsUp"):  # what time is left is for other tasks
                found[name].append(first)
            else:
                task = self.assignment.tasks[name]
                found[name].append(called(task, case.arguments, process))

    def code(self, task: Task, found: list[Outcome], mistaken: dict[str, str]) -> Mark:
        """Mark a function or class by what came of its cases, against what is right.

        ``mistaken`` are the mistakes recognised in earlier tasks, by their source. What uses them
        and does so rightly has full marks: an error costs once.
        """
        question = self.questions[task.name]
        if found[0].error.startswith(UNWRITTEN):
            return unwritten(task)
        verdict = judge(question, found)
        if verdict.right:
            return Mark(task.points, said="right")
        used = {name: mistaken[name] for name in task.uses if name in mistaken}
        if used:
            with self.lock:
                key = (task.name, *used.values())
                if key not in self.carried:
                    self.carried[key] = self.question(task, used)
            question_used = self.carried[key]
            carried = judge(question_used, found)
            # Where one error hides another, what looks right may not be.
            if carried.right and len(question_used.known) == len(task.mistakes):
                said = f"right, with what is not right in {', '.join(used)}"
                return Mark(task.points, said, said)
            if not carried.right:
                verdict = max(verdict, carried, key=lambda v: (v.share, bool(v.hint)))
        if verdict.source:
            mistaken[task.name] = verdict.source
        points = round(task.points * verdict.share, 2)
        both = zip(question.cases, verdict.problems, strict=True)
        problems = {case.name: problem for case, problem in both if problem}
        name, problem = next(iter(problems.items()))
        reason = f"{name}: {problem}"
        if (more := len(problems) - 1) > 0:
            reason += f" (and {more} more of {len(question.cases)} cases)"
        if name in [case.name for case in question.cases[: self.public[task.name]]]:
            said = f'not right in a case of the kind "{name}": {problem}'
        else:
            said = "right in the cases that your check has, but not in all others"
        mark = Mark(points, reason, said, verdict.hint, verdict.chapter)
        mark.problems = problems
        return mark

    def number(self, task: Task, student: str, answer: Outcome) -> Mark:
        """Mark a number, which depends on the student's."""
        if answer.error:
            return Mark(reason=answer.error, said=answer.error, chapter=task.chapter)
        if not is_number(answer.value):
            said = f"expected a number, got {described(answer.value)}"
            return Mark(reason=said, said=said, chapter=task.chapter)
        try:
            right = self.right(task, task.solution, student)
        except ValueError:
            said = "the numbers depend on student, which is not filled in"
            return Mark(reason=said, said=said)
        if near(answer.value, right, task.tolerance):
            return Mark(task.points, said="right")
        reason = f"expected {right:.6g}, got {answer.value:.6g}"
        for mistake in task.mistakes:
            if near(answer.value, self.right(task, mistake.source, student), task.tolerance):
                return Mark(0.0, reason, "not right", mistake.hint, mistake.chapter)
        return Mark(0.0, reason, "not right", chapter=task.chapter)

    def right(self, task: Task, solution: str, student: str) -> float:
        """Return the number that a solution gives for a student."""
        with self.lock:
            return float(self.assignment.namespace(task, {task.name: solution}, student)[task.name])

    def open(self, task: Task, found: Outcome) -> Mark:
        """Mark an open task by the score that it reaches in its last case, hidden if there is."""
        case = self.questions[task.name].cases[-1]
        if found.error.startswith(UNWRITTEN):
            return unwritten(task)
        if found.error:
            kind = found.error.partition(":")[0]
            told = f" with {kind}" if hasattr(builtins, kind) else ""  # a name may tell data too
            said = f"stops{told} in the case that counts, whose data are not those of your check"
            return Mark(reason=found.error, said=said, chapter=task.chapter)
        returned = found.value
        if isinstance(returned, list | tuple):  # not of strings, which NumPy makes as long as any
            returned = as_array(returned)
        try:
            with self.lock:
                score = float(self.scores[task.name](returned, case.secret))
            if not math.isfinite(score):
                raise ValueError(f"the score is {score}")
        except Exception as error:  # of what a submission returned, anything may be wrong
            said = "what is returned cannot be scored"
            reason = writable(f"{said}: {error}")[:300]
            return Mark(reason=reason, said=said, chapter=task.chapter)
        points = max((points for level, points in task.levels if score >= level), default=0.0)
        said = f"reaches {score:.4g}"
        if above := [level for level, _ in task.levels if score < level]:
            said += f"; more points from {min(above):g} on"
        return Mark(points, said, said, score=score)


def unwritten(task: Task) -> Mark:
    """Return the mark of a function that is as it was handed out."""
    return Mark(reason="not written", said="still to be written", chapter=task.chapter)


def called(task: Task, arguments: dict[str, Any], process: Process) -> Outcome:
    """Return what comes of a call in the submission's process."""
    reply = process.ask(
        do="call",
        name=task.name,
        source=task.call,
        arguments=encode(arguments),
        seconds=task.seconds,
    )
    return value(reply)


def value(reply: dict[str, Any]) -> Outcome:
    """Return what a reply says, which a submission may have written."""
    if "error" in reply:
        return Outcome(error=writable(str(reply["error"]))[:500])
    try:
        return Outcome(decode(reply["value"]))
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError, OverflowError):
        return Outcome(error="an unreadable value")


def near(answer: float, right: float, tolerance: float) -> bool:
    """Say whether a number is right, up to a relative tolerance."""
    return abs(answer - right) <= tolerance * abs(right)


def strings(data: Any) -> dict[str, str]:
    """Return what a submission says are the errors of its cells."""
    if not isinstance(data, dict):
        return {}
    some = list(data.items())[:200]
    return {writable(key)[:10]: writable(str(error))[:500] for key, error in some}


class Run:
    """Grading a folder: what is done is kept in ``output``, and not done again.

    Parameters
    ----------
    assignment
        The master.
    sandbox
        Where submissions run.
    output
        The folder of the results.
    seed
        If not given, that of the run that is continued; a new one otherwise.
    """

    def __init__(
        self, assignment: Assignment, sandbox: Sandbox, output: Path, seed: int | None = None
    ) -> None:
        self.output = output
        master = hashlib.sha256(assignment.path.read_bytes()).hexdigest()
        known = {"assignment": assignment.number, "master": master, "lstmlib": lstmlib.__version__}
        path = output / "run.json"
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            same = {key: before.get(key) for key in known} == known
            if not same or seed not in (None, before["seed"]):
                raise GradingError(
                    f"{output} holds marks of another master, version or seed: expected those of "
                    f"this run, or another --output"
                )
            seed = before["seed"]
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        write(path, as_json({**known, "seed": self.seed}))
        self.grader = Grader(assignment, sandbox, self.seed)

    def rows(self, submissions: list[Submission], jobs: int) -> Iterator[Row]:
        """Iterate over the rows as they are done, those of an earlier run first."""
        todo = []
        for submission in submissions:
            if (path := self.kept(submission)).exists():
                yield load(path)
            else:
                todo.append((submission, path))
        users: queue.SimpleQueue[int] = queue.SimpleQueue()
        for user in range(jobs):
            users.put(user)
        live: dict[int, Process] = {}
        stopped = threading.Event()

        def work(submission: Submission, path: Path) -> Row:
            user = users.get()
            try:
                row = self.grader.grade(submission, user, live)
                if not stopped.is_set():
                    write(path, as_json(asdict(row)))
                return row
            finally:
                live.pop(user, None)
                users.put(user)

        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(work, *each) for each in todo]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                while not all(future.done() for future in futures):  # some may be starting yet
                    for process in list(live.values()):
                        end(process.process)
                    time.sleep(0.05)

    def kept(self, submission: Submission) -> Path:
        """Return where a file's row is kept: another one if the file has changed."""
        status = submission.path.lstat()
        # Not the time of its content, which an archive sets.
        parts = (status.st_size, status.st_ctime_ns, self.grader.sandbox.bwrap)
        key = os.fsencode(submission.path) + " ".join(map(str, parts)).encode()
        return self.output / "rows" / f"{hashlib.sha256(key).hexdigest()[:24]}.json"


def load(path: Path) -> Row:
    """Return a row that is kept."""
    data = json.loads(path.read_text(encoding="utf-8"))
    marks = {name: Mark(**mark) for name, mark in data.pop("marks").items()}
    return Row(**data, marks=marks)


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all, whatever students have put into the text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(text.encode("utf-8", "backslashreplace"))
    part.replace(path)


def as_json(data: Any) -> str:
    """Return JSON as it is kept: for people too."""
    return json.dumps(data, indent=1, ensure_ascii=False)
