"""Grading a folder: every file has its row, an error costs once, a run goes on where it was."""

import dataclasses
import json
import os
import threading
import time

import pytest

from lstmlib.grading import master, student
from lstmlib.grading.grade import Grader, GradingError, Run, unwritten
from lstmlib.grading.questions import Outcome
from lstmlib.grading.sandbox import Sandbox
from lstmlib.grading.submissions import find

from . import small
from .conftest import ASSIGNMENTS
from .notebooks import SITE, SOURCE, earned, full, reference, submission

# What is tested here does not depend on isolation, and machines without it test it too.
OPEN = Sandbox("")


@pytest.fixture(scope="module")
def grader(lstm):
    return Grader(lstm, OPEN, seed=3)


def test_the_reference_has_full_marks(lstm, graded):
    row = graded(reference(lstm))
    assert (row.status, earned(row), row.errors) == ("graded", full(lstm), {})


def test_what_is_handed_out_has_none(lstm, graded):
    row = graded(student.notebook(lstm, SOURCE, SITE))
    assert row.points == 0
    assert row.marks["cell_after"].said == "not answered"
    assert row.marks["lstm_step"].said == "still to be written"


def test_an_open_task_that_is_not_written_says_so(tmp_path):
    assignment = small.read(tmp_path)
    task = assignment.tasks["guess"]
    assert Grader(assignment, OPEN, seed=1).open(task, Outcome(error="NotImplementedError: ")) == (
        unwritten(task)
    )


def test_each_mistake_costs_marks_and_has_its_hint(lstm, graded):
    most = max(len(task.mistakes) for task in lstm.tasks.values())
    for k in range(most):
        for name, task in lstm.tasks.items():
            if k >= len(task.mistakes) or (task.kind == "number" and k):
                continue
            mistake = task.mistakes[k]
            mark = graded(reference(lstm, **{name: mistake.source})).marks[name]
            assert mark.points < task.points
            assert mark.hint == mistake.hint
        if k == 1:  # all of them are tried without a process, in test_masters
            break


def test_an_error_costs_once(lstm, graded):
    # The gates are swapped in the step; sequence and gradients are right for such a step.
    wrong = lstm.tasks["lstm_step"].mistakes[0]
    row = graded(reference(lstm, lstm_step=wrong.source))
    assert earned(row) == full(lstm) | {"lstm_step": 0}
    assert row.marks["lstm_forward"].said == "right, with what is not right in lstm_step"


def test_an_error_on_top_of_another_costs_too(lstm, graded):
    step, forward = (lstm.tasks[name].mistakes[0] for name in ("lstm_step", "lstm_forward"))
    row = graded(reference(lstm, lstm_step=step.source, lstm_forward=forward.source))
    assert row.marks["lstm_forward"].points == 0
    assert row.marks["lstm_forward"].hint == forward.hint


def test_numbers_belong_to_the_student_in_the_notebook(lstm, graded):
    right = {task.name: task.solution for task in lstm.tasks.values() if task.kind == "number"}
    mine = lstm.namespace(student="grace")
    copied = {name: f"{name} = {mine[name]!r}" for name in right}
    assert graded(submission(lstm, copied, who="grace")).points == 4
    assert graded(submission(lstm, copied, who="ada")).points < 4
    row = graded(submission(lstm, copied, who=""))
    assert "student" in row.marks["cell_after"].said


@pytest.mark.parametrize("answer", ["'ten'", "[1.0]", "float('nan')", "True", "10**400", "1e400"])
def test_what_is_no_number_is_not_marked(lstm, graded, answer):
    row = graded(submission(lstm, {"cell_after": f"cell_after = {answer}"}))
    assert row.marks["cell_after"].points == 0


def test_one_seed_gives_the_same_marks_and_arguments(lstm):
    one, same, other = (Grader(lstm, OPEN, seed) for seed in (1, 1, 2))
    x = [g.questions["lstm_step"].cases[0].arguments["x"].tolist() for g in (one, same, other)]
    assert x[0] == x[1] != x[2]


def test_the_students_cases_are_not_those_of_a_run(lstm, grader):
    public = student.questions(lstm)
    for name, question in grader.questions.items():
        drawn = [str(case.arguments) for case in question.cases]
        assert not {str(case.arguments) for case in public[name].cases} & set(drawn)


@pytest.fixture
def folder(lstm, tmp_path):
    folder = tmp_path / "in"
    student.write(folder / "ada.ipynb", reference(lstm))
    student.write(
        folder / "Grace_12_assignsubmission_file" / "a.ipynb", reference(lstm, who="grace")
    )
    (folder / "report.ipynb").write_bytes(b"%PDF-1.7")
    (folder / "empty.ipynb").touch()
    (folder / "secret.ipynb").symlink_to(lstm.path)
    (folder / "nothing").mkdir()
    return folder


def test_every_file_has_a_row(lstm, folder, tmp_path):
    run = Run(lstm, OPEN, tmp_path / "out")
    rows = {row.file: row for row in run.rows(list(find(folder)), jobs=2)}
    assert {file: row.status for file, row in rows.items()} == {
        "ada.ipynb": "graded",
        "Grace_12_assignsubmission_file/a.ipynb": "graded",
        "report.ipynb": "expected a notebook, got a PDF",
        "empty.ipynb": "expected a notebook, got an empty file",
        "secret.ipynb": "expected a notebook, got a link",
    }
    assert rows["Grace_12_assignsubmission_file/a.ipynb"].student == "Grace"
    assert rows["secret.ipynb"].points == 0


