"""Make the copies of the chapters that readers run, and what Colab and Binder find beside them.

    python tools/publish.py [--output FOLDER]

A copy says what its chapter says, in the Markdown that Colab and JupyterLab show. It has neither
outputs nor solutions, and its first code cell installs the library of the commit that the page was
made of. What equations, figures and exercises are called is read from FOLDER/_build/html, the site;
FOLDER/_build/notebooks is then what the repository's branch `notebooks` holds.
"""

import argparse
import html
import posixpath
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from set_address import addresses
from sphinx.util.inventory import InventoryFile

from lstmlib import install

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ("chapters/*.ipynb", "appendix/*.ipynb")

README = """\
# Notebooks of The Executable LSTM

What the pages of [the book]({site}) open in Colab and give to download, and what
[Binder]({binder}/notebooks?urlpath=lab/tree/chapters) runs: its chapters without outputs and
solutions, and the assignments as students get them. `make publish` makes them from
[its source]({repository}); changes here are lost.
"""

# In the pages of the site.
EQUATION = re.compile(r'id="equation-([\w-]+)">\s*<span class="eqno">(\(\d+\))')
CAPTION = re.compile(
    r'id="([\w-]+)">(?:(?! id=").)*?<span class="caption-number">([^<]+?)\s*</span>', re.DOTALL
)
CITATION = re.compile(r'<span class="bibtex-citation" id="\w+">(.*?)</span>', re.DOTALL)
CITED = re.compile(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)

