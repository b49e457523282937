"""Small notebooks for the tests of what runs and checks chapters."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output


@pytest.fixture(scope="session")
def code():
    def cell(source, *outputs, name="cell", count=1, **metadata):
        return new_code_cell(
            source, id=name, execution_count=count, outputs=list(outputs), metadata=metadata
        )

    return cell


@pytest.fixture(scope="session")
def printed():
    return lambda text, name="stdout": new_output("stream", name=name, text=text)


@pytest.fixture(scope="session")
def result():
    return lambda text, count=1: new_output(
        "execute_result", {"text/plain": text}, execution_count=count
    )


@pytest.fixture(scope="session")
def shown():
    return lambda **data: new_output(
        "display_data",
        {form.replace("_", "/", 1).replace("svg", "svg+xml"): text for form, text in data.items()},
    )


@pytest.fixture(scope="session")
def save():
    def write(path: Path, *cells) -> Path:
        nbformat.write(new_notebook(cells=list(cells)), path)
        return path

    return write
