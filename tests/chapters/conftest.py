"""What the tests of the chapters share: a chapter's cells, and what these define.

A test module says which chapter it is about: ``CHAPTER = "10_digits"``.
"""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"


@pytest.fixture(scope="module")
def cells(request) -> dict[str, str]:
    """The sources of the chapter's cells by their ids."""
    notebook = json.loads((CHAPTERS / f"{request.module.CHAPTER}.ipynb").read_text("utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}


@pytest.fixture(scope="module")
def defined(cells) -> Callable[..., dict]:
    """Execute the functions and classes that a cell defines, and nothing else of it.

    ``defined("paired", np=np)["difference"]``: the names given are what the cell finds there.
    """

    def define(cell: str, **names) -> dict:
        tree = ast.parse(cells[cell])
        tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        exec(compile(tree, cell, "exec"), names)
        return names

    return define


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)
