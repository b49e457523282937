"""Write the pages that document lstmlib: what they list is read from its source.

    python tools/library_pages.py

A page for each package and module of lstmlib, with a section for each file and an entry for each
public function and class in it; tools/library_links.py fills the entries when the site is built.
One page has the help of every command. Nothing that begins with an underscore is listed.
"""

import argparse
import ast
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from lstmlib.__main__ import parser

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path("library")
MADE = ".. Made by tools/library_pages.py from the docstrings of lstmlib.\n"
KINDS = {ast.FunctionDef: "function", ast.ClassDef: "class", ast.Assign: "data"}


class Entry(NamedTuple):
    """A public function, class, method or named value, and where it is defined."""

    name: str
    """With the package that one imports it from: ``lstmlib.numpy.LSTM.forward``."""

    path: Path
    local: str
    """In its file: ``LSTM.forward``."""

    line: int
    kind: str
    summary: str
    types: set[str]
    """The names in its annotations, and those of its base classes."""


def public(names: Iterable[str]) -> list[str]:
    """Sort names, without those that are nobody's business."""
    return sorted(name for name in names if not name.startswith(("_", ".")))


def packages(root: Path) -> dict[str, list[Path]]:
    """List the pages to be: by name of the package or module, its files, with paths below root.

    The commands are no package to import from: they have a page of their own.
    """
    found = {}
    for name in public(path.name for path in (root / "lstmlib").iterdir()):
        path = Path("lstmlib", name)
        if path.suffix == ".py":
            found[f"lstmlib.{path.stem}"] = [path]
        elif (root / path / "__init__.py").exists() and name != "commands":
            files = public(file.name for file in (root / path).glob("*.py"))
            found[f"lstmlib.{name}"] = [path / file for file in files]
    return found


def parse(path: Path) -> list[ast.stmt]:
    """Return the statements of a file."""
    return ast.parse(path.read_text(encoding="utf-8")).body


def exported(root: Path, package: str) -> set[str]:
    """Return ``__all__`` of a package; nothing for a module."""
    path = root.joinpath(*package.split("."), "__init__.py")
    for node in parse(path) if path.exists() else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def defined(body: list[ast.stmt], path: Path, prefix: str = "") -> Iterator[Entry]:
    """Yield what is public and has a docstring, the methods of a class after it."""
    for node, after in itertools.pairwise([*body, ast.Pass()]):
        match node, after:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name), _:
                text = ast.get_docstring(node)
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(text))):
                pass
            case _:
                continue
        if text and not name.startswith("_"):
            summary = text.strip().split("\n")[0]
            local = f"{prefix}{name}"
            yield Entry("", path, local, node.lineno, KINDS[type(node)], summary, types(node))
            if isinstance(node, ast.ClassDef):
                for method in defined(node.body, path, f"{local}."):
                    yield method._replace(kind="method")


def types(node: ast.AST) -> set[str]:
    """Collect the names in the annotations and the bases of a definition."""
    parts = []
    for child in ast.walk(node):
        parts += getattr(child, "bases", [])
        parts += [getattr(child, field, None) for field in ("annotation", "returns")]
    return {name.id for part in parts if part for name in ast.walk(part) if hasattr(name, "id")}


def entries(root: Path, package: str, paths: list[Path]) -> list[Entry]:
    """List what a page documents, file by file in its order.

    These are what the package exports, and the classes that its signatures name. All is listed of a
    module, which has no ``__all__``, and of the lab, whose files one imports one by one.
    """
    found = [entry for path in paths for entry in defined(parse(root / path), path)]
    short = exported(root, package)
    wanted = short
    if not short or package == "lstmlib.lab":
        wanted = {entry.local for entry in found}
    more = wanted
    while more:
        named = set().union(*(entry.types for entry in found if entry.local in more))
        more = {e.local for e in found if e.kind == "class" and e.local in named - wanted}
        wanted = wanted | more
    listed = []
    for entry in found:
        outer = entry.local.partition(".")[0]
        module = package if outer in short else ".".join(entry.path.with_suffix("").parts)
        if outer in wanted:
            listed.append(entry._replace(name=f"{module}.{entry.local}"))
    return listed


def documented(root: Path) -> dict[tuple[Path, str], Entry]:
    """Find an entry by its file and its name there."""
    return {
        (entry.path, entry.local): entry
        for package, paths in packages(root).items()
        for entry in entries(root, package, paths)
    }


def entry_of(found: dict[tuple[Path, str], Entry], path: Path, local: str) -> Entry | None:
    """Find what documents a function: its own entry, or that of what it is defined in."""
    while (path, local) not in found and "." in local:
        local = local.rpartition(".")[0]
    return found.get((path, local))


def title(text: str, line: str) -> str:
    """Underline a title."""
    return f"{text}\n{line * len(text)}\n"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and what they are."""
    lines = [".. list-table::", "   :class: names", "   :widths: auto", ""]
    for name, text in rows:
        lines += [f"   * - {name}", f"     - {text}"]
    return "\n".join(lines) + "\n"


def page(root: Path, package: str, paths: list[Path]) -> str:
    """Return the page of a package, or of a module that is in none."""
    found = [entry for entry in entries(root, package, paths) if entry.kind != "method"]
    text = [MADE, title(package, "="), f".. automodule:: {package}\n"]
    text.append(
        table(
            (f":py:obj:`{entry.local} <{entry.name}>`", entry.summary)
            for entry in sorted(found, key=lambda entry: entry.local.lower())
            if entry.name == f"{package}.{entry.local}"
        )
    )
    for path, here in itertools.groupby(found, key=lambda entry: entry.path):
        names = {entry.name: entry.kind for entry in here}
        module = ".".join(path.with_suffix("").parts)
        if module != package:
            text += [title(path.stem, "-"), f".. automodule:: {module}"]
            # A name is one thing's only: lstmlib.data.digits is the function that one imports.
            text.append("   :no-index:\n" if module in names else "")
        for name, kind in names.items():
            members = "   :members:\n" if kind == "class" else ""
            text.append(f".. auto{kind}:: {name}\n{members}")
    return "\n".join(text)


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of all commands, those of the subcommands where there are any."""
    groups = [action for action in parser._actions if isinstance(action.choices, dict)]
    if not groups:
        yield parser
    for group in groups:
        for choice in group.choices.values():
            yield from commands(choice)


def command_line() -> str:
    """Return the page with the help of every command."""
    text = [MADE, title("The command line", "=")]
    with patch.dict(os.environ, COLUMNS="90"):
        for command in [parser(), *commands(parser())]:
            name = command.prog
            lines = "\n".join(f"   {line}".rstrip() for line in command.format_help().splitlines())
            text += [title(name, "-"), f".. code-block:: text\n\n{lines}\n"]
    return "\n".join(text)


def overview(root: Path, found: dict[str, list[Path]]) -> str:
    """Return the page that leads to the others."""
    rows = []
    for package in found:
        path = root.joinpath(*package.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = package.removeprefix("lstmlib.")
        rows.append((f":doc:`{package} <{name}>`", text.split("\n")[0]))
    rows.append((":doc:`command_line`", "Train, evaluate, sample and forecast without any code."))
    return "\n".join([MADE, title("lstmlib", "="), ".. automodule:: lstmlib\n", table(rows)])


def write(root: Path) -> None:
    """Write each page where it is not what it should be, and remove what is none any more."""
    found = packages(root)
    texts = {
        package.removeprefix("lstmlib."): page(root, package, found[package]) for package in found
    }
    texts |= {"index": overview(root, found), "command_line": command_line()}
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(ROOT)
    sys.exit()
