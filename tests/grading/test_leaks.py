"""Nothing that only the master has is in what students get, and on the site."""

import json
from pathlib import Path

import pytest

from lstmlib.grading import master, student
from lstmlib.grading.grade import Grader
from lstmlib.grading.report import feedback_page
from lstmlib.grading.sandbox import Sandbox
from lstmlib.grading.submissions import Submission

from .notebooks import SITE, SOURCE, reference, secret_lines, told

ROOT = Path(__file__).resolve().parents[2]
MASTERS = sorted(ROOT.glob("assignments/*.ipynb"))


@pytest.fixture(scope="module", params=MASTERS, ids=lambda path: path.stem)
def assignment(request):
    return master.read(request.param)


@pytest.fixture(scope="module")
def secrets(assignment):
    lines = secret_lines(assignment)
    assert len(lines) > 30
    return lines


def test_the_students_version(assignment, secrets):
    book = student.notebook(assignment, SOURCE, SITE)
    text = told(book)
    # What the checks compare with is packed: it is looked at unpacked too.
    names = {}
    checks = next(cell for cell in book["cells"] if cell["id"] == "checks")
    exec("".join(checks["source"]), names)
    packed = repr(vars(names["check"]))
    # How a function is called is no secret.
    calls = {line.strip() for t in assignment.tasks.values() for line in t.call.splitlines()}
    for line in secrets:
        assert line not in text
        assert line not in packed or line in calls
    for task in assignment.tasks.values():
        assert all(mistake.source not in packed for mistake in task.mistakes)


def test_a_leak_would_be_found(assignment, secrets):
    book = student.notebook(assignment, SOURCE, SITE)
    book["cells"].append(student.code("slip", f"    {secrets[0]}"))
    assert secrets[0] in told(book)


@pytest.fixture(scope="module")
def known():
    """What the book and the library teach in the same words."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("lstmlib/**/*.py")]
    for path in ROOT.glob("chapters/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(cell["source"]) for cell in cells]
    return "\n".join(texts)


@pytest.fixture(scope="module")
def published(site):
    """All text of the site; a notebook's as it is read."""
    texts = {}
    for path in site.rglob("*"):
        if path.suffix == ".ipynb":
            texts[path] = told(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix in (".html", ".js", ".md", ".txt", ".json"):
            texts[path] = path.read_text(encoding="utf-8")
    assert len(texts) > 40
    return texts


def test_the_site(assignment, secrets, published, known):
    own = [line for line in secrets if line not in known]
    assert len(own) > 20
    for path, text in published.items():
        leaked = [line for line in own if line in text]
        assert leaked == [], f"{path} has {leaked[:3]}"


def test_the_site_has_the_students_version(assignment, published, site):
    there = site / "_sources" / "assignments" / assignment.path.name
    # But for where lstmlib is installed from, it is the one that is made of the master now.
    now = told(student.notebook(assignment, SOURCE, "…"))
    assert len(published[there]) == pytest.approx(len(now), abs=300)
    page = published[site / "assignments" / "index.html"]
    assert f"../_sources/assignments/{assignment.path.name}" in page
    assert f"/notebooks/assignments/{assignment.path.name}" in page
    assert assignment.title in page


def test_a_feedback_page(lstm, tmp_path):
    # The submission tells what it is called with; its page does not.
    spy = "def lstm_step(**arguments):\n    raise ValueError(repr(arguments)[:400])"
    student.write(tmp_path / "spy.ipynb", reference(lstm, lstm_step=spy))
    grader = Grader(lstm, Sandbox(""), seed=5)
    row = grader.grade(Submission(tmp_path / "spy.ipynb", "spy.ipynb", "spy"))
    wrong = {task.name: task.mistakes[0].source for task in lstm.tasks.values() if task.mistakes}
    student.write(tmp_path / "wrong.ipynb", reference(lstm, **wrong))
    other = grader.grade(Submission(tmp_path / "wrong.ipynb", "wrong.ipynb", "wrong"))
    for page in (feedback_page(lstm, row, {}, SITE), feedback_page(lstm, other, {}, SITE)):
        for line in secret_lines(lstm):
            assert line not in page
        for name, question in grader.questions.items():
            for case in question.cases[grader.public[name] :]:
                assert case.name not in page
        for task in lstm.tasks.values():
            if task.kind == "number":
                right = lstm.namespace(task, student="ada")[task.name]
                assert f"{right:.4g}" not in page
