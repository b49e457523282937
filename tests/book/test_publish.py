"""The parts of a published copy, from a small site; tests/site has the copies of the real one."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import nbformat
import publish
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://example.org/book"
HERE = f"{SITE}/chapters/05_lstm.html"
PAGE = """\
<div class="math" id="equation-eq-sum">
<span class="eqno">(7)<a href="#equation-eq-sum">#</a></span>\\[c = a + b\\]</div>
<figure id="fig-line"><img alt="A line" src="line.svg"><figcaption><p>
<span class="caption-number">Fig. 2 </span><span>A line.</span></p></figcaption></figure>
<div class="exercise" id="ex-one"><p><span class="caption-number">Exercise 3 </span></p></div>
<div class="solution" id="ex-one-solution"><p>Solution to Exercise 3</p></div>
<p>After <span class="bibtex-citation" id="id1">Gers <em>et al.</em> [<a class="reference internal"
href="../appendix/references.html#id2" title="Learning &amp; forgetting">2000</a>]</span>.</p>"""
INVENTORY = """\
ex-one-solution std:label -1 chapters/05_lstm.html#$ Solution to
sec-step std:label -1 chapters/05_lstm.html#$ One step
eq-elsewhere std:label -1 chapters/02_rnn.html#$ -
Gate std:term -1 appendix/glossary.html#term-$ -
"""


@pytest.fixture
def site(tmp_path):
    """A site of one page, read."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "05_lstm.html").write_text(PAGE)
    head = "# Sphinx inventory version 2\n# Project: book\n# Version: 1\n# compressed with zlib.\n"
    (tmp_path / "objects.inv").write_bytes(head.encode() + zlib.compress(INVENTORY.encode()))
    return publish.Site.read(tmp_path, SITE)


@pytest.fixture
def chapter(site):
    return publish.Chapter("chapters/05_lstm.ipynb", site)


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("(sec-step)=\n## One step", "## One step"),
        ("By {eq}`eq-sum` and {numref}`fig-line`.", "By (7) and Fig. 2."),
        ("See {ref}`sec-step`.", f"See [One step]({HERE}#sec-step)."),
        ("See {ref}`the step <sec-step>`.", f"See [the step]({HERE}#sec-step)."),
        ("A {term}`gate`", f"A [gate]({SITE}/appendix/glossary.html#term-Gate)"),
        ("Two {term}`gates\n<gate>`", f"Two [gates]({SITE}/appendix/glossary.html#term-Gate)"),
        (
            "After {cite:t}`gers2000`.",
            f"After Gers *et al.* [[2000]({SITE}/appendix/references.html#id2)].",
        ),
        ("[before](02_rnn.ipynb#x)", f"[before]({SITE}/chapters/02_rnn.html#x)"),
        ("[signs](../appendix/notation.md)", f"[signs]({SITE}/appendix/notation.html)"),
        ("[out](https://example.com/a.md)", "[out](https://example.com/a.md)"),
        ("```{math}\n:label: eq-sum\nc\n= a\n```", "$$\nc\n= a \\tag{7}\n$$"),
        (
            ":::{admonition} Note\n:class: note\n- a\n\n"
            "```{math}\n:label: eq-sum\nc\n= a\n```\n:::",
            "> **Note**\n>\n> - a\n>\n> $$ c = a \\tag{7} $$",
        ),
        (
            ":::{dropdown} *If* `a<b` or $a < b$\nYes, {eq}`eq-sum`.\n:::",
            "<details>\n<summary><em>If</em> <code>a&lt;b</code> or $a \\lt  b$</summary>\n\n"
            "Yes, (7).\n\n</details>\n",
        ),
        ("```{exercise}\n:label: ex-one\n\nAdd.\n```", "**Exercise 3.** Add."),
        (
            "````{solution} ex-one\n:label: ex-one-solution\n:class: dropdown\n"
            "```python\n2\n```\n````",
            f"[Solution]({HERE}#ex-one-solution)",
        ),
        ("```python\nx = '{eq}`eq-sum`'\n```", "```python\nx = '{eq}`eq-sum`'\n```"),
    ],
)
def test_plain_markdown(chapter, myst, plain):
    assert chapter.markdown(f"Before\n{myst}\n\nAfter") == f"Before\n{plain}\n\nAfter"


def test_lines_of_a_file(chapter):
    options = ":language: python\n:start-at: z = x @\n:end-at: z_i, z_f\n:dedent:\n"
    included = chapter.markdown(f"```{{literalinclude}} ../lstmlib/numpy/lstm.py\n{options}```")
    first, *code, last = included.splitlines()
    assert (first, last) == ("```python", "```")
    source = (ROOT / "lstmlib" / "numpy" / "lstm.py").read_text()
    assert all(f"    {line}\n" in source for line in code)
    assert (code[0][:7], code[-1][:8]) == ("z = x @", "z_i, z_f")


