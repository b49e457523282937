"""The guide for instructors: its numbers are those of the chapters, the masters and the figures."""

import dataclasses
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstmlib import widgets
from lstmlib.grading import master, trials
from lstmlib.grading.command_line import main

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "assignments" / "instructors.md").read_text(encoding="utf-8")
CHAPTER = re.compile(r"chapters/((\d\d)_\w+)\.(?:ipynb|html)")
TABLE = re.compile(r"### (\w+) weeks\n(.*?)```\{table\}\n:class: plan\n(.*?)```", re.DOTALL)


@cache
def chapter(name: str) -> tuple[str, str]:
    """Return the first cell of a chapter, and all of its Markdown."""
    cells = json.loads((ROOT / f"chapters/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return texts[0], "\n".join(texts)


@cache
def assignments() -> dict[int, master.Assignment]:
    """Return the masters by number."""
    found = map(master.read, sorted(ROOT.glob("assignments/*.ipynb")))
    return {assignment.number: assignment for assignment in found}


def minutes(name: str) -> float:
    """Return the minutes that a chapter says it takes, to read and to run."""
    times = re.findall(r"\*\*(\d+) (minutes?|seconds)\*\* to (?:read|run)", chapter(name)[0])
    assert len(times) == 2
    return sum(int(time) / (60 if unit == "seconds" else 1) for time, unit in times)


@pytest.mark.parametrize("weeks", ["Twelve", "Eight", "Four"])
def test_the_hours_are_those_of_chapters_and_assignments(weeks):
    (before, table) = next(part for name, *part in TABLE.findall(GUIDE) if name == weeks)
    total = 0.0
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "**week" in line]
    for _, read, in_class, given, hours in rows:
        names = [name for name, _ in CHAPTER.findall(read)]
        out = [int(n) for n in re.findall(r"(\d+) out", given)]
        work = sum(map(minutes, names)) + sum(assignments()[n].minutes for n in out)
        assert hours == (f"{work / 60:.1f} h" if names else "—")
        total += work
        asked = re.findall(r"question (\d+)", in_class)
        assert len(asked) == len(names)
        for name, number in zip(names, asked, strict=True):
            assert f"**{number}. " in chapter(name)[1] or f" {number}. " in chapter(name)[1]
    assert f"about {total / 60:.0f} hours" in " ".join(before.split())


def test_the_matrix_has_all_objectives_and_all_tasks():
    part = GUIDE.partition("## What is learnt where")[2].partition("What no assignment")[0]
    blocks = re.findall(r"\*\*Assignment (\d): (.+?)\*\*(.*?)```\n", part, re.DOTALL)
    assert [int(number) for number, *_ in blocks] == sorted(assignments())
    for number, title, table in blocks:
        assignment = assignments()[int(number)]
        rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "chapters/" in line]
        assert title == assignment.title
        assert [words for words, *_ in rows] == assignment.objectives
        tasks = {int(n) for *_, tasks in rows for n in re.findall(r"\d+", tasks)}
        assert tasks == set(range(1, len(assignment.tasks) + 1))
        for _, where, _ in rows:
            for name, numbers in re.findall(r"chapters/(\w+)\.ipynb\): ([\d, ]+)", where):
                known = chapter(name)[0].count("\n- ")
                assert all(1 <= int(n) <= known for n in numbers.split(","))


def test_the_small_master_is_one(tmp_path, capsys):
    part = GUIDE.partition("## A variant of your own")[2]
    cells = [
        {"cell_type": "raw" if kind == "toml" else "code", "id": f"cell-{k}", "source": [text]}
        for k, (kind, text) in enumerate(
            re.findall(r"```(toml|python)\n(.*?)\n```", part, re.DOTALL)
        )
    ]
    start = {"cell_type": "code", "id": "imports", "source": ["import numpy as np"]}
    path = tmp_path / "7_kept.ipynb"
    path.write_text(json.dumps({"cells": [cells[0], start, *cells[1:]]}))
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out in part.replace("```text\n", "").replace("```", "")


def test_what_is_isolated_and_how_much_is_recognised():
    shown = re.findall(r"^  yes  (.+)$", GUIDE, re.MULTILINE)
    assert shown == list(trials.NAMES.values())
    tasks = [task for a in assignments().values() for task in a.tasks.values()]
    assert sum(len(task.mistakes) for task in tasks if task.kind == "code") > 450


