"""A record says what was run and what came out; a stopped run goes on; changed code is noticed."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lstmlib.lab import experiment, grid, load, records, run
from lstmlib.lab.__main__ import experiments, main

SOURCE = '''\
"""An experiment made for a test."""

from pathlib import Path

from lstmlib.lab import experiment, grid
from lstmlib.numpy import sigmoid


@experiment("How large is a sum?", conditions=grid(a=[1, 2], b=[10, 20]), seeds=[3, 4, 5])
def sums(seed, *, a, b):
    Path(__file__).with_name("calls").open("a").write(f"{a} {b} {seed}\\n")
    return {"sum": a + b + seed, "curve": [a, b]}
'''


@pytest.fixture
def write_experiment(tmp_path, monkeypatch):
    """Write a module ``trial`` with the given source and return its experiment ``sums``."""
    monkeypatch.syspath_prepend(tmp_path)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    # A source that changes within a second and keeps its size would be taken for its bytecode,
    # which the processes of a run would write too.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def write(source=SOURCE):
        (tmp_path / "trial.py").write_text(source, encoding="utf-8")
        sys.modules.pop("trial", None)
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module("trial").sums

    yield write
    sys.modules.pop("trial", None)


@pytest.fixture
def calls(tmp_path):
    """What the experiment was called with, in the order of the calls."""
    return lambda: sorted((tmp_path / "calls").read_text(encoding="utf-8").splitlines())


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder for records, in place of the repository's."""
    monkeypatch.setattr(records, "folder", lambda: tmp_path / "results")
    return tmp_path / "results"


def test_a_record(write_experiment, results):
    sums = write_experiment()
    path = run(sums, results, progress=False)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["question"] == "How large is a sum?"
    assert content["command"] == "python -m lstmlib.lab run sums"
    assert len(content["runs"]) == 2 * 2 * 3
    for one in content["runs"]:
        assert one["result"] == {
            "sum": one["a"] + one["b"] + one["seed"],
            "curve": [one["a"], one["b"]],
        }
    spread = content["summary"][0]["sum"]
    assert spread == {"median": 15, "mean": 15, "deviation": 1, "least": 14, "largest": 16}
    assert load("sums").values("sum", a=2, b=20) == [25, 26, 27]
    assert load("sums").values("sum", b=10) == [14, 15, 16, 15, 16, 17]
    assert records.staleness(sums) == ""
    assert list(results.iterdir()) == [path]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_number_of_processes_changes_nothing(write_experiment, results, processes):
    path = run(write_experiment(), results, processes=processes, progress=False)
    seeds = [one["seed"] for one in json.loads(path.read_text(encoding="utf-8"))["runs"]]
    assert seeds == [3, 4, 5] * 4


