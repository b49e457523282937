"""What isolation is there is tried, told, and asked for."""

import stat

import pytest

from lstmlib.grading import student
from lstmlib.grading.command_line import main
from lstmlib.grading.sandbox import Limits, Sandbox, hidden
from lstmlib.grading.trials import NAMES, trials

from .notebooks import reference


def test_all_that_is_promised_holds(lstm, sandbox):
    held = trials(sandbox, Limits(lstm.seconds, lstm.memory), [lstm.path])
    assert held == dict.fromkeys(NAMES.values(), True)


def test_what_is_compiled_is_hidden_with_its_source(tmp_path):
    package = tmp_path / "lstmlib"
    names = ["text.py", "__pycache__/text.cpython-311.pyc", "__pycache__/texts.cpython-311.pyc"]
    for name in names:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    found = hidden(Limits(1, 1, ["lstmlib.text"]), package)
    assert found == [package / name for name in names[:2]]


def test_without_bubblewrap_nothing_is_said_to_hold_that_does_not(lstm):
    held = trials(Sandbox(""), Limits(lstm.seconds, lstm.memory), [lstm.path])
    lost = {promise for promise, kept in held.items() if not kept}
    assert {NAMES["network"], NAMES["secrets"], NAMES["signals"]} <= lost
    assert held[NAMES["memory"]]


@pytest.fixture
def folder(lstm, tmp_path):
    student.write(tmp_path / "in" / "ada.ipynb", reference(lstm))
    return tmp_path / "in"


def grade(lstm, folder, *options):
    return main(["grade", str(lstm.path), str(folder), "--jobs", "1", *options])


def test_submissions_are_refused_without_isolation(lstm, folder, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert grade(lstm, folder) == 1
    out, err = capsys.readouterr()
    assert "NO   no network" in out
    assert "install bubblewrap" in err
    assert not folder.with_name("in-graded").exists()


def test_trusted_submissions_are_graded_without_it(lstm, folder, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert grade(lstm, folder, "--trusted") == 0
    assert "--trusted" in capsys.readouterr().out
    assert (folder.with_name("in-graded") / "marks.csv").exists()


def test_a_bubblewrap_that_fails_is_no_isolation(lstm, folder, tmp_path, monkeypatch, capsys):
    fails = tmp_path / "bin" / "bwrap"
    fails.parent.mkdir()
    fails.write_text("#!/bin/sh\necho 'bwrap: No permissions to create namespace' >&2\nexit 1\n")
    fails.chmod(fails.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fails.parent}:/bin:/usr/bin")
    assert grade(lstm, folder) == 1
    assert "No permissions to create namespace" in capsys.readouterr().err


def test_a_book_below_tmp_is_seen(lstm):
    # What is mounted last covers what is below it.
    arguments = Sandbox("bwrap").arguments(Limits(1, 1000, lstm.without))
    bound = [k for k, argument in enumerate(arguments) if argument == "--ro-bind"]
    assert arguments.index("/tmp") < bound[0]
    assert arguments.index("/dev/shm") < bound[0]
