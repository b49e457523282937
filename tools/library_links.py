"""A Sphinx extension: what the entries of the library lead to, and what leads to them.

autodoc fills the pages that tools/library_pages.py writes with the docstrings. To each entry this
adds the equations that it computes (tools/equation_ledger.py), the chapters that use it
(sphinx-codeautolink, which links their cells) and its line in the repository.
"""

import ast
import functools
import html
import inspect
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import equation_ledger
import library_pages
from docutils import nodes
from library_pages import ROOT, Entry
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.inspect import stringify_signature
from sphinx_codeautolink import extension as codeautolink
from sphinx_codeautolink.extension.block import (
    CodeBlockAnalyser,
    SourceTransform,
    construct_name_pattern,
)

from lstmlib.lab import Experiment


class Used(nodes.Element):
    """Stands for the links to the chapters that use an entry until all pages are read."""


class Analyser(CodeBlockAnalyser):
    """codeautolink's reader of a page, for pages as ours are."""

    def visit_section(self, node: nodes.section) -> None:
        """Remember how many titles there are outside of the section."""
        super().visit_section(node)
        node["titles"] = len(self.title_stack)

    def depart_section(self, node: nodes.section) -> None:
        """Forget the titles inside of the section: sphinx-exercise makes some without one."""
        del self.title_stack[node.attributes.pop("titles") :]

    def parse_source(self, node: nodes.literal_block, language: str | None) -> None:
        """Read a cell, and keep of it what later ones may name: all of it takes too long."""
        super().parse_source(node, language)
        if self.concat_sources:
            kept = (ast.Import, ast.ImportFrom, ast.Assign)
            body = ast.parse(self.concat_sources[-1]).body
            text = "\n".join(ast.unparse(node) for node in body if isinstance(node, kept))
            self.concat_sources[-1] = text


def link_names(
    page: str,
    folder: str,
    blocks: list[SourceTransform],
    places: dict[str, str],
    *_: Any,
    **__: Any,
) -> None:
    """Link the names in the code of a page: codeautolink's own takes half of the build's time."""
    path = Path(folder, f"{page}.html")
    up = "../" * page.count("/")
    waiting = {block.source.rstrip(): block for block in blocks}

    def linked(match: re.Match[str]) -> str:
        source = html.unescape(re.sub("<[^>]*>", "", match[0])).rstrip()
        lines = match[0].split("\n")
        for name in waiting[source].names if source in waiting else []:
            here = slice(name.lineno - 1, name.end_lineno)
            text = "\n".join(lines[here])
            for found in [*re.finditer(construct_name_pattern(name), text)][-1:]:
                start, end = found.end(1), found.end()
                address = f"{up}{places[name.resolved_location]}"
                link = f'<a class="sphinx-codeautolink-a" href="{address}">{text[start:end]}</a>'
                lines[here] = (text[:start] + link + text[end:]).split("\n")
        return "\n".join(lines)

    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("<pre>.*?</pre>", linked, text, flags=re.DOTALL), encoding="utf-8")


@functools.cache
def by_name() -> dict[str, Entry]:
    """Find an entry by its public name."""
    return {entry.name: entry for entry in library_pages.documented(ROOT).values()}


@functools.cache
def equations() -> dict[str, list[str]]:
    """Find by the name of an entry the labels that it computes, in the order of the book."""
    documented, computed = library_pages.documented(ROOT), equation_ledger.code(ROOT)
    found = defaultdict(list)
    for equation in equation_ledger.equations(ROOT):
        for place in computed[equation.label]:
            entry = library_pages.entry_of(documented, place.path, place.name)
            if entry and equation.label not in found[entry.name]:
                found[entry.name].append(equation.label)
    return found


def source(domain: str, info: dict[str, str]) -> str | None:
    """Return the address of an entry's line in the repository, for sphinx.ext.linkcode."""
    entry = by_name().get(f"{info['module']}.{info['fullname']}")
    if domain != "py" or entry is None:
        return None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address = project["tool"]["book"]["address"]
    return f"{address}/blob/main/{entry.path.as_posix()}#L{entry.line}"


def use_public_names(_app: Sphinx, config: Config) -> None:
    """Tell codeautolink, which finds where a function is defined, where one imports it from."""
    config.codeautolink_inventory_map = {
        ".".join([*entry.path.with_suffix("").parts, entry.local]): entry.name
        for entry in by_name().values()
    }


def mend_signature(
    _app: Sphinx, _what: str, _name: str, obj: Any, _options: Any, signature: str, returned: str
) -> tuple[str, str]:
    """Return the signature of an experiment's function, and none that says nothing."""
    if isinstance(obj, Experiment):
        own = stringify_signature(inspect.signature(obj.function), unqualified_typehints=True)
        signature = own.rpartition(" -> ")[0]
    if signature in ("(*args, **kwargs)", "(*args: ~typing.Any, **kwargs: ~typing.Any)"):
        signature = ""  # of a protocol, or of a class whose subclasses are what is made
    return (signature or "").replace("<factory>", "..."), returned


