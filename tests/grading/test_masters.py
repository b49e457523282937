"""The six assignments: right answers get full marks, wrong ones a hint, nothing is given away."""

import ast
import io
import json
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lstmlib.grading import master, student, verify
from lstmlib.grading.checks import pack, page, unpack

from .notebooks import SITE, SOURCE

ROOT = Path(__file__).resolve().parents[2]
MASTERS = sorted(ROOT.glob("assignments/*.ipynb"))
LABELS = re.compile(r'version\(\s*student,\s*"([^"]+)"')


@pytest.fixture(scope="module", params=MASTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def assignment(path):
    return master.read(path)


@pytest.fixture(scope="module")
def handed_out(assignment):
    return student.notebook(assignment, SOURCE, SITE)


def test_there_are_six():
    assert [master.read(path).number for path in MASTERS] == [1, 2, 3, 4, 5, 6]


def test_every_answer_is_judged_as_it_should_be(assignment):
    assert list(verify.problems(assignment, np.random.default_rng(1))) == []


def test_wrong_answers_enough_are_known():
    # At least ten a task: verify.problems. Here, all of them, each a text of its own.
    tasks = [task for path in MASTERS for task in master.read(path).tasks.values()]
    code = [task for task in tasks if task.kind == "code"]
    sources = {mistake.source for task in code for mistake in task.mistakes}
    assert len(sources) == sum(len(task.mistakes) for task in code) >= 120


def test_an_assignment_is_of_the_length_and_kinds_that_are_told(assignment):
    assert 60 <= assignment.minutes <= 120
    kinds = {task.kind for task in assignment.tasks.values()}
    assert {"code", "number", "text"} <= kinds
    assert 3 <= len(assignment.objectives) <= 6
    assert assignment.summary


def test_hints_lead_to_places_that_exist(assignment):
    chapters = {path.stem: path.read_text(encoding="utf-8") for path in ROOT.glob("chapters/*")}
    for task in assignment.tasks.values():
        for place in {task.chapter, *(mistake.chapter for mistake in task.mistakes)}:
            name, _, section = place.partition("#")
            assert name in chapters, f"{task.name}: no chapter {name}"
            if section:
                assert f"({section})=" in chapters[name], f"{task.name}: no section {place}"
            assert page(place).startswith(f"{name}.html")


def test_versions_are_drawn_under_labels_of_their_own():
    labels = [label for path in MASTERS for label in LABELS.findall(json_text(path))]
    assert labels
    assert len(labels) == len(set(labels))


def json_text(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def test_a_masters_ids_are_slugs_of_its_own_and_it_has_no_outputs(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    ids = [cell.id for cell in book.cells]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) for name in ids)
    assert not any(cell.get("outputs") for cell in book.cells)


def test_a_students_version_is_a_notebook_and_the_same_each_time(assignment, handed_out, tmp_path):
    nbformat.validate(nbformat.from_dict(handed_out))
    student.write(tmp_path / "one.ipynb", handed_out)
    student.write(tmp_path / "two.ipynb", student.notebook(assignment, SOURCE, SITE))
    assert (tmp_path / "one.ipynb").read_bytes() == (tmp_path / "two.ipynb").read_bytes()
    assert (tmp_path / "one.ipynb").stat().st_size < 300_000


def test_what_is_handed_out_says_what_is_still_to_do(assignment, handed_out, monkeypatch):
    names = {"__name__": "__main__"}
    said = {}
    for cell in handed_out["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or cell["id"] == "colab":
            continue
        if any(c.id == cell["id"] and c.role == "skip" for c in assignment.cells):
            continue
        if cell["id"] == "student":
            source = 'student = "ada"'
        with redirect_stdout(io.StringIO()) as out:
            exec(source, names)
        if source.startswith("check("):
            said[source.split('"')[1]] = out.getvalue()
    asked = {task.name for task in assignment.tasks.values() if task.kind != "text"}
    assert set(said) == asked
    assert all("still to be" in text for text in said.values())


def test_all_that_a_student_needs_is_lstmlib(assignment, handed_out):
    trees = [ast.parse(source) for source in code_of(handed_out) if "%pip" not in source]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    needed = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    with_torch = set() if "torch" in assignment.without else {"torch"}
    assert {"lstmlib", "numpy"} <= needed <= {"lstmlib", "numpy"} | with_torch
    closed = {
        name for name in names if any(f"{name}.".startswith(f"{c}.") for c in assignment.without)
    }
    assert closed == set()


def code_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_a_check_names_the_mistake_and_the_page_to_reread(assignment):
    check = unpack(pack(student.questions(assignment)), SITE)
    task = next(task for task in assignment.tasks.values() if task.kind == "code")
    for mistake in task.mistakes:
        function = assignment.namespace(task, {task.name: mistake.source})[task.name]
        with redirect_stdout(io.StringIO()) as out, np.errstate(all="ignore"):
            check(task.name, function)
        assert f"Hint: {mistake.hint}" in out.getvalue()
        assert f"{SITE}/chapters/{page(mistake.chapter)}" in out.getvalue()
