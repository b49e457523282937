"""Running chapters: the same bytes twice, and nothing lost when a cell fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import run_notebooks

FIGURE = """\
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats

set_matplotlib_formats("svg")
figure, axes = plt.subplots()
axes.plot([1, 2], label="a")
axes.legend();"""


LIVE = f"""\
from IPython.display import display

display({{"text/html": "<b>1</b>", "{run_notebooks.WIDGET}": {{"model_id": "1"}}}}, raw=True)"""


@pytest.fixture
def chapter(tmp_path, code, save):
    """A chapter that was edited: random ids, old counts, an editor's metadata."""
    return save(
        tmp_path / "chapter.ipynb",
        nbformat.v4.new_markdown_cell("# The title", id="1f0c2b3a"),
        code("import os\nprint('a')\nprint('b')", name="kept-slug", count=12, collapsed=True),
        code(FIGURE, name="c0ffee00", tags=["hide-input"]),
        code(LIVE, name="live-figure"),
        code("id(len) == id(len), hash('text')", name="Xk_9", count=None),
    )


def cells(path: Path) -> list:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_twice_gives_the_same_bytes(chapter, capsys):
    assert run_notebooks.main([str(chapter)]) == 0
    once = chapter.read_bytes()
    assert run_notebooks.main([str(chapter)]) == 0
    assert chapter.read_bytes() == once
    assert run_notebooks.main(["--check", str(chapter)]) == 0
    report = capsys.readouterr().out.splitlines()
    assert [line.rsplit(", ")[-1] for line in report] == ["written", "unchanged", "unchanged"]


def test_the_normal_form(chapter):
    assert run_notebooks.main([str(chapter)]) == 0
    found = cells(chapter)
    names = ["the-title", "kept-slug", "import-matplotlib-pyplot-as"]
    names += ["live-figure", "id-len-id-len"]
    assert [cell["id"] for cell in found] == names
    assert [cell["execution_count"] for cell in found[1:]] == [1, 2, 3, 4]
    assert [cell["metadata"] for cell in found] == [{}, {}, {"tags": ["hide-input"]}, {}, {}]
    assert found[1]["outputs"] == [
        {"name": "stdout", "output_type": "stream", "text": ["a\n", "b\n"]}
    ]
    svg = "".join(found[2]["outputs"][0]["data"]["image/svg+xml"])
    assert "<path" in svg
    assert "<metadata>" not in svg
    # an interactive figure is its page: its live version ended with its kernel
    assert [*found[3]["outputs"][0]["data"]] == ["text/html"]
    assert "language_info" in chapter.read_text()


def test_check_writes_nothing(chapter, capsys):
    before = chapter.read_bytes()
    assert run_notebooks.main(["--check", str(chapter)]) == 1
    assert chapter.read_bytes() == before
    assert "would change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("!exit 3", "returned non-zero exit status 3"),
        ("%nosuch", "Line magic function `%nosuch` not found"),
        ("import warnings; warnings.warn('careful')", "writes to stderr"),
        ("import os; os._exit(1)", "the kernel died"),
    ],
)
def test_a_cell_that_fails_is_named_and_the_file_stays(
    tmp_path, code, save, capsys, source, message
):
    path = save(tmp_path / "bad.ipynb", code("1"), code(source, name="the-culprit"))
    before = path.read_bytes()
    assert run_notebooks.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert "cell 1 (the-culprit)" in error
    assert message in error
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_one_failure_does_not_stop_the_others(tmp_path, code, save, capsys):
    bad = save(tmp_path / "bad.ipynb", code("1 / 0", name="bad"))
    good = save(tmp_path / "good.ipynb", code("1 + 1", count=None))
    assert run_notebooks.main([str(bad), str(good)]) == 1
    assert cells(good)[0]["outputs"][0]["data"]["text/plain"] == ["2"]


def test_ids_that_occur_twice(tmp_path, code, save, capsys):
    path = save(tmp_path / "twice.ipynb", code("1", name="same"), code("2", name="other"))
    path.write_text(path.read_text().replace('"other"', '"same"'))
    assert run_notebooks.main([str(path)]) == 1
    assert "cell ids must be unique; more than once: same" in capsys.readouterr().err


def test_too_slow_is_reported(tmp_path, code, save, capsys, monkeypatch):
    monkeypatch.setattr(run_notebooks, "LIMIT", 0.01)
    path = save(tmp_path / "slow.ipynb", code("1"))
    assert run_notebooks.main([str(path)]) == 1
    assert "longer than 0.01 s" in capsys.readouterr().err


def test_interrupted_leaves_the_file_as_it_was(tmp_path, code, save):
    started = tmp_path / "started"
    path = save(
        tmp_path / "long.ipynb", code(f"open({str(started)!r}, 'w').close()\nwhile True: 0")
    )
    before = path.read_bytes()
    command = [sys.executable, run_notebooks.__file__, str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not started.exists() and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "unchanged" in error
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path, started]
