"""The master of an assignment: one notebook from which all its versions are made.

Raw cells are TOML: the first describes the assignment, one with ``[task]`` opens a task, one with
``[[mistake]]`` lists wrong answers as changes of the right one. Code cells whose first line is
``#| solution``, ``#| cases``, ``#| hidden``, ``#| call``, ``#| score`` or ``#| alternative`` belong
to the task they follow; ``#| skip`` marks one that is not run when graded. All other cells are
given to the student as they are.
"""

import contextlib
import io
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

ROLES = ("solution", "cases", "hidden", "call", "score", "alternative", "skip")
KINDS = ("code", "number", "text", "open")
REGION = re.compile(r"^( *)# BEGIN SOLUTION\n.*?^\1# END SOLUTION$", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r"#\| (\w+)\n")
# What is not to reach a student because of a slip in how it is marked.
MARK = re.compile(r"^ *#(?:\|| *BEGIN SOLUTION| *END SOLUTION).*$", re.MULTILINE)


class MasterError(ValueError):
    """A master that says something other than what is expected."""


@dataclass(frozen=True)
class Mistake:
    """A wrong solution that students write, and what helps them."""

    source: str
    hint: str
    chapter: str


@dataclass(frozen=True)
class Case:
    """Arguments with which a student's function is called; ``secret`` stays with the grader."""

    name: str
    arguments: dict[str, Any]
    secret: Any = None


@dataclass
class Task:
    """What is asked, what is right, what is wrong in which way, and what it is worth."""

    name: str
    kind: Literal["code", "number", "text", "open"]
    points: float
    chapter: str
    tolerance: float
    seconds: float = 5.0
    uses: list[str] = field(default_factory=list)
    rubric: str = ""
    answer: str = ""
    levels: list[tuple[float, float]] = field(default_factory=list)
    solution: str = ""
    cases: str = ""
    hidden: str = ""
    call: str = ""
    score: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)

    def draw(self, rng: np.random.Generator, *, hidden: bool) -> list[Case]:
        """Draw the public cases, and the hidden ones if asked."""
        sources = [self.cases, self.hidden] if hidden and self.hidden else [self.cases]
        drawn = []
        for source, name in zip(sources, ("cases", "hidden"), strict=False):
            drawn += [Case(*case) for case in defined(source, name)(rng)]
            names = [case.name for case in drawn]
            if not names or len(names) > len(set(names)):
                raise MasterError(
                    f"{self.name}: expected cases, each with a name of its own, got {names}"
                )
        return drawn

    def caller(self) -> Any:
        """Return what is done with a function and a case's arguments."""
        return defined(self.call, "call") if self.call else call_by_name


@dataclass(frozen=True)
class Cell:
    """A cell of the master, with the task that it belongs to if it has a role there."""

    id: str
    type: Literal["code", "markdown", "raw"]
    source: str
    role: str = ""
    task: Task | None = None


@dataclass
class Assignment:
    """A master, read."""

    path: Path
    number: int
    title: str
    summary: str
    minutes: int
    chapters: list[str]
    objectives: list[str]
    without: list[str]
    masked: list[str]
    seconds: float
    memory: int
    cells: list[Cell]
    tasks: dict[str, Task]

    @property
    def points(self) -> float:
        """What all tasks together are worth."""
        return sum(task.points for task in self.tasks.values())

    def namespace(
        self,
        task: Task | None = None,
        solutions: Mapping[str, str] | None = None,
        student: str = "reference",
    ) -> dict[str, Any]:
        """Run given cells and solutions, up to a task's, and return what they define.

        ``solutions`` are run in place of the master's own, by the names of their tasks.
        """
        names: dict[str, Any] = {"__name__": "__main__", "student": student}
        exec("from lstmlib.grading import version", names)
        solutions = solutions or {}
        for cell in self.cells:
            if cell.type != "code" or cell.role not in ("", "solution"):
                continue
            name = cell.task.name if cell.task and cell.role == "solution" else ""
            with contextlib.redirect_stdout(io.StringIO()):
                run(solutions.get(name, cell.source), names, cell.id)
            if name and cell.task is task:
                break
        return names