def take_docstring(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, lines: list[str]
) -> None:
    """Prepare a docstring for napoleon: that of an experiment's function, labels as links."""
    text = inspect.cleandoc("\n".join(lines))
    if isinstance(obj, Experiment):
        text = f"*{obj.question}*\n\n{inspect.getdoc(obj.function)}"
    if what in ("attribute", "data", "property"):
        # napoleon takes what stands before a colon in the first line for a type: an empty comment.
        text = f"..\n\n{text}"
    text = re.sub(r"^Equations?: eq-[^.]*\.$", "", text, flags=re.MULTILINE)
    lines[:] = equation_ledger.LABEL.sub(r":eq:`\g<0>`", text).splitlines()


def add_fields(
    _app: Sphinx, _what: str, name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Link the names in a docstring, and end it with the entry's equations and uses."""
    if name not in by_name():
        return
    text = "\n".join(lines)
    lines[:] = re.sub(r"``([A-Za-z_][\w.]*)``", functools.partial(link, name), text).splitlines()
    lines.append("")
    if labels := equations()[name]:
        lines.append(f":Equations: {', '.join(f':eq:`{label}`' for label in labels)}")
    lines.append(f":Used in: :used:`{name}`")


def link(name: str, literal: re.Match[str]) -> str:
    """Return a link to what an entry names, where it is documented and not the entry itself."""
    parts = name.split(".")
    for outside in range(2, len(parts)):
        full = ".".join([*parts[:outside], literal[1]])
        if full in by_name() and full != name:
            return f":py:obj:`{literal[1]} <{full}>`"
    return literal[0]


def used(
    _role: str, _raw: str, text: str, *_rest: Any, **_more: Any
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Hold the place of the chapters that use an entry."""
    return [Used(name=text)], []


def add_uses(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fill in the chapters whose cells name an entry, now that all of them are read."""
    found = defaultdict(dict)
    for transforms in getattr(app.env, "sphinx_codeautolink_transforms", {}).values():
        for block in transforms:
            for name in block.names:
                found[name.resolved_location].setdefault(
                    block.example.document, block.example.ref_id
                )
    for place in list(doctree.findall(Used)):
        links = []
        uses = found[place["name"]]
        for page in sorted(uses, key=lambda page: (not page.startswith("chapters/"), page)):
            address = f"{app.builder.get_relative_uri(docname, page)}#{uses[page]}"
            text = app.env.titles[page].astext()
            links += [nodes.reference("", text, internal=True, refuri=address), nodes.Text(" · ")]
        if links:
            place.replace_self(links[:-1])
        else:
            field = place.parent
            while not isinstance(field, nodes.field):
                field = field.parent
            fields = field.parent
            fields.remove(field)
            if not fields.children:
                fields.parent.remove(fields)


def plain_types(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Make types plain text with links: marked up bracket by bracket they are half of a page."""
    for part in doctree.findall(addnodes.desc_parameter):
        part[:] = [part[0], *flat(part[1:])]
    for part in [
        *doctree.findall(addnodes.desc_returns),
        *doctree.findall(addnodes.desc_annotation),
    ]:
        part[:] = flat(part.children)


def flat(parts: Iterable[nodes.Node]) -> list[nodes.Node]:
    """Return links as they are, and the text between them in one piece."""
    found = []
    for part in parts:
        for leaf in flat(part.children) if isinstance(part, addnodes.desc_sig_element) else [part]:
            if isinstance(leaf, nodes.Text) and found and isinstance(found[-1], nodes.Text):
                found[-1] = nodes.Text(found[-1] + leaf)
            else:
                found.append(leaf)
    return found


def skip(_app: Sphinx, _what: str, _name: str, obj: Any, *_rest: Any) -> bool | None:
    """Leave out the fields of a named tuple, which its signature and its docstring tell."""
    return True if "Alias for field number" in (obj.__doc__ or "") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect all of this."""
    app.config.linkcode_resolve = source
    for extension in ("sphinx.ext.napoleon", "sphinx.ext.linkcode", "sphinx_codeautolink"):
        app.setup_extension(extension)
    codeautolink.CodeBlockAnalyser = Analyser
    codeautolink.link_html = link_names
    app.add_role("used", used)
    app.connect("config-inited", use_public_names)
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("autodoc-process-docstring", take_docstring, priority=400)
    app.connect("autodoc-process-docstring", add_fields, priority=600)
    app.connect("doctree-resolved", add_uses)
    app.connect("doctree-resolved", plain_types)
    return {"parallel_read_safe": True}