def test_a_failed_run_goes_on_where_it_was(write_experiment, results, calls, tmp_path):
    check = 'if b == 20 and not Path(__file__).with_name("mended").exists():'
    source = SOURCE.replace(
        "    return", f'    {check}\n        raise OSError("no luck")\n    return'
    )
    sums = write_experiment(source)
    with pytest.raises(RuntimeError, match=r"sums failed with {'a': 1, 'b': 20}, seed \d: no luck"):
        run(sums, results, progress=False)
    assert not (results / "sums.json").exists()
    kept = (results / "sums.part.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) >= 4  # the code, and the jobs before the one that failed
    finished = {tuple(json.loads(line)["condition"].values()) for line in kept[1:]}
    assert finished <= {(1, 10), (2, 10)}
    (tmp_path / "mended").touch()
    (tmp_path / "calls").unlink()
    run(sums, results, progress=False)
    assert len(calls()) == 12 - (len(kept) - 1)
    assert [path.name for path in results.iterdir()] == ["sums.json"]


def test_ctrl_c_keeps_what_is_done(write_experiment, tmp_path):
    write_experiment(SOURCE.replace("    return", "    __import__('time').sleep(0.3)\n    return"))
    code = (
        "import trial, pathlib, lstmlib.lab.__main__ as main\n"
        "main.experiments = lambda: {'sums': trial.sums}\n"
        f"main.sys.exit(main.main(['run', 'sums', '--folder', {str(tmp_path / 'results')!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    part = tmp_path / "results" / "sums.part.jsonl"
    while not part.exists() or len(part.read_text(encoding="utf-8").splitlines()) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what is done is kept: the same command goes on" in error
    assert "Traceback" not in error
    assert not (tmp_path / "results" / "sums.json").exists()


def test_a_line_that_was_cut_off_is_run_again(write_experiment, results, calls):
    sums = write_experiment()
    run(sums, results, progress=False)
    results.joinpath("sums.part.jsonl").write_text(
        json.dumps({"code": records.fingerprint(sums)})
        + '\n{"condition": {"a": 1, "b": 10}, "seed": 3, "result": {"sum": 14, "curve": [1, 10]}}\n'
        + '{"condition": {"a": 1, "b": 10}, "seed": 4, "resu',
        encoding="utf-8",
    )
    run(sums, results, progress=False)
    assert calls().count("1 10 3") == 1
    assert calls().count("1 10 4") == 2


def test_an_unfinished_run_of_other_code_is_refused(write_experiment, results):
    results.mkdir()
    part = results / "sums.part.jsonl"
    part.write_text('{"code": "another"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="an unfinished run of other code"):
        run(write_experiment(), results, progress=False)
    assert part.read_text(encoding="utf-8") == '{"code": "another"}\n'


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("a + b + seed", "a * b + seed", "the code has changed"),
        ("seeds=[3, 4, 5]", "seeds=[3, 4]", "other seeds"),
        ("a=[1, 2]", "a=[1, 3]", "other conditions"),
        ("How large", "How small", "another question"),
        ("An experiment made", "A trial made", ""),
        ("    return", "    # a comment\n    return", ""),
    ],
)
def test_what_makes_a_record_stale(write_experiment, results, before, after, state):
    run(write_experiment(), results, progress=False)
    assert before in SOURCE
    assert records.staleness(write_experiment(SOURCE.replace(before, after))) == state


def test_a_record_is_stale_when_an_imported_module_changes(write_experiment, monkeypatch):
    sums = write_experiment()
    read = records._tree
    assert "lstmlib.numpy.activations" in records._modules("trial")
    assert "lstmlib.numpy.lstm" not in records._modules("trial")
    before = records.fingerprint(sums)
    monkeypatch.setattr(
        records, "_tree", lambda m: read("json" if m == "lstmlib.numpy.activations" else m)
    )
    assert records.fingerprint(sums) != before


def test_numbers_that_are_not_finite(write_experiment, results):
    sums = write_experiment(SOURCE.replace("a + b + seed", 'float("nan")'))
    with pytest.raises(ValueError, match=r"expected finite numbers, got sum = nan with {'a': 1"):
        run(sums, results, progress=False)
    assert not (results / "sums.json").exists()


def test_bad_arguments(write_experiment, results):
    sums = write_experiment()
    with pytest.raises(ValueError, match="at least one process, got 0"):
        run(sums, results, processes=0)
    with pytest.raises(ValueError, match="expected different seeds, at least one, got"):
        experiment("?", conditions=[{}], seeds=[1, 1])
    with pytest.raises(ValueError, match="expected different conditions, at least one"):
        experiment("?", conditions=[], seeds=[1])
    with pytest.raises(FileNotFoundError, match=r"no record nothing.json: python -m lstmlib.lab"):
        load("nothing")
    run(sums, results, progress=False)
    with pytest.raises(KeyError, match="no run with {'a': 9}"):
        load("sums").values("sum", a=9)
    with pytest.raises(KeyError, match="expected one of"):
        load("sums").values("product")
    (results / "sums.json").write_text('{"experiment"', encoding="utf-8")
    with pytest.raises(ValueError, match=r"sums.json is no record"):
        load("sums")


def test_every_combination():
    assert grid(a=[1, 2], b="x") == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]


def test_the_command_line(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in experiments())
    with pytest.raises(SystemExit):
        main(["run", "nothing"])
    assert "got nothing" in capsys.readouterr().err


def test_the_records_of_the_book_can_be_made_again():
    """Each record is of an experiment that is still there, under the same conditions."""
    made_elsewhere = {"bench", "digits", "shakespeare"}  # benchmarks/ and tools/train_shipped.py
    found = {path.stem for path in records.folder().glob("*.json")} - made_elsewhere
    assert found <= set(experiments())
    for name in found:
        assert records.staleness(experiments()[name]) in ("", "the code has changed"), name


def test_importing_the_lab_imports_no_torch():
    code = "import sys, lstmlib.lab; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