def read(path: Path) -> Assignment:
    """Read a master; MasterError names the cell that is not as expected."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        head, *rest = ("".join(cell["source"]) for cell in cells)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MasterError(f"{path}: expected a notebook, got {error!r}") from error
    settings = toml(head, f"{path}, first cell")
    known = {
        "summary": "",
        "objectives": [],
        "without": [],
        "masked": [],
        "seconds": 60.0,
        "memory": 1500,
    }
    required = {"assignment", "title", "minutes", "chapters"}
    expect_keys(settings, required, known, f"{path}, first cell")
    assignment = Assignment(
        path, settings.pop("assignment"), **{**known, **settings}, cells=[], tasks={}
    )
    task: Task | None = None
    answered = False  # whether the text task has its place for an answer: after its first words
    for k, (cell, source) in enumerate(zip(cells[1:], rest, strict=True), start=2):
        name = cell.get("id", f"cell-{k}")  # notebooks of before 2021 have none
        where = f"{path}, cell {name!r}"
        if cell["cell_type"] == "raw":
            task, answered = read_raw(source, assignment, task, where), False
        role = found[1] if (found := ROLE.match(source)) and cell["cell_type"] == "code" else ""
        if role and role not in ROLES:
            raise MasterError(f"{where}: expected a role of {ROLES}, got {role!r}")
        if role:
            source = source.partition("\n")[2]
        said = source if role != "solution" else REGION.sub("", source)
        if cell["cell_type"] == "code" and (slip := MARK.search(said)):
            raise MasterError(
                f"{where}: expected #| with a role in the first line, or # BEGIN SOLUTION and "
                f"# END SOLUTION alone in theirs, in a solution, got {slip[0]!r}"
            )
        if role and role != "skip":
            if task is None:
                raise MasterError(f"{where}: expected a [task] before it, got none")
            if role == "alternative":
                task.alternatives.append(source)
            elif getattr(task, role):
                raise MasterError(f"{where}: expected one cell {role} of {task.name}, got another")
            else:
                setattr(task, role, source)
        assignment.cells.append(Cell(name, cell["cell_type"], source, role, task))
        if cell["cell_type"] == "markdown" and task and task.kind == "text" and not answered:
            assignment.cells.append(Cell(f"answer-{name}", "markdown", "", "answer", task))
            answered = True
    for task in assignment.tasks.values():
        expect_whole(task, f"{path}, task {task.name!r}")
        if task.kind == "text" and not any(
            cell.task is task and cell.role == "answer" for cell in assignment.cells
        ):
            raise MasterError(f"{path}, task {task.name!r}: expected Markdown that asks, got none")
    return assignment


def read_raw(source: str, assignment: Assignment, task: Task | None, where: str) -> Task:
    """Read a raw cell: a new task, or mistakes of the last one."""
    data = toml(source, where)
    if "task" in data:
        new = data["task"]
        known = {"chapter", "tolerance", "seconds", "uses", "rubric", "answer", "levels"}
        expect_keys(new, {"name", "kind", "points"}, known, where)
        if new["kind"] not in KINDS:
            raise MasterError(f"{where}: expected a kind of {KINDS}, got {new['kind']!r}")
        if new["name"] in assignment.tasks or not new["name"].isidentifier():
            raise MasterError(f"{where}: expected a new name, got {new['name']!r}")
        new.setdefault("chapter", assignment.chapters[0])
        new.setdefault("tolerance", 1e-3 if new["kind"] == "number" else 1e-8)
        assignment.tasks[new["name"]] = task = Task(**new)
    if task is None or not {"task", "mistake"} & set(data):
        raise MasterError(f"{where}: expected [task] or [[mistake]], got {sorted(data)}")
    for mistake in data.get("mistake", []):
        changes = {"changes"} if "changes" in mistake else {"change", "to"}
        expect_keys(mistake, {"hint"} | changes, {"chapter"}, where)
        changed = task.solution
        for old, new_text in mistake.get("changes") or [(mistake["change"], mistake["to"])]:
            if changed.count(old) != 1:
                raise MasterError(
                    f"{where}: expected {old!r} once in the solution of {task.name}, got it "
                    f"{changed.count(old)} times"
                )
            changed = changed.replace(old, new_text)
        chapter = mistake.get("chapter", task.chapter)
        task.mistakes.append(Mistake(changed, mistake["hint"], chapter))
    return task


def expect_whole(task: Task, where: str) -> None:
    """Refuse a task without what its kind needs."""
    needed = {
        "code": ("solution", "cases"),
        "number": ("solution",),
        "text": ("rubric",),
        "open": ("solution", "cases", "score", "levels"),
    }
    for part in needed[task.kind]:
        if not getattr(task, part):
            raise MasterError(f"{where}: expected {part}, as a task of kind {task.kind} has it")
    if task.kind in ("code", "open") and not REGION.search(task.solution):
        raise MasterError(f"{where}: expected # BEGIN SOLUTION … # END SOLUTION in the solution")


def expect_keys(data: Mapping[str, Any], required: set[str], known: Any, where: str) -> None:
    """Refuse a table that lacks a key, or has one that is not known."""
    if missing := required - set(data):
        raise MasterError(f"{where}: expected {sorted(missing)}, got {sorted(data)}")
    if unknown := set(data) - required - set(known):
        raise MasterError(
            f"{where}: expected {sorted(required | set(known))}, got {sorted(unknown)}"
        )


def toml(source: str, where: str) -> dict[str, Any]:
    """Read TOML."""
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise MasterError(f"{where}: expected TOML, got {error}") from error


def run(source: str, names: dict[str, Any], name: str) -> None:
    """Run a cell in a namespace; ``name`` is what a traceback calls it."""
    exec(compile(source, f"<{name}>", "exec"), names)


def defined(source: str, name: str) -> Any:
    """Return what a cell of the master, which knows NumPy as np, defines under a name."""
    names: dict[str, Any] = {"np": np}
    run(source, names, name)
    if name not in names:
        raise MasterError(f"expected a cell that defines {name}, got {sorted(names)}")
    return names[name]


def call_by_name(function: Any, **arguments: Any) -> Any:
    """Call a function: what is done with it where a task does not say otherwise."""
    return function(**arguments)
