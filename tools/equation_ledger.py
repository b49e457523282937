"""Write the page that ties each labelled equation to the code that computes it and to its tests.

    python tools/equation_ledger.py

Read are the pages (labelled displayed equations), the library and the chapters' code cells (labels
in comments and docstrings) and tests/chapters (docstrings that begin with labels). Nothing is
written where an equation has no code or no test, a test names no equation, a label is used that no
page has, or one stands for two equations.
"""

import ast
import io
import json
import re
import sys
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import library_pages

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("appendix/equation_ledger.md")
PAGES = ["intro.md", "chapters/*.ipynb", "appendix/*.md", "appendix/*.ipynb"]

LABEL = re.compile(r"\beq-[a-z0-9]+(?:-[a-z0-9]+)*")
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{math\}\n(?P<options>(?::\w+:[^\n]*\n)*)(?P<formula>.*?)\n(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
DOLLARS = re.compile(r"\$\$(?P<formula>(?:(?!\$\$).)+?)\$\$ *\((?P<label>eq-[^)\s]+)\)", re.DOTALL)
CHECKS = re.compile(rf"({LABEL.pattern}(?:,\s+{LABEL.pattern})*):\s*(.*)", re.DOTALL)


class LedgerError(ValueError):
    """A book whose equations, code and tests do not fit each other."""


class Equation(NamedTuple):
    """A labelled equation and the page it stands on, a path below the root."""

    label: str
    formula: str
    page: Path


class Place(NamedTuple):
    """A function, cell or test that carries a label, and the line with it."""

    name: str
    path: Path
    line: int
    says: str = ""


def pages(root: Path) -> list[Path]:
    """List the pages that may have labelled equations, in the order of the book."""
    found = (path for pattern in PAGES for path in sorted(root.glob(pattern)))
    return [page for path in found if (page := path.relative_to(root)) != PAGE]


def cells(path: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Yield (id, source) of a notebook's cells of one kind."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == kind:
            yield cell["id"], "".join(cell["source"])


def prose(path: Path) -> str:
    """Return what a page says, without its code cells."""
    if path.suffix == ".ipynb":
        return "\n\n".join(source for _, source in cells(path, "markdown"))
    return path.read_text(encoding="utf-8")


def title(path: Path) -> str:
    """Return the heading of a page."""
    heading = re.search(r"^# (.+)$", prose(path), flags=re.MULTILINE)
    return heading[1].strip() if heading else path.stem


def equations(root: Path) -> list[Equation]:
    """List the labelled equations of the book in the order in which one reads them."""
    found = []
    for page in pages(root):
        text = prose(root / page)
        here = [
            (match.start(), match["label"], match["formula"]) for match in DOLLARS.finditer(text)
        ]
        here += [
            (match.start(), label[1], match["formula"])
            for match in DIRECTIVE.finditer(text)
            if (label := re.search(r"^:label: *(\S+)", match["options"], flags=re.MULTILINE))
        ]
        found += [Equation(label, formula.strip(), page) for _, label, formula in sorted(here)]
    return found


def commented(source: str, path: Path, outside: str, shift: int = 0) -> dict[str, list[Place]]:
    """Find the labels in comments and docstrings of a piece of code, with their functions.

    ``outside`` names what is in no function, ``shift`` is the line before the first.
    """
    tree = ast.parse(source)
    scopes = list(definitions(tree))
    marks = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    for node in [tree, *(node for node, _ in scopes)]:
        if ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines = source.splitlines()[docstring.lineno - 1 : docstring.end_lineno]
            marks += enumerate(lines, start=docstring.lineno)
    found = defaultdict(list)
    for line, text in sorted(marks):
        inside = [name for node, name in scopes if node.lineno <= line <= node.end_lineno]
        name = inside[-1] if inside else outside
        for label in LABEL.findall(text):
            if name not in [place.name for place in found[label]]:
                found[label].append(Place(name, path, line + shift))
    return found


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Yield the functions and classes below a node, the outer ones first, with their full names."""
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            yield child, name
            name += "."
        yield from definitions(child, name)


def code(root: Path) -> dict[str, list[Place]]:
    """Find by label where the library and the cells of the notebooks compute an equation."""
    found = defaultdict(list)
    for path in sorted(root.glob("lstmlib/**/*.py")):
        here = commented(path.read_text(encoding="utf-8"), path.relative_to(root), path.stem)
        for label, places in here.items():
            found[label] += places
    for page in pages(root):
        if page.suffix != ".ipynb":
            continue
        raw = (root / page).read_text(encoding="utf-8").splitlines()
        for name, source in cells(root / page, "code"):
            if not LABEL.search(source):
                continue
            start = next(n for n, line in enumerate(raw) if f'"id": "{name}"' in line)
            first = next(n for n in range(start, len(raw)) if '"source": [' in raw[n]) + 1
            for label, places in commented(source, page, f"cell {name}", first).items():
                found[label] += places
    return found


def tests(root: Path) -> tuple[dict[str, list[Place]], list[Place]]:
    """Find by label the tests of the chapters, and those whose docstring begins with no label."""
    found, nameless = defaultdict(list), []
    for path in sorted(root.glob("tests/chapters/test_*.py")):
        for node, name in definitions(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) or not node.name.startswith("test_"):
                continue
            place = Place(name, path.relative_to(root), node.lineno)
            checks = CHECKS.match(ast.get_docstring(node) or "")
            if not checks:
                nameless.append(place)
                continue
            says = " ".join(checks[2].split("\n\n")[0].split())
            for label in LABEL.findall(checks[1]):
                found[label].append(place._replace(says=says))
    return found, nameless


def faults(root: Path) -> list[str]:
    """List what keeps the ledger from being whole; empty where every equation has code and test."""
    written, computed = equations(root), code(root)
    tested, nameless = tests(root)
    pages_of = defaultdict(list)
    for equation in written:
        pages_of[equation.label].append(equation.page.as_posix())
    found = []
    for label, where in pages_of.items():
        if not LABEL.fullmatch(label):
            found.append(f"{where[0]}: {label!r} is no label: eq-<chapter>-<name>, lower case")
            continue
        if len(where) > 1:
            found.append(f"{label} stands for {len(where)} equations: in {', '.join(where)}")
        if label not in computed:
            found.append(
                f"{where[0]}: {label} has no line of code: no comment in lstmlib or a cell"
            )
        if label not in tested:
            found.append(
                f"{where[0]}: {label} has no test: no docstring in tests/chapters names it"
            )
    for places in (computed, tested):
        for label in sorted(places.keys() - pages_of.keys()):
            for place in places[label]:
                at = f"{place.path.as_posix()}:{place.line}: {place.name}"
                found.append(f"{at} names {label}, which no page has")
    for place in nameless:
        at = f"{place.path.as_posix()}:{place.line}: {place.name}"
        found.append(f'{at} names no equation: its docstring begins with no label ("eq-…: …")')
    return found


def ledger(root: Path) -> str:
    """Return the page in MyST, or raise ``LedgerError`` with every fault."""
    if found := faults(root):
        raise LedgerError("\n".join(found))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    files = f"{project['tool']['book']['address']}/blob/main"
    written, computed, (tested, _) = equations(root), code(root), tests(root)
    functions = {(place.path, place.name) for places in computed.values() for place in places}
    checks = {(place.path, place.name) for places in tested.values() for place in places}
    text = [
        "<!-- Made by tools/equation_ledger.py from the pages, lstmlib and tests/chapters. -->",
        "# Equation ledger",
        f"Each of the {len(written)} labelled equations of the book, where it is computed and what "
        f"checks it: {len(functions)} functions and cells, {len(checks)} tests. The page is made "
        "from the chapters, the library and the tests themselves; an equation without a line of "
        "code or without a test stops the build. A number leads to the equation in its chapter, "
        "the name of a function to its documentation, that of a file or a test to the line in the "
        "repository.",
    ]
    documented = library_pages.documented(root)
    for page in dict.fromkeys(equation.page for equation in written):
        here = [equation for equation in written if equation.page == page]
        text.append(f"## [{title(root / page)}](../{page.as_posix()})")
        text += [
            entry(equation, computed[equation.label], tested[equation.label], files, documented)
            for equation in here
        ]
    return "\n\n".join(text) + "\n"


def entry(
    equation: Equation,
    computed: list[Place],
    tested: list[Place],
    files: str,
    documented: dict[tuple[Path, str], library_pages.Entry],
) -> str:
    """Return the block of one equation."""
    places = []
    for place in computed:
        function = library_pages.entry_of(documented, place.path, place.name)
        places.append(link(place, files, function.name if function else ""))
    lines = [f"- {{eq}}`{equation.label}` `{equation.label}`", ""]
    lines += [f"  {line}".rstrip() for line in f"```{{math}}\n{equation.formula}\n```".splitlines()]
    lines.append("")
    lines.append(f"  Code: {'; '.join(places)}")
    for place in tested:
        says = re.sub(r"([\\`*_{}\[\]<>$#|~])", r"\\\1", place.says.rstrip("."))
        lines += ["", f"  Test: {link(place, files)}" + (f": {says}" if says else "")]
    return "\n".join(lines)


def link(place: Place, files: str, entry: str = "") -> str:
    """Return a link to a line of the repository, and to the entry of the library with a name."""
    plain = "?plain=1" if place.path.suffix == ".ipynb" else ""
    line = f"{files}/{place.path.as_posix()}{plain}#L{place.line}"
    if entry:
        return f"{{py:obj}}`{place.name} <{entry}>` in [`{place.path.name}`]({line})"
    return f"[`{place.name}`]({line}) in `{place.path.name}`"


def write(root: Path) -> None:
    """Write the page where it is not what it should be."""
    text, path = ledger(root), root / PAGE
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Write the page of this book."""
    try:
        write(ROOT)
    except LedgerError as error:
        print(f"the equation ledger is not whole:\n{error}", file=sys.stderr)
        return 1
    print(f"{PAGE.as_posix()}: {len(equations(ROOT))} equations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