# In the chapters.
BLOCK = re.compile(
    r"^(?P<fence>`{3,}|:{3,})(?:\{(?P<name>[\w-]+)\} *(?P<argument>[^\n]*)|[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
OPTION = re.compile(r":([\w-]+): *(.*)\n")
TARGET = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
ROLE = re.compile(r"\{([\w:-]+)\}`(?:([^`<]+?)\s+<([^`>]+)>|([^`]+))`")
LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)\.(?:ipynb|md)(#[^)\s]*)?\)")


def bootstrap(address: str, commit: str = "main") -> str:
    """Return the source of the cell `colab`; the chapters have that of the branch main."""
    return install.cell(install.archive(address, commit), extra="notebooks")


def repository(root: Path = ROOT) -> str:
    """Return the address of the repository."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["book"]["address"]


def commit(root: Path = ROOT) -> str:
    """Return the commit that is checked out; main where the book came without its history."""
    if not (root / ".git").exists():
        return "main"
    command = ["git", f"--git-dir={root / '.git'}", "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Reference:
    """What the site calls a label, and where it is: ``Fig. 3``."""

    text: str
    url: str


@dataclass(frozen=True)
class Site:
    """The names that a built site has for labels, terms and works cited."""

    address: str
    labels: dict[str, Reference]
    terms: dict[str, str]  # address of each term of the glossary, in lower case
    citations: dict[str, list[str]]  # of each page, in its order, as Markdown

    @classmethod
    def read(cls, folder: Path, address: str) -> "Site":
        """Read the site built in ``folder``, which will be found at ``address``."""
        with (folder / "objects.inv").open("rb") as file:
            known = InventoryFile.load(file, address, posixpath.join)
        labels = {
            name: Reference(title, url) for name, (*_, url, title) in known["std:label"].items()
        }
        terms = {name.lower(): url for name, (*_, url, _title) in known["std:term"].items()}
        citations = {}
        for path in sorted(folder.rglob("*.html")):
            page, text = path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")
            for label, number in EQUATION.findall(text):
                labels[label] = Reference(number, f"{address}/{page}#equation-{label}")
            for label, number in CAPTION.findall(text):
                labels[label] = Reference(number, f"{address}/{page}#{label}")
            base = f"{address}/{posixpath.dirname(page)}"
            citations[page] = [citation(found, base) for found in CITATION.findall(text)]
        return cls(address, labels, terms, citations)


def citation(text: str, base: str) -> str:
    """Return a citation of a page below ``base`` as Markdown."""

    def link(match: re.Match[str]) -> str:
        host, _, path = base.partition("://")
        return f"[{match[2]}]({host}://{posixpath.normpath(posixpath.join(path, match[1]))})"

    return html.unescape(re.sub(r"</?em>", "*", CITED.sub(link, text)))


class Chapter:
    """Turns the MyST of one notebook into plain Markdown, from its first cell to its last."""

    def __init__(self, path: str, site: Site, root: Path = ROOT) -> None:
        self.path, self.site, self.root = path, site, root
        self.page = path.replace(".ipynb", ".html")
        self.url = f"{site.address}/{self.page}"
        self.citations: Iterator[str] = iter(site.citations[self.page])
        self.directives = {
            "math": self.math,
            "admonition": self.admonition,
            "dropdown": self.dropdown,
            "exercise": self.exercise,
            "solution": self.solution,
            "literalinclude": self.literalinclude,
        }

    def markdown(self, text: str) -> str:
        """Return MyST as plain Markdown."""
        parts, end = [], 0
        for match in BLOCK.finditer(text):
            parts += [self.prose(text[end : match.start()]), self.block(match)]
            end = match.end()
        return "".join([*parts, self.prose(text[end:])])

    def block(self, match: re.Match[str]) -> str:
        """Return a fenced block: code as it is, a directive as what takes its place."""
        if match["name"] is None:
            return match[0]
        if match["name"] not in self.directives:
            raise ValueError(
                f"{self.path}: expected one of the directives {list(self.directives)}, "
                f"got {match['name']!r}"
            )
        body, options = match["body"], {}
        while option := OPTION.match(body):
            options[option[1]] = option[2]
            body = body[option.end() :]
        return self.directives[match["name"]](match["argument"], options, body.strip("\n"))

    def math(self, _argument: str, options: dict[str, str], body: str) -> str:
        """Return an equation with the number that it has on the site."""
        number = self.reference(options["label"]).text.strip("()")
        return f"$$\n{body} \\tag{{{number}}}\n$$"

    def admonition(self, title: str, _options: dict[str, str], body: str) -> str:
        """Return a quotation; formulas in it on one line, since the marks of others would show."""
        text = re.sub(
            r"^\$\$\n(.*?)\n\$\$$",
            lambda formula: f"$$ {' '.join(formula[1].split())} $$",
            self.markdown(body),
            flags=re.MULTILINE | re.DOTALL,
        )
        lines = f"**{self.prose(title)}**\n\n{text}".splitlines()
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def dropdown(self, title: str, _options: dict[str, str], body: str) -> str:
        """Return a folded answer, whose title is HTML but for its formulas."""
        parts = re.split(r"(\$[^$]+\$)", self.prose(title))
        parts[::2] = [MarkdownIt().renderInline(part) for part in parts[::2]]
        parts[1::2] = [formula.replace("<", r"\lt ") for formula in parts[1::2]]
        summary = "".join(parts)
        return f"<details>\n<summary>{summary}</summary>\n\n{self.markdown(body)}\n\n</details>\n"

    def exercise(self, title: str, options: dict[str, str], body: str) -> str:
        """Return an exercise under its number."""
        name = f"{self.reference(options['label']).text} {title}".strip()
        return f"**{name}.** {self.markdown(body.strip())}"

    def solution(self, _argument: str, options: dict[str, str], body: str) -> str:
        """Return the way to a solution on the site, which shows it folded."""
        self.markdown(body)  # its citations are the page's next ones
        return f"[Solution]({self.reference(options['label']).url})"

    def literalinclude(self, name: str, options: dict[str, str], _body: str) -> str:
        """Return the lines of a file from one to another."""
        lines = (self.root / self.path).parent.joinpath(name).read_text("utf-8").splitlines()
        start = next(n for n, line in enumerate(lines) if options["start-at"] in line)
        end = next(n for n, line in enumerate(lines) if n > start and options["end-at"] in line)
        code = textwrap.dedent("\n".join(lines[start : end + 1]))
        return f"```{options['language']}\n{code}\n```"

    def prose(self, text: str) -> str:
        """Return text without targets, its roles and links as plain links to the site."""
        return LINK.sub(self.link, ROLE.sub(self.role, TARGET.sub("", text)))

    def link(self, match: re.Match[str]) -> str:
        """Return the end of a link to another file of the book."""
        page = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), match[1]))
        return f"]({self.site.address}/{page}.html{match[2] or ''})"

    def role(self, match: re.Match[str]) -> str:
        """Return what a role stands for; a link to it, but for equations and figures close by."""
        kind, text, target = match[1], match[2], " ".join((match[3] or match[4]).split())
        if kind in ("cite:t", "cite:p"):
            if (found := next(self.citations, None)) is None:
                raise ValueError(f"{self.path}: expected the citations of its page, got {match[0]}")
            return found
        if kind == "term":
            return f"[{text or target}]({self.site.terms[target.lower()]})"
        if kind not in ("eq", "numref", "ref"):
            raise ValueError(f"{self.path}: expected a role that has a copy, got {match[0]!r}")
        known = self.reference(target)
        close_by = kind != "ref" and known.url.startswith(f"{self.url}#")
        return known.text if close_by else f"[{text or known.text}]({known.url})"

    def reference(self, label: str) -> Reference:
        """Return what the site calls a label."""
        if label not in self.site.labels:
            raise ValueError(f"{self.path}: expected a label of the site, got {label!r}")
        return self.site.labels[label]

    def copy(self, notebook: NotebookNode, first_cell: str) -> NotebookNode:
        """Return the copy of the notebook, its cell `colab` with the source ``first_cell``."""
        cells, asked = [], False
        for cell in notebook.cells:
            asked = asked or "{exercise}" in cell.source
            if cell.cell_type == "markdown":
                cell.source = self.markdown(cell.source)
            elif asked:  # code that checks the solutions
                continue
            else:
                self.clear(cell)
            cells.append(cell)
        if left := len(list(self.citations)):
            raise ValueError(f"{self.path}: expected the citations of its page, got {left} fewer")
        title, rest = cells[0].source.split("\n", 1)
        note = f"*The page of this notebook, with its outputs and solutions: <{self.url}>*"
        cells[0].source = f"{title}\n\n{note}\n{rest}"
        next(cell for cell in cells if cell.id == "colab").source = first_cell
        notebook.cells = cells
        return notebook

    def clear(self, cell: NotebookNode) -> None:
        """Take from a code cell its outputs and what only a page needs; a caption to its top."""
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            caption = f"{self.reference(figure.name).text}: {self.prose(figure.caption)}"
            cell.source = f"{textwrap.indent(textwrap.fill(caption, 98), '# ')}\n{cell.source}"
        raises = "raises-exception" in cell.metadata.get("tags", [])  # JupyterLab then goes on
        cell.metadata = NotebookNode({"tags": ["raises-exception"]} if raises else {})
        cell.outputs, cell.execution_count = [], None


def write_notebooks(output: Path, site: Path) -> list[Path]:
    """Write the copies below ``output``, with the names that the built site has for things."""
    _, address, *_ = addresses(repository())
    names, first_cell = Site.read(site, address), bootstrap(repository(), commit())
    written = []
    for original in sorted(path for pattern in NOTEBOOKS for path in ROOT.glob(pattern)):
        path = original.relative_to(ROOT)
        chapter = Chapter(path.as_posix(), names)
        notebook = chapter.copy(nbformat.read(original, as_version=4), first_cell)
        nbformat.validate(notebook)
        written.append(output / path)
        written[-1].parent.mkdir(parents=True, exist_ok=True)
        written[-1].write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return written


def write_beside(output: Path) -> None:
    """Write what Binder installs, and a page that says what the copies are."""
    shutil.copytree(ROOT / "binder", output / "binder")
    shutil.copy(ROOT / "requirements.txt", output)  # the versions, for binder/requirements.txt
    needed = output / "binder" / "requirements.txt"
    there = rf"lstmlib\1 @ {install.archive(repository(), commit())}"
    text = re.sub(r"^\.(\[.+\])$", there, needed.read_text("utf-8"), flags=re.MULTILINE)
    needed.write_text(text, encoding="utf-8")
    book, site, _, binder = addresses(repository())
    text = README.format(site=site, repository=book, binder=binder)
    (output / "README.md").write_text(text, encoding="utf-8")


def main() -> int:
    """Publish the site's notebooks, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT, help="where _build/ is")
    build = parser.parse_args().output / "_build"
    notebooks = build / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    copies = write_notebooks(notebooks, build / "html")
    shutil.copytree(build / "html" / "_sources" / "assignments", notebooks / "assignments")
    write_beside(notebooks)
    print(f"{len(copies)} notebooks in {notebooks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
