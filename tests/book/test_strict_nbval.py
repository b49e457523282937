"""Each way in which nbval lets a wrong notebook pass, shown passing there and failing here."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import strict_nbval
from run_notebooks import WIDGET
from strict_nbval import differs

ROOT = Path(__file__).resolve().parents[2]
PNG = "iVBORw0KGgo="
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M{} 0"/></svg>'
SHOW = "from IPython.display import display\ndisplay({data!r}, raw=True)"


def replay(folder: Path, *options: str, strict: bool) -> dict[str, str | None]:
    """Run nbval over a folder: for each cell, named notebook/number, what it fails with."""
    report = folder / f"report-{strict}.xml"
    plugin = ["-p", "strict_nbval"] if strict else []
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        folder,
        *plugin,
        "--nbval",
        "--nbval-current-env",
        "--color=no",
        f"--junitxml={report}",
        *options,
        folder,
    ]
    path = os.pathsep.join([str(ROOT / "tools"), str(ROOT / "tests" / "book")])
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    outcome: dict[str, str | None] = {}
    for case in ET.parse(report).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error")]
        name = case.attrib["classname"].split(".")[0]
        messages = [f"{child.attrib['message']}\n{child.text}" for child in bad]
        outcome[name] = "\n".join(filter(None, [outcome.get(name), *messages])) or None
    return outcome


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, code, printed, result, shown, save):
    """What plain nbval and what the book's nbval make of each notebook."""
    folder = tmp_path_factory.mktemp("notebooks")
    display = SHOW.format
    notebooks = {
        "honest": code("print(0.1234)\n7", printed("0.1234\n"), result("7")),
        "rounded": code("print(0.1234)", printed("0.1235\n")),
        "never-run": code("print(1)", count=None),
        "unknown-magic": code(
            "%nosuch\nprint(1)",
            printed("UsageError: Line magic function `%nosuch` not found.\n", "stderr"),
        ),
        "shell": code("!exit 3"),
        "stderr": code("import sys\nprint('x', file=sys.stderr)", printed("x\n", "stderr")),
        "same-svg": code(
            display(data={"image/svg+xml": SVG.format(1)}), shown(image_svg=SVG.format(2))
        ),
        "no-svg": code("pass", shown(image_svg=SVG.format(1))),
        "no-png": code("pass", shown(image_png=PNG)),
        "new-png": code(display(data={"image/png": PNG})),
        "other-format": code(display(data={"image/png": PNG}), shown(image_svg=SVG.format(1))),
        "live-figure": code(
            display(data={"text/html": "<b>1</b>", WIDGET: {}}), shown(text_html="<b>1</b>")
        ),
        "other-page": code(
            display(data={"text/html": "<b>1</b>", WIDGET: {}}), shown(text_html="<b>2</b>")
        ),
        "float": code("print(0.1234)", printed("0.1236\n")),
        "integer": code("print(12)", printed("13\n")),
        "text": code("print('a 1')", printed("b 1\n")),
        "missing": code("pass", printed("1\n")),
        "extra": code("print(1)\n2", printed("1\n")),
        "order": code("print(1)\ndisplay(2)", shown(text_plain="2"), printed("1\n")),
        "semicolon": code("1;"),
        "exception": code("1 / 0"),
        "other-exception": code("1 / 0", tags=["raises-exception"]),
        "skipped": code("1 / 0", tags=["nbval-skip"]),
        "sample": code("print('a 1')", printed("b 2\n"), tags=["sample"]),
        "no-sample": code("pass", tags=["sample"]),
        "blank-sample": code("print(' ')", printed("a\n"), tags=["sample"]),
        "other-sample": code("print(1)\n2", printed("1\n"), tags=["sample"]),
        "ignored": code("print(1)", printed("2\n"), tags=["nbval-ignore-output"]),
    }
    for name, cell in notebooks.items():
        save(folder / f"{name}.ipynb", cell)
    return {"nbval": replay(folder, strict=False), "book": replay(folder, strict=True)}


