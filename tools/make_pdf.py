"""Print the built site as one PDF with contents, page numbers, an outline and links within it.

    python tools/make_pdf.py [--output FOLDER]

Out of FOLDER/_build/html, which tools/build_book.py built, Chromium prints
FOLDER/_build/the-executable-lstm.pdf. A copy joins the site, whose pages then link to it.
"""

import argparse
import shutil
import sys
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import yaml
from browser import open_browser
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser
from pypdf import PageObject, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, Fit, NameObject

ROOT = Path(__file__).resolve().parents[1]
NAME = "the-executable-lstm.pdf"
MARK = "<!-- here tools/make_pdf.py links to the PDF -->"  # in theme/templates/book-footer.html
MARGIN = 18  # mm, all around
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
POINTS = 72 / 25.4  # in a millimetre
PAGE_NUMBER = """
<div style="width: 100%; font: 8pt sans-serif; text-align: center">
<span class="pageNumber"></span></div>
"""


def read(path: Path) -> BeautifulSoup:
    """Parse a page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def reading_order(site: Path) -> list[str]:
    """List the pages as the sidebar has them, from the landing page on."""
    links = read(site / "intro.html").select("nav.bd-docs-nav a.internal")
    return list(
        dict.fromkeys(urljoin("intro.html", link["href"]).partition("#")[0] for link in links)
    )


def anchor(page: str, name: str = "") -> str:
    """Return what a place of a page is called in the book, where the names of all pages meet."""
    return f"{page.removesuffix('.html')}--{name}".replace("/", "-")


def article(site: Path, page: str, printed: list[str]) -> Tag:
    """Take the text out of a page; its links lead into the book, or to the site on the web."""
    text = read(site / page).find("article")
    for mark in text.select("a.headerlink"):
        mark.decompose()
    for heading in text.select("section > :is(h1, h2, h3, h4)"):
        # A link leads to the heading: the section may begin at the foot of the page before.
        for label in heading.find_previous_siblings("span", id=True):
            heading.insert(0, label.extract())
        heading["id"] = heading.parent.attrs.pop("id")
    for tag in text.find_all(True):
        if "id" in tag.attrs:
            tag["id"] = anchor(page, tag["id"])
        for key in ("for", "aria-labelledby", "aria-describedby"):
            if key in tag.attrs:
                tag[key] = " ".join(anchor(page, name) for name in tag.get_attribute_list(key))
        if "src" in tag.attrs:
            tag["src"] = urljoin(page, tag["src"])
        if "href" in tag.attrs:
            target = urlsplit(urljoin(page, tag["href"]))
            if target.path in printed:
                tag["href"] = "#" + anchor(target.path, unquote(target.fragment))
            else:
                tag["href"] = urljoin(CONFIG["html"]["baseurl"] + "/", target.geturl())
        if tag.name == "details":
            tag["open"] = ""  # paper cannot unfold an answer
    text["id"] = anchor(page)
    text["class"] = "bd-article chapter" if page.startswith("chapters/") else "bd-article"
    return text


def headings(articles: list[Tag]) -> list[tuple[int, str, str]]:
    """List level, words and name of each title and section."""
    return [
        (int(tag.name[1]), " ".join(tag.get_text().split()), tag["id"])
        for text in articles
        for tag in text.find_all(["h1", "h2"])
    ]


def compose(site: Path, articles: list[Tag], places: list[tuple[int, str, str]]) -> str:
    """Return the book as one page: title, contents, articles."""
    head = read(site / "intro.html").head
    styles = head.find_all("link", rel="stylesheet")
    formulas = [tag for tag in head.find_all("script") if "mathjax" in str(tag).lower()]
    contents = "".join(
        f'<p class="level-{level}"><a href="#{escape(name)}">{escape(words)}</a></p>'
        for level, words, name in places
    )
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8">{"".join(map(str, styles + formulas))}</head>
<body class="book">
<section class="title-page"><img src="_static/logo.svg" alt="">
<h1>{escape(CONFIG["title"])}</h1><p>{escape(CONFIG["author"])}</p></section>
<section class="bd-article contents"><h1>Contents</h1>{contents}</section>
{"".join(map(str, articles))}
</body></html>"""


