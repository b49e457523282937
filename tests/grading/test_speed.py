"""Two hundred submissions are graded while one has a coffee."""

import time

import pytest

from lstmlib.grading import student
from lstmlib.grading.grade import Run
from lstmlib.grading.submissions import find

from .notebooks import SITE, SOURCE, reference


@pytest.mark.timing
def test_two_hundred_submissions_take_five_minutes_at_most(lstm, sandbox, tmp_path):
    folder = tmp_path / "in"
    tasks = [task for task in lstm.tasks.values() if task.mistakes]
    for k in range(200):
        task = tasks[k % len(tasks)]
        wrong = task.mistakes[k % len(task.mistakes)].source
        book = reference(lstm, who=f"student {k}", **({task.name: wrong} if k % 2 else {}))
        if k % 50 == 7:
            book["cells"].append(student.code("end", "while True: pass"))
        if k % 20 == 9:
            book = student.copy_for(student.notebook(lstm, SOURCE, SITE), f"student {k}")
        student.write(folder / f"{k}.ipynb", book)
    start = time.perf_counter()
    rows = list(Run(lstm, sandbox, tmp_path / "out", seed=1).rows(list(find(folder)), jobs=2))
    assert time.perf_counter() - start < 300
    assert len(rows) == 200
    right = sum(task.points for task in lstm.tasks.values() if task.kind != "text")
    assert sum(row.points == right for row in rows) == 100
