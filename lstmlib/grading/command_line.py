"""What an instructor types: ``python -m lstmlib.grading student | check | grade | gradescope``."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lstmlib import install
from lstmlib.grading import gradescope, master, report, student, verify
from lstmlib.grading.grade import GradingError, Run
from lstmlib.grading.sandbox import Limits, Sandbox
from lstmlib.grading.submissions import find
from lstmlib.grading.trials import trials


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 with what went wrong on the error stream."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (master.MasterError, GradingError, ImportError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    top = argparse.ArgumentParser(prog="python -m lstmlib.grading", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    made = commands.add_parser("student", help="make the student's version of an assignment")
    made.add_argument("master", type=Path, help="for instance assignments/4_lstm.ipynb")
    made.add_argument("--output", type=Path, required=True, help="a notebook, or a folder of them")
    made.add_argument("--roster", type=Path, help="student numbers, one a line: a copy each")
    made.set_defaults(command=make_student)

    graded = commands.add_parser("grade", help="grade a folder of submissions")
    graded.add_argument("master", type=Path)
    graded.add_argument("submissions", type=Path, help="the folder; every file in it gets a row")
    graded.add_argument("--output", type=Path, help="where results go: SUBMISSIONS-graded")
    cores = os.cpu_count() or 1
    graded.add_argument("--jobs", type=whole(1), default=cores, help="how many at a time")
    graded.add_argument("--seed", type=whole(0), help="to draw cases as a run before did")
    graded.add_argument(
        "--trusted",
        action="store_true",
        help="run submissions although this machine cannot isolate them",
    )
    graded.set_defaults(command=grade_folder)

    checked = commands.add_parser("check", help="say what is wrong with a master")
    checked.add_argument("master", type=Path)
    checked.set_defaults(command=check_master)

    zipped = commands.add_parser("gradescope", help="make the archive that Gradescope grades with")
    zipped.add_argument("master", type=Path)
    zipped.add_argument("--output", type=Path, required=True, help="the folder it is put into")
    zipped.set_defaults(command=make_archive)
    return top


def whole(least: int) -> Callable[[str], int]:
    """Return what reads a whole number that is not too small."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            message = f"expected a whole number from {least} on, got {text!r}"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return read


def make_student(options: argparse.Namespace) -> int:
    """Write the student's version, or one for each student of a roster."""
    assignment = master.read(options.master)
    address = install.addresses()
    book = student.notebook(assignment, install.archive(address["Repository"]), address["Book"])
    made = {options.output: book}
    if options.roster is not None:
        made = {}
        lines = options.roster.read_text(encoding="utf-8").splitlines()
        for name in filter(None, map(str.strip, lines)):
            if "/" in name:
                raise GradingError(f"expected numbers that files can be named after, got {name!r}")
            path = options.output / f"{options.master.stem}_{name}.ipynb"
            made[path] = student.copy_for(book, name)
    for path, copy in made.items():
        student.write(path, copy)
        print(path)
    return 0


def grade_folder(options: argparse.Namespace) -> int:
    """Grade a folder, and say what came of it."""
    assignment = master.read(options.master)
    if not options.submissions.is_dir():
        raise NotADirectoryError(f"expected a folder of submissions, got {options.submissions}")
    folder = options.submissions.resolve()
    output = options.output or folder.with_name(f"{folder.name}-graded")
    if output.resolve().is_relative_to(folder):
        raise GradingError(f"expected an output outside of {folder}, got {output}")
    sandbox = isolated(assignment, trusted=options.trusted)
    with alone(output):
        return grade_into(output, assignment, sandbox, folder, options)


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Keep another run from writing into the same folder; refuse if there is one."""
    import fcntl  # Windows has none, and makes students' versions all the same

    output.mkdir(parents=True, exist_ok=True)
    with (output / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GradingError(
                f"expected one run at a time into {output}, got another that has not ended"
            ) from None
        yield


def grade_into(
    output: Path,
    assignment: master.Assignment,
    sandbox: Sandbox,
    folder: Path,
    options: argparse.Namespace,
) -> int:
    """Grade the files below a folder, and write the results."""
    run = Run(assignment, sandbox, output, options.seed)
    submissions = list(find(folder))
    rows = []
    try:
        with tqdm(total=len(submissions), unit="file") as bar:
            for row in run.rows(submissions, options.jobs):
                rows.append(row)
                bar.update()
    except KeyboardInterrupt:
        print(f"interrupted: {len(rows)} of {len(submissions)} are kept; the same command goes on")
        return 130
    known = {"assignment": assignment.number, "seed": run.seed, "isolated": bool(sandbox.bwrap)}
    report.write_all(assignment, rows, output, install.addresses()["Book"], known)
    full = sum(row.status == "graded" for row in rows)
    print(f"{len(rows)} files, {full} of them graded; results in {output}")
    return 0


def isolated(assignment: master.Assignment, *, trusted: bool) -> Sandbox:
    """Return where submissions run, and say what it keeps from them; refuse what is not enough."""
    sandbox = Sandbox.find()
    limits = Limits(assignment.seconds, assignment.memory)
    try:
        held = trials(sandbox, limits, [assignment.path])
    except OSError as error:  # bubblewrap is there, and may not do what it is for
        print(error, file=sys.stderr)
        sandbox = Sandbox("")
        held = trials(sandbox, limits, [assignment.path])
    print("What a submission can do here was tried:")
    for promise, kept in held.items():
        print(f"  {'yes' if kept else 'NO '}  {promise}")
    if all(held.values()):
        return sandbox
    if not trusted:
        raise GradingError(
            "expected all of these, since submissions are programs that anyone may have written: "
            "on Linux, install bubblewrap (the program bwrap). With --trusted they are run anyway."
        )
    print("--trusted: submissions run all the same")
    return sandbox


def make_archive(options: argparse.Namespace) -> int:
    """Write the archive for Gradescope; it holds the solutions."""
    print(gradescope.make_zip(options.master, options.output))
    return 0


def check_master(options: argparse.Namespace) -> int:
    """Print what is wrong with a master, and what it holds."""
    assignment = master.read(options.master)
    tasks = list(assignment.tasks.values())
    wrong = list(verify.problems(assignment, np.random.default_rng()))
    for problem in wrong:
        print(problem)
    mistakes = sum(len(task.mistakes) for task in tasks)
    print(
        f"assignment {assignment.number}: {len(tasks)} tasks, {assignment.points:g} points, "
        f"{mistakes} known mistakes; {len(wrong)} problems"
    )
    return 1 if wrong else 0