def print_pdf(browser: Browser, page: Path) -> bytes:
    """Print a page as soon as its formulas and figures are drawn."""
    tab = browser.new_page()
    tab.set_default_timeout(0)  # for the whole book it is a minute or more
    tab.goto(page.as_uri())
    tab.evaluate("Promise.all([MathJax.startup.promise, document.fonts.ready]).then(() => 0)")
    printed = tab.pdf(
        format="A4",
        margin=dict.fromkeys(("top", "right", "bottom", "left"), f"{MARGIN}mm"),
        scale=0.8,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=PAGE_NUMBER,
    )
    tab.close()
    return printed


def bind(printed: bytes, places: list[tuple[int, str, str]]) -> PdfWriter:
    """Return the printed book with an outline, and with page numbers in its contents."""
    writer = PdfWriter(clone_from=BytesIO(printed))
    writer.add_metadata({"/Title": CONFIG["title"], "/Author": CONFIG["author"]})
    targets = writer.named_destinations
    numbers = {name: writer.get_destination_page_number(to) for name, to in targets.items()}
    chapter = None
    for level, words, name in places:
        at = Fit.xyz(top=targets[f"/{name}"]["/Top"])
        entry = writer.add_outline_item(
            title=words,
            page_number=numbers[f"/{name}"],
            parent=chapter if level > 1 else None,
            fit=at,
            is_open=False,
        )
        if level == 1:
            chapter = entry
    first_text = numbers[f"/{places[0][2]}"]
    for page in writer.pages[1:first_text]:
        number_links(page, numbers)
    writer.compress_identical_objects()
    return writer


def number_links(page: PageObject, numbers: dict[str, int]) -> None:
    """Write, at the right margin beside each link of a page, the page that it leads to."""
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
    right = float(page.mediabox.width) - MARGIN * POINTS
    size, digit = 9, 0.556  # points, and of the size how wide a digit of Helvetica is
    marks = []
    for annotation in page.get("/Annots", []):
        link = annotation.get_object()
        number = str(numbers[link["/Dest"]] + 1)
        left, bottom = right - len(number) * size * digit, float(link["/Rect"][1]) + 3
        marks.append(f"BT /Number {size} Tf {left:.2f} {bottom:.2f} Td ({number}) Tj ET")
    overlay = PageObject.create_blank_page(width=page.mediabox.width, height=page.mediabox.height)
    overlay[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/Number"): font})}
    )
    text = DecodedStreamObject()
    text.set_data("\n".join(marks).encode("ascii"))
    overlay[NameObject("/Contents")] = text
    page.merge_page(overlay)


def make(browser: Browser, site: Path, pages: list[str]) -> PdfWriter:
    """Print these pages of a built site as a book."""
    articles = [article(site, page, pages) for page in pages]
    places = headings(articles)
    whole = site / "book-to-print.html"  # in the site, so that images and styles are found
    whole.write_text(compose(site, articles, places), encoding="utf-8")
    try:
        return bind(print_pdf(browser, whole), places)
    finally:
        whole.unlink()


def link(site: Path) -> None:
    """Let the foot of every page lead to the PDF."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if MARK in text:
            way = "../" * (len(page.relative_to(site).parts) - 1) + NAME
            page.write_text(text.replace(MARK, f'<a href="{way}">PDF</a>'), encoding="utf-8")


def main() -> int:
    """Print the book, and say where it is and how large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT, help="where _build/ is")
    site = parser.parse_args().output.resolve() / "_build" / "html"
    if not (site / "intro.html").is_file():
        print(f"expected the built site in {site}: run make book first", file=sys.stderr)
        return 1
    try:
        with open_browser() as browser:
            pdf = make(browser, site, reading_order(site))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    path = site.parent / NAME
    pdf.write(path)
    shutil.copy(path, site)
    link(site)
    print(f"{len(pdf.pages)} pages, {path.stat().st_size / 1e6:.1f} MB")
    print(f"open {path.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
