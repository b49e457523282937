"""What every chapter keeps to, as a function from its file to its faults.

Notebooks of the appendix keep to what is said of cells and outputs.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from publish import bootstrap, repository
from run_notebooks import is_slug, normalise

LONGEST_CELL = 25  # lines that are not blank
SHORTEST_ALT, LONGEST_ALT = 20, 300
FORBIDDEN_TAGS = {"nbval-skip", "nbval-ignore-output", "pytest-validate-ignore-output"}
FORBIDDEN_OUTPUT = {
    "a path of one machine": r"(?<![\w.])/(home|root|tmp|usr|var|opt|Users|content)/\w|\b[A-Z]:\\",
    "an object's address": r"\b0x[0-9a-f]{6,}",
    "a time that was measured": r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds|min|minutes|it/s)\b",
    "an address of another host": r"https?://",
}


def faults(path: Path, *, chapter: bool = True) -> list[str]:
    """List what is wrong with the notebook at ``path``; empty where it keeps every rule."""
    text = path.read_text(encoding="utf-8")
    ids = Counter(cell.get("id") for cell in json.loads(text)["cells"])
    notebook = nbformat.reads(text, as_version=4)
    found = [f"the cell id {name!r} occurs {n} times" for name, n in ids.items() if n > 1]
    found += structure(notebook) if chapter else []
    number = 0
    for cell in notebook.cells:
        number += cell.cell_type == "code"
        about = code_cell(cell, number) if cell.cell_type == "code" else []
        found += [f"cell {cell.id}: {fault}" for fault in about]
        if not is_slug(cell.id):
            found.append(f"cell {cell.id}: its id is no short slug")
    if not found and normalise(notebook) != text:
        found.append("not in normal form: `make notebooks` writes it so")
    return [f"{path.name}: {fault}" for fault in found]


def structure(notebook: NotebookNode) -> Iterator[str]:
    """Check that the parts of a chapter are there."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    whole = "\n".join(prose)
    outside_code = re.sub(r"^(`{3,}).*?^\1", "", whole, flags=re.DOTALL | re.MULTILINE)
    if len(re.findall(r"^# ", outside_code, flags=re.MULTILINE)) != 1:
        yield "a chapter has exactly one title (# …)"
    if not (prose and prose[0].startswith("# ") and ":class: objectives" in prose[0]):
        yield "the first cell holds the title and the objectives (:class: objectives)"
    for part, mark in {
        "what to remember (:class: summary)": ":class: summary",
        "questions to check oneself with ({dropdown} for each answer)": "{dropdown}",
        "an exercise": "{exercise}",
        "further reading": "## Further reading",
    }.items():
        if mark not in whole:
            yield f"missing: {part}"
    exercises = set(re.findall(r"\{exercise\}.*?:label: (\S+)", whole, flags=re.DOTALL))
    solved = set(re.findall(r"\{solution\} (\S+)", whole))
    for label in sorted(exercises ^ solved):
        yield f"{label} is an exercise without a solution, or a solution without an exercise"
    if not code or code[0].id != "colab" or "remove-cell" not in code[0].metadata.get("tags", []):
        yield "the first code cell is `colab`, which installs the library there (tag remove-cell)"


def code_cell(cell: NotebookNode, number: int) -> Iterator[str]:
    """Check one code cell and what it put out."""
    tags = set(cell.metadata.get("tags", []))
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if not lines:
        yield "an empty code cell"
    if len(lines) > LONGEST_CELL:
        yield f"{len(lines)} lines of code, more than {LONGEST_CELL}: the library is the place"
    if cell.id == "colab" and cell.source != bootstrap(repository()):
        yield "not what tools/publish.py has for this cell"
    if cell.id != "colab" and any(line.lstrip().startswith(("!", "%")) for line in lines):
        yield "a magic or a shell command"
    if tags & FORBIDDEN_TAGS or "NBVAL_" in cell.source:
        yield "its outputs are not compared"
    if "sample" in tags and re.search(r"\bassert\b", cell.source):
        yield "an assertion in a cell tagged sample, whose output is not compared"
    if cell.execution_count != number:
        yield f"its execution count is {cell.execution_count}, not {number}: run from top to bottom"
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags:
            yield f"an error in the outputs: {output.ename}"
        if output.get("name") == "stderr":
            yield "output on stderr"
        for what, pattern in FORBIDDEN_OUTPUT.items():
            if match := re.search(pattern, shown_text(output)):
                yield f"{what} in the outputs: {match.group()!r}"
    if any(form.startswith("image/") for output in cell.outputs for form in output.get("data", {})):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if not SHORTEST_ALT <= len(alt) <= LONGEST_ALT:
            yield "a figure without an alternative text that says what one sees (mystnb.image.alt)"


def shown_text(output: NotebookNode) -> str:
    """Return what an output shows as text."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return output.evalue
    text = "\n".join(output.data.get(form, "") for form in ("text/plain", "text/html"))
    return re.sub(r"data-figure='[^']*'", "", text)  # what an interactive figure computes with
