"""The copies that readers run: what the pages say, in plain Markdown, without solutions."""

import re
from itertools import zip_longest
from pathlib import Path

import nbformat
import publish
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from set_address import addresses

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in publish.NOTEBOOKS
    for path in ROOT.glob(pattern)
)
CODE = r"^```.*?^```$|`[^`]+`"
FORMULA = r"\$\$.*?\$\$|\$[^$]+\$"
EITHER = re.compile(f"{CODE}|{FORMULA}", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    """The path of a notebook."""
    return request.param


@pytest.fixture
def copy(site, name):
    """The copy that the page's button downloads."""
    return nbformat.read(site / "_sources" / name, as_version=4)


@pytest.fixture
def page(site, name):
    """What is read on the page of the notebook."""
    path = (site / name).with_suffix(".html")
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").article


def text_of(copy) -> str:
    return "\n\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")


def formulas(text: str) -> list[str]:
    return [found.strip("$") for found in EITHER.findall(text) if found.startswith("$")]


def without(page, what: str):
    for tag in page.select(what):
        tag.decompose()
    return page


def words(page) -> list[str]:
    return re.findall(r"\w+", page.get_text(" "))


def test_a_copy_says_what_its_page_says_word_for_word(copy, page):
    own = r"^\*The page of this notebook.*|^\[Solution\].*"
    text = re.sub(own, "", text_of(copy), flags=re.MULTILINE)
    text = EITHER.sub(lambda found: "" if found[0].startswith("$") else found[0], text)
    html = MarkdownIt().enable("table").render(text)
    said = words(without(BeautifulSoup(html, "html.parser"), "pre"))
    shown = words(without(page, ".solution, .cell, .math, .headerlink, script, style, pre"))
    for k, (ours, theirs) in enumerate(zip_longest(said, shown)):
        assert ours == theirs, f"{said[max(0, k - 9) : k + 3]}, but {shown[max(0, k - 9) : k + 3]}"


def test_a_copy_has_the_formulas_of_its_page(copy, page):
    def bare(tex):
        tex = tex.replace(r"\lt ", "<")  # in the title of an answer
        return re.sub(r"\\(begin|end)\{split\}|\\tag\{\d+\}|^\\[(\[]|\\[)\]]$|\s", "", tex.strip())

    shown = without(page, ".solution, .cell, .eqno").select(".math")
    said = formulas(text_of(copy))
    assert [bare(tex) for tex in said] == [bare(tag.get_text()) for tag in shown]


def test_equations_and_figures_have_the_numbers_of_the_page(copy, page):
    numbers = [tag.get_text() for tag in without(page, ".solution, .headerlink").select(".eqno")]
    assert [f"({n})" for n in re.findall(r"\\tag\{(\d+)\}", text_of(copy))] == numbers
    captions = [" ".join(tag.get_text().split()) for tag in page.select("figcaption")]
    code = "\n".join(cell.source for cell in copy.cells if cell.cell_type == "code")
    comments = re.findall(r"^# Fig\. \d+: ", code, flags=re.MULTILINE)
    assert len(comments) == len(captions)
    for comment, caption in zip(comments, captions, strict=True):
        assert caption.startswith(comment[2:-2] + " ")


def test_nothing_is_left_that_only_the_site_understands(copy):
    left = r"\{[\w:-]+\}|^:::|^:[\w-]+:|^```|^\([\w-]+\)=|\]\((?!https://)"
    assert re.findall(left, EITHER.sub("", text_of(copy)), flags=re.MULTILINE) == []


def test_a_copy_has_the_code_of_its_chapter_and_no_outputs(copy, name):
    chapter = {cell.id: cell for cell in nbformat.read(ROOT / name, as_version=4).cells}
    nbformat.validate(copy)
    kept = [cell.id for cell in copy.cells]
    assert kept == [one for one in chapter if one in kept]
    assert all(chapter[one].cell_type == "code" for one in chapter.keys() - kept)
    for cell in copy.cells:
        if cell.cell_type == "code" and cell.id != "colab":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert cell.source.endswith(source := chapter[cell.id].source)
            assert re.fullmatch(r"(# Fig\. .*\n(# .*\n)*)?", cell.source.removesuffix(source))


def test_a_copy_has_no_solution(copy, name):
    chapter = nbformat.read(ROOT / name, as_version=4)
    whole = "\n".join(cell.source for cell in copy.cells)
    solution = re.compile(r"^(`{3,})\{solution\}.*?\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
    found = [text for cell in chapter.cells for _, text in solution.findall(cell.source)]
    assert len(found) == whole.count("[Solution](https://")
    lines = [line for text in found for line in text.splitlines() if len(line) > 40]
    assert [line for line in lines if not line.startswith(":") and line in whole] == []


def test_a_copy_installs_the_commit_that_is_checked_out(copy):
    first = next(cell for cell in copy.cells if cell.cell_type == "code")
    assert first.id == "colab"
    assert first.source == publish.bootstrap(publish.repository(), publish.commit())


def test_the_same_bytes_twice(site, tmp_path):
    for path in publish.write_notebooks(tmp_path, site):
        again = site / "_sources" / path.relative_to(tmp_path)
        assert path.read_bytes() == again.read_bytes()
        assert path.stat().st_size < 150_000


def test_links_to_the_site_lead_somewhere(site, copy):
    _, address, *_ = addresses(publish.repository())
    for link in re.findall(rf"{re.escape(address)}/([^)>\s]+)", text_of(copy)):
        path, _, anchor = link.partition("#")
        page = (site / path).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in page, link


def test_colab_opens_the_copy_in_the_branch_notebooks(site, name):
    page = (site / name).with_suffix(".html").read_text(encoding="utf-8")
    _, _, colab, _ = addresses(publish.repository())
    assert f'href="{colab}/blob/notebooks/{name}"' in page