def test_a_run_goes_on_where_it_was(lstm, folder, tmp_path, monkeypatch):
    first = Run(lstm, OPEN, tmp_path / "out")
    files = list(find(folder))
    rows = list(first.rows(files, jobs=2))
    student.write(folder / "ada.ipynb", student.notebook(lstm, SOURCE, SITE))  # handed in again
    second = Run(lstm, OPEN, tmp_path / "out")
    assert second.seed == first.seed
    again = []
    grade = second.grader.grade
    monkeypatch.setattr(
        second.grader, "grade", lambda s, *rest: again.append(s.file) or grade(s, *rest)
    )
    later = {row.file: row for row in second.rows(files, jobs=2)}
    assert again == ["ada.ipynb"]
    assert later["ada.ipynb"].points == 0
    assert all(later[row.file] == row for row in rows if row.file != "ada.ipynb")


def test_an_interrupted_run_keeps_what_is_done_and_ends_at_once(lstm, tmp_path):
    folder = tmp_path / "in"
    student.write(folder / "a.ipynb", reference(lstm))
    hangs = reference(lstm)
    hangs["cells"].append(student.code("end", "while True: pass"))
    student.write(folder / "b.ipynb", hangs)
    run = Run(lstm, OPEN, tmp_path / "out")
    rows = run.rows(list(find(folder)), jobs=2)
    assert next(rows).file == "a.ipynb"
    start = time.monotonic()
    rows.close()
    assert time.monotonic() - start < 5
    deadline = time.monotonic() + 5
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    kept = [json.loads(path.read_text())["file"] for path in (tmp_path / "out/rows").iterdir()]
    assert kept == ["a.ipynb"]


def test_a_file_of_the_same_size_and_time_is_another(lstm, folder, tmp_path):
    path = folder / "ada.ipynb"
    submissions = [s for s in find(folder) if s.path == path]
    run = Run(lstm, OPEN, tmp_path / "out")
    [before] = run.rows(submissions, jobs=1)
    status = path.stat()
    path.write_text(path.read_text().replace("np.tanh(c)", "np.sinh(c)"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as from an archive
    assert path.stat().st_size == status.st_size
    [after] = run.rows(submissions, jobs=1)
    assert after.points < before.points


def test_a_folder_that_cannot_be_read_has_a_row(folder, monkeypatch):
    names = {submission.file for submission in find(folder)}
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert {submission.file for submission in find(folder)} > names | {"nothing"}


def test_strings_do_not_reach_a_score(lstm, tmp_path):
    # As an array, each of them would take the room of the longest.
    assignment = master.read(ASSIGNMENTS / "6_digits.ipynb")
    grader = Grader(assignment, OPEN, seed=1)
    [task] = [task for task in assignment.tasks.values() if task.kind == "open"]
    secret = grader.questions[task.name].cases[-1].secret
    assert grader.open(task, Outcome(["x" * 10**7] + ["1"] * (len(secret) - 1))).score == 0
    assert grader.open(task, Outcome(secret.tolist())).score == 1


def test_answers_that_the_grader_cannot_bear_cost_one_row(lstm, folder, tmp_path, monkeypatch):
    def too_much(*_):
        raise MemoryError

    run = Run(lstm, OPEN, tmp_path / "out")
    monkeypatch.setattr(run.grader, "code", too_much)
    rows = {row.file: row for row in run.rows(list(find(folder)), jobs=1)}
    assert rows["ada.ipynb"].status == "stopped: its answers cannot be read (MemoryError)"
    assert len(rows) == 5


def test_results_of_another_master_or_seed_are_not_mixed(lstm, tmp_path):
    run = Run(lstm, OPEN, tmp_path / "out")
    with pytest.raises(GradingError, match="another --output"):
        Run(lstm, OPEN, tmp_path / "out", seed=run.seed + 1)
    text = lstm.path.read_text(encoding="utf-8").replace("2 points", "3 points")
    (tmp_path / "master.ipynb").write_text(text, encoding="utf-8")
    changed = dataclasses.replace(lstm, path=tmp_path / "master.ipynb")
    with pytest.raises(GradingError, match="another --output"):
        Run(changed, OPEN, tmp_path / "out")


def test_a_full_disk_is_told(lstm, tmp_path, monkeypatch):
    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    student.write(tmp_path / "in" / "a.ipynb", reference(lstm))
    run = Run(lstm, OPEN, tmp_path / "out")
    monkeypatch.setattr("lstmlib.grading.grade.write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        list(run.rows(list(find(tmp_path / "in")), jobs=1))
    assert not list(tmp_path.glob("out/rows/*"))


@pytest.mark.parametrize(
    ("score", "points", "said"),
    [
        (0.5, 1, "reaches 0.5; more points from 0.9 on"),
        (0.9, 4, "reaches 0.9"),
        (float("nan"), 0, "what is returned cannot be scored"),
    ],
)
def test_an_open_task_has_the_points_of_the_level_that_it_reaches(tmp_path, score, points, said):
    assignment = small.read(tmp_path)
    grader = Grader(assignment, OPEN, seed=1)
    grader.scores["guess"] = lambda *_: score
    mark = grader.open(assignment.tasks["guess"], Outcome(0))
    assert (mark.points, mark.said) == (points, said)


@pytest.mark.parametrize("name", ["ValueError", "Secret_3_1_4"])
def test_an_open_task_that_stops_does_not_tell_on_what(tmp_path, name):
    assignment = small.read(tmp_path)
    error = Outcome(error=f"{name}: 3.1415")
    said = Grader(assignment, OPEN, seed=1).open(assignment.tasks["guess"], error).said
    assert "3.1415" not in said
    assert ("ValueError" in said, "Secret" in said) == (name == "ValueError", False)
