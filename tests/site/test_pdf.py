"""The book on paper."""

import unicodedata
from io import BytesIO

import pytest
from make_pdf import article, link, make, reading_order
from pypdf import PdfReader


@pytest.fixture(scope="module")
def pages(site):
    """A few pages, so that it takes seconds: with links between them, figures, formulas, tables."""
    return ["chapters/01_ann.html", "appendix/notation.html"]


@pytest.fixture(scope="module")
def pdf(site, pages, browser) -> PdfReader:
    """These pages, printed."""
    written = BytesIO()
    make(browser, site, pages).write(written)
    return PdfReader(written)


@pytest.fixture(scope="module")
def words(pdf) -> list[str]:
    """What each printed page says, letters that are joined in print taken apart."""
    texts = (unicodedata.normalize("NFKC", page.extract_text()) for page in pdf.pages)
    return [" ".join(text.split()) for text in texts]


def test_the_book_has_every_page_of_the_site_in_the_order_of_the_sidebar(site):
    order = reading_order(site)
    on_site = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    aside = {name for name in on_site if name.startswith("_static/")} | {
        "index.html",
        "search.html",
    }
    assert set(order) == on_site - aside
    chapters = [name for name in order if name.startswith("chapters/")]
    assert order[: len(chapters) + 1] == ["intro.html", *sorted(chapters)]


def test_the_outline_leads_to_titles_and_sections(pdf, words, site, pages):
    titles = [entry for entry in pdf.outline if not isinstance(entry, list)]
    sections = [entry for entry in pdf.outline if isinstance(entry, list)]
    for page, title, below in zip(pages, titles, sections, strict=True):
        text = article(site, page, pages)
        assert title.title == text.find("h1").get_text()
        assert [entry.title for entry in below] == [h2.get_text() for h2 in text.find_all("h2")]
        for entry in [title, *below]:
            assert entry.title in words[pdf.get_destination_page_number(entry)]


def test_the_contents_number_the_pages(pdf, words):
    titles = [entry for entry in pdf.outline if not isinstance(entry, list)]
    assert words[1].startswith("Contents")
    for entry in titles:
        assert str(pdf.get_destination_page_number(entry) + 1) in words[1].split()


def test_formulas_are_drawn_and_answers_are_unfolded(words, site, pages):
    text = " ".join(words)
    for raw in (r"\begin{", r"\frac", r"\(", r"\["):
        assert raw not in text
    answer = article(site, pages[0], pages).find("details").find("p").get_text().split()
    assert " ".join(answer[:3]) in text


def test_every_figure_is_there_with_its_caption(words, site, pages):
    captions = article(site, pages[0], pages).select(".caption-number")
    assert captions
    for number in captions:
        assert any(number.get_text(strip=True) in page for page in words)


def test_links_between_pages_stay_within_the_book(pdf, site, pages):
    inside, outside = set(), set()
    for page in pdf.pages:
        for annotation in page.get("/Annots", []):
            target = annotation.get_object()
            if "/Dest" in target:
                inside.add(target["/Dest"].lstrip("/"))
            else:
                outside.add(target["/A"]["/URI"])
    assert inside <= {name.lstrip("/") for name in pdf.named_destinations}
    assert any(name.startswith("appendix-notation--") for name in inside)
    assert all(address.startswith(("https://", "http://")) for address in outside)
    assert not any(page in address for address in outside for page in pages)


def test_it_is_a_book_and_the_site_stays_as_it_was(pdf, site, pages):
    assert len(pdf.pages) > 10
    assert float(pdf.pages[0].mediabox.width) == pytest.approx(210 * 72 / 25.4, abs=1)
    assert not list(site.glob("book-to-print*"))


def test_every_page_links_to_the_pdf_where_there_is_one(tmp_path):
    (tmp_path / "chapters").mkdir()
    mark = "<!-- here tools/make_pdf.py links to the PDF -->"
    for name in ("intro.html", "chapters/01_ann.html"):
        (tmp_path / name).write_text(f"<p>Source {mark}</p>")
    link(tmp_path)
    assert '<a href="the-executable-lstm.pdf">' in (tmp_path / "intro.html").read_text()
    chapter = (tmp_path / "chapters/01_ann.html").read_text()
    assert '<a href="../the-executable-lstm.pdf">' in chapter
