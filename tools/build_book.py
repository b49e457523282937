"""Build the site, every warning an error, and leave out what no page ever asks for.

    python tools/build_book.py [--output FOLDER]

The pages are then in FOLDER/_build/html.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import assignment_pages
import equation_ledger
import library_pages
import numpy as np
import publish

from lstmlib.widgets import CellSteps

ROOT = Path(__file__).resolve().parents[1]
# Of MathJax a page loads this script and the fonts; a formula may ask for an extension of TeX.
MATHJAX = {"tex-chtml.js", "input/tex/extensions", "output/chtml/fonts"}


def build(output: Path) -> Path:
    """Build the site below ``output`` and return the folder of its pages."""
    equation_ledger.write(ROOT)
    library_pages.write(ROOT)
    write_landing_figure(ROOT / "_build" / "landing_figure.html")
    assignment_pages.write_cards(ROOT / assignment_pages.CARDS)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT)]
    strict = ["-W", "-n", "--keep-going", "--all", "-q", "--path-output", str(output)]
    site = output / "_build" / "html"
    shutil.rmtree(site, ignore_errors=True)  # no page stays that the book no longer has
    subprocess.run(command + strict, stdout=subprocess.DEVNULL, check=True)
    trim(site)
    mend(site)
    publish.write_notebooks(site / "_sources", site)  # what "download" gives
    assignment_pages.write_students(site / "_sources")
    return site


def write_landing_figure(path: Path) -> None:
    """Write what the landing page includes: the LSTM of chapter 6, an operation at a time."""
    figure = CellSteps(
        W_x=np.array([[0.5], [0.0], [1.0], [0.5]]),
        W_h=np.array([[1.0], [0.5], [-1.0], [0.5]]),
        b=np.array([0.0, 1.0, 0.0, 0.0]),
        x=np.array([1.0, -0.5, 0.5]),
        targets=np.full(3, 0.5),
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text(figure.html(), encoding="utf-8")


def trim(site: Path) -> None:
    """Remove from a built site what no page asks for."""
    static = site / "_static"
    mathjax = static / "mathjax"
    kept = [mathjax / name for name in MATHJAX]
    for path in mathjax.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(part) for part in kept):
            path.unlink()
    unasked = [
        *site.rglob("*.map"),  # where minified scripts came from, for debuggers
        *(static / "locales").rglob("*.*"),  # the theme in other languages
        *(site / "_sources").rglob("*.rst"),  # made from the library, where one reads it
        *mathjax.rglob("all-packages.js"),  # one by one they are there too
        *set(static.rglob("webfonts/*")) - set(static.rglob("fa-solid-900.woff2")),
    ]
    for path in unasked:
        path.unlink()
    keep_shown_icons(static / "scripts" / "fontawesome.js", site)
    for folder in sorted(static.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def mend(site: Path) -> None:
    """Make the references items of their list, in place of a role that ARIA has given up."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if (mended := text.replace('role="doc-biblioentry"', 'role="listitem"')) != text:
            path.write_text(mended, encoding="utf-8")


def keep_shown_icons(icons: Path, site: Path) -> None:
    """Leave out of the theme's 2,000 icons, a third of a page's weight, those that none shows."""
    scripts = [path for path in (site / "_static").rglob("*.js") if path != icons]
    named: set[str] = set()
    for path in [*site.rglob("*.html"), *scripts]:
        named.update(re.findall(r"\bfa-([a-z0-9-]+)", path.read_text(encoding="utf-8")))

    def kept(icon: re.Match) -> str:
        names = {icon["name"], *re.findall(r'"([^"]+)"', icon["aliases"])}
        return icon[0] if names & named else ""

    # name: [width, height, [code points and aliases], "code point", "outline"],
    icon = r'("?)(?P<name>[\w-]+)\1:\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"\w+",\[?[^\]]*\]+,?'
    text = icons.read_text(encoding="utf-8")
    icons.write_text(re.sub(icon, kept, text), encoding="utf-8")


def main() -> int:
    """Build, and say where the book is and how large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT, help="where _build/ is put")
    try:
        site = build(parser.parse_args().output.resolve())
    except equation_ledger.LedgerError as error:
        print(f"the book was not built: its equation ledger is not whole\n{error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"the book was built, but not the copies to download\n{error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print("the book was not built: see the warnings above", file=sys.stderr)
        return error.returncode
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"{len(list(site.rglob('*.html')))} pages, {size / 1e6:.1f} MB")
    print(f"open {(site / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
