"""The documentation of lstmlib: whole, and tied to the chapters and to the equations."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import equation_ledger
import library_pages
import pytest
from bs4 import BeautifulSoup, Tag

import lstmlib
from lstmlib.__main__ import parser

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
MODULES = [
    module.name
    for module in pkgutil.iter_modules(lstmlib.__path__, "lstmlib.")
    if not module.name.split(".")[1].startswith("_") and module.name != "lstmlib.commands"
]


def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def entries(site) -> dict[str, Tag]:
    """The signature of each entry by its anchor; what is said of it is the element after."""
    return {
        signature["id"]: signature
        for path in (site / "library").glob("*.html")
        for signature in read(path).select("article dt.sig[id]")
    }


@pytest.fixture(scope="module")
def chapters(site) -> dict[str, BeautifulSoup]:
    return {path.stem: read(site / "chapters" / f"{path.stem}.html") for path in CHAPTERS}


def addresses(tag: Tag) -> list[str]:
    return [unquote(link["href"]) for link in tag.find_all("a", href=True)]


def field(signature: Tag, name: str) -> Tag | None:
    """A field of an entry, such as its equations; not of a method in it."""
    said = signature.find_next_sibling("dd")
    for fields in said.find_all("dl", class_="field-list", recursive=False):
        for title in fields.find_all("dt", recursive=False):
            if title.get_text().startswith(name):
                return title.find_next_sibling("dd")
    return None


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_an_entry_on_the_page_of_its_package(site, module):
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if inspect.isroutine(value) and value.__module__ == module and not name.startswith("_")
    ]
    assert names
    page = read(site / "library" / f"{module.removeprefix('lstmlib.')}.html")
    anchors = {signature["id"] for signature in page.select("article dt.sig[id]")}
    assert {f"{module}.{name}" for name in names} <= anchors
    tables = page.article.find_all("table")
    listed = {address.partition("#")[2] for table in tables for address in addresses(table)}
    assert {f"{module}.{name}" for name in names} <= listed


def used(chapter: Path) -> set[str]:
    """The names of lstmlib in the cells that a page shows, as they are imported."""
    names, found = {}, set()
    for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]:
        tags = set(cell["metadata"].get("tags", []))
        if cell["cell_type"] != "code" or tags & {"remove-cell", "remove-input"}:
            continue
        source = "".join(
            line for line in cell["source"] if not line.lstrip().startswith(("%", "!"))
        )
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a cell that is for Colab's shell
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lstmlib"):
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    found.add(f"{node.module}.{alias.name}")
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in names:
                found.add(f"{names[ast.unparse(node.value)]}.{node.attr}")
    return found


def anchor(name: str, entries: dict[str, Tag]) -> str | None:
    """Find the entry of a name, which may be documented where its package exports it."""
    package = ".".join(name.split(".")[:2])
    for candidate in (name, f"{package}.{name.rpartition('.')[2]}"):
        if candidate in entries:
            return candidate
    return None


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_a_chapter_uses_leads_to_its_entry_and_back(path, chapters, entries):
    expected = {found for name in used(path) if (found := anchor(name, entries))}
    assert expected
    page = chapters[path.stem]
    links = {
        link["href"].partition("#")[2] for link in page.select("article .highlight pre a[href]")
    }
    assert expected <= links
    for name in expected:
        users = addresses(field(entries[name], "Used in"))
        assert any(f"chapters/{path.stem}.html" in address for address in users), name


def test_links_leave_the_code_as_it_is(chapters):
    for path in CHAPTERS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = {"".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code"}
        for block in chapters[path.stem].select(".cell_input .highlight pre"):
            assert block.get_text().strip() in sources


def computed(entries: dict[str, Tag]) -> list[tuple[str, str]]:
    """The labels that a function of the library carries, with the anchor of its entry."""
    documented = library_pages.documented(ROOT)
    return [
        (label, entry.name)
        for label, places in equation_ledger.code(ROOT).items()
        for place in places
        if (entry := library_pages.entry_of(documented, place.path, place.name))
    ]


def test_an_entry_leads_to_every_equation_that_it_computes(entries):
    found = computed(entries)
    assert len({label for label, _ in found}) >= 60
    for label, name in found:
        links = addresses(field(entries[name], "Equations"))
        assert any(address.endswith(f"#equation-{label}") for address in links), (label, name)


def test_the_ledger_leads_to_the_entries(site, entries):
    page = read(site / "appendix" / "equation_ledger.html")
    links = {address.partition("#")[2] for address in addresses(page.article)}
    assert {name for _, name in computed(entries)} <= links


def test_no_label_is_left_in_the_text(site):
    for path in (site / "library").glob("*.html"):
        assert not re.search(r"\beq-[a-z]+-[a-z]", read(path).article.get_text()), path


def test_types_are_readable_and_lead_to_their_entries(entries):
    signature = entries["lstmlib.numpy.lstm_step"]
    text = " ".join(signature.get_text().split())
    assert "x: Float[ndarray, 'B D'], state: tuple[Float[ndarray, 'B H']" in text
    assert "#lstmlib.numpy.LSTMState" in addresses(signature)
    for name, signature in entries.items():
        text = signature.get_text()
        assert not re.search(r"jaxtyping|numpy\.nd| at 0x|<|~", text), (name, text)


def test_the_source_of_an_entry_is_the_line_that_defines_it(entries):
    for name, signature in entries.items():
        for link in signature.select("a.external"):
            parts = urlsplit(link["href"])
            path, line = parts.path.partition("/blob/main/")[2], int(parts.fragment[1:])
            code = (ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1]
            word = name.rpartition(".")[2]
            assert re.match(rf"\s*(def |class )?{word}\b", code), (name, link["href"])


def test_every_command_has_its_help(site):
    text = read(site / "library" / "command_line.html").article.get_text()
    for command in library_pages.commands(parser()):
        assert f"usage: {command.prog} " in text


def test_the_pages_are_small(site):
    assert sum(path.stat().st_size for path in (site / "library").iterdir()) < 1.5e6
