"""The site as it is built: whole, on its own, and readable without seeing."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).resolve().parents[2]
LOADS = {  # what a browser fetches by itself
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
LINK_LOADS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "manifest",
    "prefetch",
    "preconnect",
}


@pytest.fixture(scope="module")
def pages(site):
    """Each page, parsed, by its path; not the theme's own snippets."""
    found = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }
    assert len(found) >= 4
    return found


def links(page: BeautifulSoup) -> Iterator[tuple[Tag, str]]:
    """Yield every address that a page names, with the tag that names it."""
    for tag in page.find_all(True):
        for name in ("href", "src", "data"):
            if address := tag.get(name):
                yield tag, address


def loaded(page: BeautifulSoup) -> Iterator[str]:
    """Yield what a browser fetches by itself when it opens a page."""
    for tag, address in links(page):
        if tag.name in LOADS or (tag.name == "link" and LINK_LOADS & set(tag.get("rel", []))):
            yield address


def test_every_chapter_and_every_appendix_has_its_page(site):
    patterns = ["chapters/*.ipynb", "appendix/*.ipynb", "appendix/*.md", "intro.md"]
    sources = [path for pattern in patterns for path in ROOT.glob(pattern)]
    expected = {path.relative_to(ROOT).with_suffix(".html") for path in sources}
    assert expected <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_every_link_and_image_leads_somewhere(site, pages):
    broken = []
    for path, page in pages.items():
        for _, address in links(page):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.is_file() or not target.is_relative_to(site):
                broken.append(f"{path.relative_to(site)}: {address}")
            elif anchor and target in pages and not has_anchor(pages[target], anchor):
                broken.append(f"{path.relative_to(site)}: {address}: no such anchor")
    assert broken == []


def has_anchor(page: BeautifulSoup, name: str) -> bool:
    return page.find(id=name) is not None or page.find("a", attrs={"name": name}) is not None


def test_no_page_asks_another_host_for_anything(site, pages):
    foreign = [
        f"{path.relative_to(site)}: {address}"
        for path, page in pages.items()
        for address in loaded(page)
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    ]
    assert foreign == []


def test_no_style_and_no_script_of_a_page_asks_another_host(site, pages):
    foreign = []
    for path in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", path.read_text())
        foreign += [f"{path.relative_to(site)}: {address}" for address in found]
    for path, page in pages.items():
        for script in page.find_all("script", src=False):
            text = script.string or ""
            found = re.findall(r"(?:import|fetch|src=)\W{0,4}(https?://[^'\"]+)", text)
            foreign += [f"{path.relative_to(site)}: {address}" for address in found]
    assert foreign == []


def test_formulas_are_drawn_by_what_the_site_brings_along(site, pages):
    fonts = site / "_static/mathjax/output/chtml/fonts/woff-v2"
    assert (fonts / "MathJax_Main-Regular.woff").is_file()
    assert not (site / "_static/mathjax/sre").exists()
    for path, page in pages.items():
        if page.select(".math"):
            scripts = [tag["src"] for tag in page.find_all("script", src=True)]
            assert any(name.split("?")[0].endswith("mathjax/tex-chtml.js") for name in scripts), (
                path
            )


def test_the_site_is_small(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 20e6


def test_every_image_says_what_one_sees(site, pages):
    silent = [
        f"{path.relative_to(site)}: {image.get('src')}"
        for path, page in pages.items()
        for image in page.find_all("img")
        if not describes(image)
    ]
    assert silent == []


def describes(image: Tag) -> bool:
    """Tell whether an image has an alternative text, or stands beside the words of its link."""
    alt = image.get("alt", "").strip()
    if not alt:
        link = image.find_parent("a")
        return image.has_attr("alt") and link is not None and bool(link.get_text(strip=True))
    return not alt.endswith((".png", ".svg"))


def test_every_page_has_a_title_and_a_language(pages):
    for path, page in pages.items():
        if page.find("meta", attrs={"http-equiv": "Refresh"}):
            continue  # index.html leads to the landing page
        assert page.title.string.strip(), path
        assert page.html["lang"] == "en", path
        assert page.find("meta", attrs={"name": "viewport"}), path
        printed_only = page.find(id="jb-print-docs-body")
        titles = [title for title in page.find_all("h1") if printed_only not in title.parents]
        assert len(titles) == 1, path


def test_no_page_shows_an_error_or_source_that_was_not_understood(site, pages):
    bad = re.compile(
        r"Traceback \(most recent|\{(cite|eq|ref|numref|term|doc)[:}]|:::|```|\]\(\.\./"
    )
    for path, page in pages.items():
        article = page.find("article") or page
        for code in article.find_all(["pre", "code", "script"]):
            assert "Traceback (most recent" not in code.get_text(), path
        for tag in article.find_all(["pre", "code", "script"]):
            tag.extract()
        assert not bad.search(article.get_text()), (path, bad.search(article.get_text()))


def test_every_page_offers_what_can_be_done_with_it(site, pages):
    for path, page in pages.items():
        if page.find("meta", attrs={"http-equiv": "Refresh"}) or path.name == "search.html":
            continue
        address = path.relative_to(site).as_posix()
        actions = {tag.get_text(strip=True): tag["href"] for tag in page.select("a.page-action")}
        report = parse_qs(urlsplit(actions.pop("Report a mistake")).query)
        assert page.find("h1").get_text().removesuffix("#") in report["title"][0], path
        assert report["body"][0].splitlines()[0].endswith("/" + address), path
        if (ROOT / address).with_suffix(".ipynb").exists():
            assert {"Open in Colab", "Download notebook"} <= actions.keys(), path


def test_every_chapter_says_how_long_it_takes_before_it_begins(site, pages):
    minutes = r"\d+ (seconds|minutes?)"
    for chapter in ROOT.glob("chapters/*.ipynb"):
        article = pages[site / "chapters" / f"{chapter.stem}.html"].find("article")
        opening = article.find("section").find(class_="admonition").get_text()
        assert re.search(rf"{minutes} to read, {minutes} to run", " ".join(opening.split())), (
            chapter
        )


def test_every_chapter_leads_to_the_one_before_and_the_one_after(site, pages):
    chapters = sorted(path.stem for path in ROOT.glob("chapters/*.ipynb"))
    for before, after in pairwise(chapters):
        leads = pages[site / "chapters" / f"{before}.html"].select_one(
            ".prev-next-area .right-next"
        )
        returns = pages[site / "chapters" / f"{after}.html"].select_one(
            ".prev-next-area .left-prev"
        )
        assert (leads["href"], returns["href"]) == (f"{after}.html", f"{before}.html")
