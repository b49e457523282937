import shutil
from pathlib import Path

import pytest

from lstmlib.grading import master, student
from lstmlib.grading.sandbox import Sandbox
from lstmlib.grading.submissions import Submission

ASSIGNMENTS = Path(__file__).parents[2] / "assignments"


@pytest.fixture(scope="session")
def lstm():
    return master.read(ASSIGNMENTS / "4_lstm.ipynb")


@pytest.fixture(scope="session")
def sandbox():
    if not shutil.which("bwrap"):
        pytest.skip("submissions are isolated by bubblewrap, and there is no program bwrap")
    return Sandbox.find()


@pytest.fixture
def graded(grader, tmp_path):
    """Grade a notebook with the ``grader`` of the file."""

    def grade(book):
        path = tmp_path / "submission.ipynb"
        student.write(path, book)
        return grader.grade(Submission(path, path.name, "ada"))

    return grade