def test_what_the_figures_show():
    windows = widgets.Windows(np.zeros(20), lag=4, horizon=2)
    for lag, count in {4: 15, 5: 14}.items():
        state = windows.state(lag=lag)
        assert f"of {count}:" in windows.describe(state, windows.compute(state))

    unrolled = widgets.Unrolled(x=np.zeros(8), targets=np.zeros(8))
    said = []
    for k in range(4, 9):
        state = unrolled.state(chunk=k, loss="the last step")
        said.append(unrolled.describe(state, unrolled.compute(state)))
    counts = [re.search(r"(?:all )?(\d) (?:of 8 )?paths", text)[1] for text in said]
    assert counts == ["4", "3", "2", "1", "8"]

    lags = widgets.Vanishing(np.random.default_rng(0))
    for activation, most, places in [("linear", "126", 0), ("tanh", "2.9", 1)]:
        numbers = lags.compute(lags.state(radius=1.2, activation=activation))
        measured = 10 ** numbers["measured"][20]
        assert f"{measured:.{places}f}" == most
    sigma = [lags.compute(lags.state(radius=radius))["sigma"] for radius in (0.45, 0.5)]
    assert sigma[0] < 1 < sigma[1]

    weights = np.array([[0.5], [0.0], [1.0], [0.5]]), np.array([[1.0], [0.5], [-1.0], [0.5]])
    b = np.array([0.0, 1.0, 0.0, 0.0])
    cell = widgets.CellSteps(*weights, b, np.array([1.0, -0.5, 0.5]), np.full(3, 0.5))
    found = {bias: cell.compute(cell.state(operation=64, b_f=bias)) for bias in (-10.0, 10.0)}
    assert abs(found[-10.0]["keep2"]) < 1e-4 > abs(found[-10.0]["keep3"])
    assert f"{found[10.0]['c3']:.2f}" == "0.38"

    back = widgets.CellSteps(*weights, b, np.array([1.0, -0.5]), np.full(2, 0.5))
    assert [tuple(back.plan[k]) for k in (29, 30)] == [("dh_prev", 2), ("dc_prev", 2)]
    shut, usual = (back.compute(back.state(operation=44, b_f=bias)) for bias in (-10.0, 1.0))
    assert abs(shut["dc_prev2"]) < 1e-4 < abs(usual["dc_prev2"])
    assert shut["db1"][0] * usual["db1"][0] < 0

    lstm = widgets.Vanishing(np.random.default_rng(0), radius=0.5, lstm=True)
    direct = {bias: 10 ** lstm.compute(lstm.state(bias=bias))["direct"][20] for bias in (1.0, 5.0)}
    assert f"{100 * direct[1.0]:.1f}" == "0.2"
    assert f"{100 * direct[5.0]:.0f}" == "89"

    heat = widgets.Temperature()
    (after_q,) = (option for option in heat.data["options"] if option.endswith("that is the q”"))
    shares = []
    for tau in (1.0, 2.0, 3.0):
        numbers = heat.compute(heat.state(context=after_q, tau=tau))
        assert numbers["symbols"][0] == "u"
        shares.append(round(100 * numbers["after"][0]))
    assert shares == [99, 82, 51]

    digits = widgets.DigitRows()
    (six,) = (option for option in digits.examples if option.endswith("617"))
    p = np.array(digits.compute(digits.state(digit=six))["p"])
    taken = p.argmax(axis=1)
    assert set(taken[7:14]) == {1}
    assert set(taken[14:]) == {6}
    assert taken[6] != 1


def test_all_that_a_master_can_say_is_said():
    part = GUIDE.partition("### All that a master can say")[2]
    said = set(re.findall(r"`(?:#\| )?(\w+)`", part))
    tasks = {"name", "kind", "points", "chapter", "tolerance", "seconds", "uses"}
    tasks |= {"rubric", "answer", "levels"}
    fields = {field.name for field in dataclasses.fields(master.Task)}
    assert tasks == fields - set(master.ROLES) - {"mistakes", "alternatives"}
    heads = {field.name for field in dataclasses.fields(master.Assignment)}
    heads -= {"path", "number", "cells", "tasks"}
    assert tasks | heads | {"assignment"} | set(master.ROLES) <= said
    assert set(master.KINDS) <= said
