"""What the pages of the library list, in a small library."""

from pathlib import Path

import pytest
from library_pages import FOLDER, documented, entry_of, packages, write

FILES = {
    "__init__.py": '"""A library."""\n',
    "weights.py": '"""Weights."""\n\n\ndef to_torch():\n    """Turn.\n\n    More.\n    """\n',
    "_shapes.py": 'def checked():\n    """Check."""\n',
    "commands/__init__.py": '"""Commands."""\n',
    "numpy/__init__.py": '"""Layers."""\n\n__all__ = ["Forecast", "LSTM", "step"]\n',
    "numpy/lstm.py": '''\
"""The LSTM."""

Forecast = dict
"""What comes next."""

STEPS = 3


class State:
    """Two arrays."""


class Cache:
    """What a step keeps."""


class LSTM:
    """A layer."""

    def forward(self, state: State | None = None):
        """Run."""

    def _array(self):
        """Make an array."""


def step():
    """Make a step."""

    def inner():
        """Go on."""


def helper():
    """Help."""
''',
}


@pytest.fixture
def book(tmp_path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "lstmlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_page_for_each_package_and_each_module(book):
    assert list(packages(book)) == ["lstmlib.numpy", "lstmlib.weights"]


def test_listed_is_what_is_exported_and_the_classes_that_its_signatures_name(book):
    entries = documented(book).values()
    assert [(entry.name, entry.kind) for entry in entries] == [
        ("lstmlib.numpy.Forecast", "data"),
        ("lstmlib.numpy.lstm.State", "class"),
        ("lstmlib.numpy.LSTM", "class"),
        ("lstmlib.numpy.LSTM.forward", "method"),
        ("lstmlib.numpy.step", "function"),
        ("lstmlib.weights.to_torch", "function"),
    ]
    assert [entry.summary for entry in entries][-1] == "Turn."


def test_a_function_inside_of_another_is_documented_with_it(book):
    found, path = documented(book), Path("lstmlib/numpy/lstm.py")
    assert entry_of(found, path, "step.inner").name == "lstmlib.numpy.step"
    assert entry_of(found, path, "LSTM._array").name == "lstmlib.numpy.LSTM"
    assert entry_of(found, path, "helper") is None


def test_pages_are_written_anew_only_where_they_change_and_old_ones_go(book):
    write(book)
    pages = book / FOLDER
    names = {path.stem for path in pages.iterdir()}
    assert names == {"index", "command_line", "numpy", "weights"}
    assert ".. autoclass:: lstmlib.numpy.LSTM\n   :members:" in (pages / "numpy.rst").read_text()
    (pages / "gone.rst").write_text("")
    before = (pages / "numpy.rst").stat().st_mtime_ns
    write(book)
    assert (pages / "numpy.rst").stat().st_mtime_ns == before
    assert not (pages / "gone.rst").exists()
