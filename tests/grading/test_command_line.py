"""What an instructor types and reads."""

import csv
import json

import nbformat
import pytest

from lstmlib.grading import student
from lstmlib.grading.command_line import alone, main

from .notebooks import SITE, SOURCE, reference


def test_a_students_version_is_written(lstm, tmp_path, capsys):
    path = tmp_path / "student.ipynb"
    assert main(["student", str(lstm.path), "--output", str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    nbformat.validate(nbformat.read(path, as_version=4))


def test_a_roster_has_a_copy_for_each(lstm, tmp_path):
    (tmp_path / "roster.txt").write_text("ada\n\n grace \n")
    roster = ["--roster", str(tmp_path / "roster.txt")]
    assert main(["student", str(lstm.path), "--output", str(tmp_path), *roster]) == 0
    books = {path.name: path.read_text() for path in tmp_path.glob("*.ipynb")}
    assert set(books) == {"4_lstm_ada.ipynb", "4_lstm_grace.ipynb"}
    assert "student = 'grace'" in books["4_lstm_grace.ipynb"]


def test_a_roster_stays_in_its_folder(lstm, tmp_path, capsys):
    (tmp_path / "roster.txt").write_text("ada\n../grace\n")
    roster = ["--roster", str(tmp_path / "roster.txt")]
    assert main(["student", str(lstm.path), "--output", str(tmp_path / "out"), *roster]) == 1
    assert "got '../grace'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_master_is_checked(lstm, tmp_path, capsys):
    assert main(["check", str(lstm.path)]) == 0
    assert capsys.readouterr().out.endswith("0 problems\n")
    text = lstm.path.read_text(encoding="utf-8").replace("o * np.tanh(c)\\n", "o * c\\n")
    (tmp_path / "changed.ipynb").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "changed.ipynb")]) == 1


@pytest.mark.parametrize("master", ["missing.ipynb", "text.ipynb"])
def test_what_is_no_master_is_told(master, tmp_path, capsys):
    (tmp_path / "text.ipynb").write_text("no notebook")
    assert main(["check", str(tmp_path / master)]) == 1
    assert f"{master}: expected a notebook" in capsys.readouterr().err


def test_a_folder_is_graded(lstm, tmp_path, sandbox, capsys):
    folder = tmp_path / "in"
    student.write(folder / "ada.ipynb", reference(lstm))
    student.write(folder / "blank.ipynb", student.notebook(lstm, SOURCE, SITE))
    (folder / "notes.txt").write_text("hello")
    assert main(["grade", str(lstm.path), str(folder), "--seed", "7"]) == 0
    out = capsys.readouterr().out
    assert "NO" not in out
    assert "3 files, 2 of them graded" in out
    results = tmp_path / "in-graded"
    with (results / "marks.csv").open(encoding="utf-8-sig") as file:
        marks = {entry["student"]: entry for entry in csv.DictReader(file)}
    assert float(marks["ada"]["points"]) == 21
    assert marks["ada"]["to mark"] == "2"
    assert float(marks["blank"]["points"]) == 0
    assert json.loads((results / "marks.json").read_text())["run"]["seed"] == 7
    pages = {path.name for path in (results / "feedback").iterdir()}
    assert pages == {"ada.ipynb.html", "blank.ipynb.html", "notes.txt.html"}


def test_marks_given_by_hand_are_counted_when_run_again(lstm, tmp_path, sandbox, capsys):
    folder, results = tmp_path / "in", tmp_path / "in-graded"
    student.write(folder / "ada.ipynb", reference(lstm))
    command = ["grade", str(lstm.path), str(folder)]
    assert main(command) == 0
    written = results / "written.csv"
    text = written.read_text(encoding="utf-8-sig")
    text = text.replace("two_paths,3,,,", "two_paths,3,2.5,both paths named,")
    written.write_text(text.replace("failing_check,3,,,", "failing_check,3,1,,"), encoding="utf-8")
    assert main(command) == 0
    with (results / "marks.csv").open(encoding="utf-8-sig") as file:
        [entry] = csv.DictReader(file)
    assert (entry["points"], entry["to mark"]) == ("24.5", "0")
    assert "both paths named" in (results / "feedback" / "ada.ipynb.html").read_text()


def test_results_do_not_go_among_the_submissions(lstm, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    inside = str(tmp_path / "in" / "out")
    assert main(["grade", str(lstm.path), str(tmp_path / "in"), "--output", inside]) == 1
    assert "outside of" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--jobs", "0"], ["--jobs=-1"], ["--seed=-1"], ["--seed", "x"]])
def test_numbers_that_are_none_are_told(option, lstm, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["grade", str(lstm.path), str(tmp_path), *option])
    assert "expected a whole number" in capsys.readouterr().err


def test_two_runs_do_not_write_into_one_folder(lstm, tmp_path, sandbox, capsys):
    (tmp_path / "in").mkdir()
    with alone(tmp_path / "in-graded"):
        assert main(["grade", str(lstm.path), str(tmp_path / "in")]) == 1
    assert "expected one run at a time" in capsys.readouterr().err
    assert main(["grade", str(lstm.path), str(tmp_path / "in")]) == 0


def test_a_missing_folder_is_told(lstm, tmp_path, capsys):
    assert main(["grade", str(lstm.path), str(tmp_path / "none")]) == 1
    assert "expected a folder of submissions" in capsys.readouterr().err