@pytest.mark.parametrize(
    "name", ["honest", "rounded", "same-svg", "live-figure", "semicolon", "sample"]
)
def test_what_is_right_passes(outcomes, name):
    assert outcomes["book"][name] is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("never-run", "the cell was never run"),
        ("unknown-magic", "Line magic function `%nosuch` not found"),
        ("shell", "returned non-zero exit status 3"),
        ("stderr", "the cell writes to stderr"),
        ("no-png", "expected these outputs: ['display_data image/png']\nbut got: []"),
        ("new-png", "expected these outputs: []\nbut got: ['display_data image/png']"),
        ("order", "but got: ['stream stdout', 'display_data text/plain']"),
        ("skipped", "no skip, no ignore"),
        ("ignored", "no skip, no ignore"),
    ],
)
def test_what_nbval_lets_pass_fails(outcomes, name, message):
    assert outcomes["nbval"][name] is None
    assert message in outcomes["book"][name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("float", "0.1236 became 0.1234"),
        ("integer", "13 became 12"),
        ("text", "the text differs"),
        ("no-svg", "but got: []"),
        ("other-format", "but got: ['display_data image/png']"),
        ("other-page", "2 became 1"),
        ("missing", "but got: []"),
        ("extra", "but got: ['stream stdout', 'execute_result text/plain']"),
        ("no-sample", "a sample without any text"),
        ("blank-sample", "a sample without any text"),
        ("other-sample", "but got: ['stream stdout', 'execute_result text/plain']"),
        ("exception", "ZeroDivisionError"),
        ("other-exception", "but got: ['error ZeroDivisionError']"),
    ],
)
def test_what_is_wrong_fails(outcomes, name, message):
    assert message in outcomes["book"][name]


def test_a_dead_kernel_fails_at_once_and_so_do_the_cells_after_it(tmp_path, code, save):
    save(tmp_path / "dead.ipynb", code("import os; os._exit(1)"), code("1;", name="next", count=2))
    start = time.perf_counter()
    outcome = replay(tmp_path, strict=True)
    assert time.perf_counter() - start < 60  # nbval alone waits 2000 s
    assert "the kernel died" in outcome["dead"]
    assert "Kernel dead on test start" in outcome["dead"]


def test_an_endless_cell_fails_at_its_limit(tmp_path, code, save):
    save(tmp_path / "endless.ipynb", code("while True: pass"))
    outcome = replay(tmp_path, "--nbval-cell-timeout=2", strict=True)
    assert "Timeout of 2 seconds exceeded" in outcome["endless"]


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.2345", "loss 1.2346"),
        ("1.234e-07", "1.235e-07"),
        ("[0.30000000000000004]", "[0.3]"),
        ("array([0.12345678])", "array([0.12345671])"),
        ("no number", "no number"),
    ],
)
def test_numbers_that_agree(stored, computed):
    assert differs(stored, computed) is None


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.2345", "loss 1.2347"),
        ("array([1.])", "array([2.])"),
        ("0.5", "0.6"),
        ("3e-10", "8e-05"),
        ("7", "7.0"),
        ("7 of 10", "8 of 10"),
        ("1.0", "nan"),
        ("-0.1234", "0.1234"),
        ("shape (4, 3)", "shape (3, 4)"),
        ("0.1234", "0.1234 0.1234"),
    ],
)
def test_numbers_that_differ(stored, computed):
    assert differs(stored, computed) is not None


@pytest.mark.parametrize("deaths", [0, 2, 3])
def test_a_kernel_that_dies_at_its_start_is_started_again(monkeypatch, tmp_path, deaths):
    starts = []

    def start(*arguments, **options):
        starts.append(options["cwd"])
        if len(starts) <= deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "manager", "client"

    monkeypatch.setattr(strict_nbval, "start_new_kernel", start)
    if deaths < 3:
        assert strict_nbval.started(tmp_path, 60) == ("manager", "client")
        assert starts == [str(tmp_path)] * (deaths + 1)
    else:
        with pytest.raises(RuntimeError, match="Kernel died"):
            strict_nbval.started(tmp_path, 60)
