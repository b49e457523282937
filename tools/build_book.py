"""Build the site, every warning an error, and leave out what no page ever asks for.

    python tools/build_book.py [--output FOLDER]

The pages are then in FOLDER/_build/html.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import equation_ledger

ROOT = Path(__file__).resolve().parents[1]
# Of MathJax a page loads this script and the fonts; a formula may ask for an extension of TeX.
MATHJAX = {"tex-chtml.js", "input/tex/extensions", "output/chtml/fonts"}


def build(output: Path) -> Path:
    """Build the site below ``output`` and return the folder of its pages."""
    equation_ledger.write(ROOT)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT)]
    strict = ["-W", "-n", "--keep-going", "--all", "-q", "--path-output", str(output)]
    subprocess.run(command + strict, stdout=subprocess.DEVNULL, check=True)
    site = output / "_build" / "html"
    trim(site)
    return site


def trim(site: Path) -> None:
    """Remove from a built site what no page asks for, and make smaller what is downloaded."""
    mathjax = site / "_static" / "mathjax"
    kept = [mathjax / name for name in MATHJAX]
    for path in mathjax.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(part) for part in kept):
            path.unlink()
    unasked = [
        *site.rglob("*.map"),  # where minified scripts came from, for debuggers
        *(site / "_static" / "locales").rglob("*.*"),  # the theme in other languages
        *site.rglob("fontawesome/webfonts/*.ttf"),  # every browser of today takes the .woff2
    ]
    for path in unasked:
        path.unlink()
    for path in (site / "_sources").rglob("*.ipynb"):  # what "download" gives, without indentation
        notebook = json.loads(path.read_text(encoding="utf-8"))
        text = json.dumps(notebook, ensure_ascii=False, separators=(",", ":"))
        path.write_text(text, encoding="utf-8")
    for folder in sorted((site / "_static").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def main() -> int:
    """Build, and say where the book is and how large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT, help="where _build/ is put")
    try:
        site = build(parser.parse_args().output.resolve())
    except equation_ledger.LedgerError as error:
        print(f"the book was not built: its equation ledger is not whole\n{error}", file=sys.stderr)
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