@pytest.mark.parametrize(
    ("myst", "message"),
    [
        ("{eq}`eq-lost`", "expected a label of the site, got 'eq-lost'"),
        ("{doc}`intro`", "expected a role that has a copy, got '{doc}`intro`'"),
        (":::{tip}\nx\n:::", r"expected one of the directives \[.*'math'.*\], got 'tip'"),
    ],
)
def test_what_has_no_plain_form_is_an_error(chapter, myst, message):
    with pytest.raises(ValueError, match=re.escape("chapters/05_lstm.ipynb: ") + message):
        chapter.markdown(myst)


@pytest.fixture
def notebook(code, result):
    figure = {"figure": {"name": "fig-line", "caption": "A line."}}
    return new_notebook(
        cells=[
            new_markdown_cell("# A title\n\nAfter {cite:t}`gers2000`.", id="title"),
            code("old", name="colab", tags=["remove-cell"]),
            code("plot()", result("1"), name="plot", mystnb=figure, tags=["hide-input"]),
            code("1 / 0", name="wrong", tags=["raises-exception"]),
            new_markdown_cell("```{exercise}\n:label: ex-one\nAdd.\n```", id="exercises"),
            code("assert 1 + 1 == 2", name="check", tags=["hide-cell"]),
            new_markdown_cell("The end", id="end"),
        ]
    )


def test_a_citation_in_a_solution_is_the_page_s_next_one_too(chapter):
    chapter.markdown("````{solution} ex-one\n:label: ex-one-solution\n{cite:t}`gers2000`\n````")
    assert list(chapter.citations) == []


def test_a_copy_keeps_code_and_ids_without_outputs_and_checks_of_solutions(chapter, notebook):
    copy = chapter.copy(notebook, "install")
    nbformat.validate(copy)
    assert [cell.id for cell in copy.cells] == [
        "title",
        "colab",
        "plot",
        "wrong",
        "exercises",
        "end",
    ]
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == ["install", "# Fig. 2: A line.\nplot()", "1 / 0"]
    assert [cell.metadata for cell in code] == [{}, {}, {"tags": ["raises-exception"]}]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert copy.cells[0].source.startswith("# A title\n\n*The page of this notebook")
    assert f"<{HERE}>" in copy.cells[0].source


def test_a_page_with_other_citations_is_an_error(chapter, notebook):
    notebook.cells[0].source = "# A title\n\nText"
    with pytest.raises(ValueError, match="expected the citations of its page, got 1 fewer"):
        chapter.copy(notebook, "install")
    with pytest.raises(ValueError, match="expected the citations of its page, got {cite:p}`new`"):
        chapter.markdown("{cite:p}`new`")


def test_the_commit(tmp_path):
    assert publish.commit(tmp_path) == "main"  # the book without its history
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    with pytest.raises(subprocess.CalledProcessError):
        publish.commit(tmp_path)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "a"], check=True)
    assert re.fullmatch("[0-9a-f]{40}", publish.commit(tmp_path))


def test_the_extra_notebooks_has_all_that_a_notebook_imports():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = list(extras["dependencies"])
    wanted = ["notebooks"]
    for extra in wanted:
        for one in map(Requirement, extras["optional-dependencies"][extra]):
            wanted += one.extras
            needed.append(one.name)
    there = {Requirement(one).name for one in needed} | sys.stdlib_module_names
    there |= {"matplotlib_inline"}  # which every kernel has
    for path in [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("appendix/*.ipynb")]:
        code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        source = "\n".join(cell.source for cell in code if cell.id != "colab")
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= there, path.name


def test_what_binder_installs_is_the_library_in_the_versions_of_the_tests(tmp_path):
    """pip is asked what it would do: all but lstmlib is here, within range and as pinned."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("binder", "lstmlib", "results"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--quiet"]
    command += ["--no-build-isolation", "--report", "-", "--requirement", "binder/requirements.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [item["metadata"]["name"] for item in report["install"]] == ["lstmlib"]


def test_binder_has_a_python_that_the_library_runs_on():
    python = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f">={python}" == needed


def test_binder_and_the_notebooks_install_the_same(tmp_path):
    publish.write_beside(tmp_path)
    needed = (tmp_path / "binder" / "requirements.txt").read_text().splitlines()[-1]
    source = publish.install.archive(publish.repository(), publish.commit())
    assert needed == f"lstmlib[notebooks,widgets] @ {source}"
    cell = publish.bootstrap(publish.repository(), publish.commit())
    assert f'"{source}"' in cell
    assert '"lstmlib[notebooks] @ {source}"' in cell
    versions = (tmp_path / "binder" / "../requirements.txt").read_text()
    assert versions == (ROOT / "requirements.txt").read_text()
    assert publish.repository() in (tmp_path / "README.md").read_text()
