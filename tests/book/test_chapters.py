"""The rules for chapters: each one broken in a small notebook, and all kept by the real ones."""

import copy
from pathlib import Path

import nbformat
import pytest
from chapter_rules import faults
from publish import bootstrap, repository
from run_notebooks import normalise

ROOT = Path(__file__).resolve().parents[2]
OPENING = """\
# A title

:::{admonition} You will be able to
:class: objectives
- add
:::"""
CLOSING = """\
:::{dropdown} 2
Right.
:::

```{exercise}
:label: ex-one
Add.
```

````{solution} ex-one
:class: dropdown
```python
# 2
```
````

:::{admonition} What to remember
:class: summary
- the sum
:::

## Further reading"""
ALT = {"image": {"alt": "Two lines cross where both are one half."}}


@pytest.fixture
def notebook(code, result, shown):
    prose = nbformat.v4.new_markdown_cell
    return nbformat.v4.new_notebook(
        cells=[
            prose(OPENING, id="title"),
            code(bootstrap(repository()), name="colab", tags=["remove-cell"]),
            code("1 + 1", result("2", count=2), name="sum", count=2),
            code("plot()", shown(image_svg="<svg/>"), name="plot", count=3, mystnb=ALT),
            prose(CLOSING, id="closing"),
        ]
    )


def test_every_chapter_keeps_the_rules():
    assert [fault for path in sorted(ROOT.glob("chapters/*.ipynb")) for fault in faults(path)] == []


def test_every_notebook_of_the_appendix_keeps_those_on_cells_and_outputs():
    paths = sorted(ROOT.glob("appendix/*.ipynb"))
    assert paths
    assert [fault for path in paths for fault in faults(path, chapter=False)] == []


def test_the_appendix_needs_no_parts_but_is_otherwise_no_exception(notebook, tmp_path):
    path = tmp_path / "appendix.ipynb"
    notebook.cells[4].source = "Nothing to remember."
    path.write_text(normalise(notebook), encoding="utf-8")
    assert faults(path, chapter=False) == []
    notebook.cells[3].metadata.clear()
    path.write_text(normalise(notebook), encoding="utf-8")
    assert any("alternative text" in found for found in faults(path, chapter=False))


def test_a_chapter_that_keeps_them(notebook, tmp_path):
    path = tmp_path / "good.ipynb"
    path.write_text(normalise(notebook), encoding="utf-8")
    assert faults(path) == []


def output(text):
    return lambda cells: cells[2].outputs[0].data.update({"text/plain": text})


BROKEN = {
    "exactly one title": lambda cells: cells[4].update(source=CLOSING + "\n# Another"),
    "the first cell holds": lambda cells: cells[0].update(source="# A title"),
    "missing: what to remember": lambda cells: cells[4].update(
        source=CLOSING.replace("summary", "note")
    ),
    "missing: questions": lambda cells: cells[4].update(
        source=CLOSING.replace("dropdown}", "tip}")
    ),
    "missing: an exercise": lambda cells: cells[4].update(
        source=CLOSING.replace("exercise}", "tip}")
    ),
    "missing: further reading": lambda cells: cells[4].update(
        source=CLOSING.removesuffix("reading")
    ),
    "ex-one is an exercise without": lambda cells: cells[4].update(
        source=CLOSING.replace("{solution}", "{tip}")
    ),
    "the first code cell is `colab`": lambda cells: cells[1].update(id="setup"),
    "cell colab: not what": lambda cells: cells[1].update(source="%pip install lstmlib"),
    "empty code cell": lambda cells: cells[2].update(source=""),
    "26 lines of code": lambda cells: cells[2].update(source="x = 1\n\n" * 26),
    "a shell command": lambda cells: cells[2].update(source="!ls"),
    "a magic": lambda cells: cells[2].update(source="%timeit 1"),
    "not compared": lambda cells: cells[2].metadata.update(tags=["nbval-skip"]),
    "an assertion in a cell tagged sample": lambda cells: cells[2].update(
        source="assert 1 < 2", metadata={"tags": ["sample"]}
    ),
    "execution count is None": lambda cells: cells[2].update(execution_count=None),
    "execution count is 7": lambda cells: cells[2].update(execution_count=7),
    "an error in the outputs": lambda cells: cells[2].update(
        outputs=[nbformat.v4.new_output("error", ename="E", evalue="e", traceback=[])]
    ),
    "output on stderr": lambda cells: cells[2].update(
        outputs=[nbformat.v4.new_output("stream", name="stderr", text="x")]
    ),
    "a path of one machine": output("saved to /home/me/model"),
    "an object's address": output("<object at 0x7f3a5c2b9d10>"),
    "a time that was measured": output("trained in 12.3 s"),
    "an address of another host": output("see https://example.org"),
    "a figure without an alternative text": lambda cells: cells[3].metadata.clear(),
    "no short slug": lambda cells: cells[2].update(id="1f0c2b3a"),
    "not in normal form": lambda cells: cells[2].metadata.update(collapsed=True),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_chapter_that_breaks_one(notebook, tmp_path, fault):
    broken = copy.deepcopy(notebook)
    BROKEN[fault](broken.cells)
    path = tmp_path / "bad.ipynb"
    as_it_should_be = normalise(copy.deepcopy(notebook))
    kept = nbformat.reads(as_it_should_be, as_version=4).metadata
    broken.metadata = kept
    path.write_text(nbformat.writes(broken) + "\n", encoding="utf-8")
    assert any(fault in found for found in faults(path)), faults(path)


def test_an_id_that_occurs_twice(notebook, tmp_path):
    path = tmp_path / "bad.ipynb"
    path.write_text(normalise(notebook).replace('"plot"', '"sum"'), encoding="utf-8")
    with pytest.warns(nbformat.validator.DuplicateCellId):
        assert "bad.ipynb: the cell id 'sum' occurs 2 times" in faults(path)
