"""Equations, code and tests: each way to break their tie in a small book, and this book whole."""

import shutil
from pathlib import Path

import build_book
import equation_ledger
import nbformat
import pytest
from equation_ledger import LedgerError, equations, faults, ledger

ROOT = Path(__file__).resolve().parents[2]

CHAPTER = """\
# The sum

```{math}
:label: eq-sum-total
s = \\sum_t x_t
```

and, in short form, $$ m = s / T $$ (eq-sum-mean)

```{math}
T = 3
```
"""
LIBRARY = '''\
"""Sums."""


class Sum:
    """A sum that one can ask for its mean."""

    def total(self, x):
        """Add all entries.

        Equation: eq-sum-total.
        """
        return sum(x)
'''
TESTS = '''\
def test_total():
    """eq-sum-total: against a loop, x_t by x_t.

    Nothing more.
    """


def test_both():
    """eq-sum-total, eq-sum-mean: what is
    left."""


def helper():
    """No test."""
'''


@pytest.fixture
def book(tmp_path, code):
    """A book with a chapter, two labelled equations, their code and their tests."""
    for folder in ("chapters", "appendix", "lstmlib", "tests/chapters"):
        (tmp_path / folder).mkdir(parents=True)
    cells = [
        nbformat.v4.new_markdown_cell(CHAPTER, id="the-sum"),
        code(
            "x = [1, 2, 3]\n\n\ndef mean(x):\n    return sum(x) / len(x)  # eq-sum-mean",
            name="mean",
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "chapters" / "01_sum.ipynb")
    (tmp_path / "intro.md").write_text("# The book\n")
    (tmp_path / "lstmlib" / "sums.py").write_text(LIBRARY)
    (tmp_path / "tests" / "chapters" / "test_sum.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text('[tool.book]\naddress = "https://github.com/a/b"\n')
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_whole_book(book):
    assert faults(book) == []
    text = ledger(book)
    assert text.startswith("<!-- Made by tools/equation_ledger.py from ")
    assert "## [The sum](../chapters/01_sum.ipynb)" in text
    total, mean = text.split("- {eq}`")[1:]
    assert total.startswith(
        "eq-sum-total` `eq-sum-total`\n\n  ```{math}\n  s = \\sum_t x_t\n  ```\n"
    )
    at = "https://github.com/a/b/blob/main"
    entry = "{py:obj}`Sum.total <lstmlib.sums.Sum.total>`"
    assert f"{entry} in [`sums.py`]({at}/lstmlib/sums.py#L10)" in total
    assert f"[`test_total`]({at}/tests/chapters/test_sum.py#L1) in `test_sum.py`" in total
    assert "against a loop, x\\_t by x\\_t\n" in total
    assert "Nothing more" not in total
    assert "`test_both`" in total
    assert "```{math}\n  m = s / T\n  ```" in mean
    assert "`test_both`" in mean
    assert ": what is left\n" in mean
    link = "chapters/01_sum.ipynb?plain=1#L"
    line = int(mean.split(link)[1].split(")")[0])
    notebook = (book / "chapters" / "01_sum.ipynb").read_text().splitlines()
    assert "eq-sum-mean" in notebook[line - 1]
    assert "[`mean`]" in mean


def test_the_page_itself_is_no_source(book):
    (book / "appendix" / "equation_ledger.md").write_text(ledger(book) + CHAPTER)
    assert faults(book) == []


def add_to_intro(text):
    return lambda book: (book / "intro.md").write_text(f"# The book\n\n{text}\n")


def library(old, new):
    return lambda book: change(book / "lstmlib" / "sums.py", old, new)


def in_tests(old, new):
    return lambda book: change(book / "tests" / "chapters" / "test_sum.py", old, new)


BROKEN = {
    "intro.md: eq-new has no line of code": add_to_intro("$$ a = b $$ (eq-new)"),
    "intro.md: eq-new has no test": add_to_intro("$$ a = b $$ (eq-new)"),
    "intro.md: eq-dir has no test": add_to_intro("```{math}\n:label: eq-dir\na\n```"),
    "eq-sum-mean stands for 2 equations: in intro.md, chapters/01_sum.ipynb": add_to_intro(
        "$$ a = b $$ (eq-sum-mean)"
    ),
    "intro.md: 'eq-Sum' is no label": add_to_intro("$$ a = b $$ (eq-Sum)"),
    "chapters/01_sum.ipynb: eq-sum-total has no line of code": library(
        "Equation: eq-sum-total.", ""
    ),
    "lstmlib/sums.py:10: Sum.total names eq-sum-typo, which no page has": library(
        "eq-sum-total", "eq-sum-typo"
    ),
    "lstmlib/sums.py:12: Sum.total names eq-sum-gone, which no page has": library(
        "return sum(x)", "return sum(x)  # eq-sum-gone"
    ),
    "chapters/01_sum.ipynb: eq-sum-mean has no test": in_tests(", eq-sum-mean", ""),
    "tests/chapters/test_sum.py:8: test_both names eq-sum-typo, which no page has": in_tests(
        "eq-sum-mean", "eq-sum-typo"
    ),
    "tests/chapters/test_sum.py:13: test_helper names no equation": in_tests(
        "helper", "test_helper"
    ),
    "tests/chapters/test_sum.py:8: test_both names no equation": in_tests("eq-sum-total, ", "Of "),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_book_that_is_not_whole(book, fault):
    BROKEN[fault](book)
    assert any(found.startswith(fault) for found in faults(book)), faults(book)
    with pytest.raises(LedgerError, match=r"eq-|no equation"):
        ledger(book)


def test_a_label_in_a_string_is_no_code(book):
    library("Equation: eq-sum-total.", "")(book)
    library("return sum(x)", 'return sum(x) or "eq-sum-total"')(book)
    assert any("eq-sum-total has no line of code" in found for found in faults(book))


def test_the_build_stops_and_says_why(book, monkeypatch, capsys):
    library("eq-sum-total", "eq-sum-typo")(book)
    monkeypatch.setattr(build_book, "ROOT", book)
    monkeypatch.setattr("sys.argv", ["build_book.py", "--output", str(book)])
    assert build_book.main() == 1
    assert "names eq-sum-typo, which no page has" in capsys.readouterr().err
    assert not (book / "appendix" / "equation_ledger.md").exists()


def test_the_command(book, monkeypatch, capsys):
    monkeypatch.setattr(equation_ledger, "ROOT", book)
    assert equation_ledger.main() == 0
    assert (book / equation_ledger.PAGE).read_text() == ledger(book)
    shutil.rmtree(book / "tests")
    assert equation_ledger.main() == 1
    assert "eq-sum-total has no test" in capsys.readouterr().err


def test_this_book_is_whole():
    assert faults(ROOT) == []


def test_this_book_has_as_many_equations_as_it_promises():
    assert len(equations(ROOT)) >= 60
