"""Make what the site has of the assignments: the students' versions, and a card for each.

    python tools/assignment_pages.py

Neither is committed: both are made from the masters, assignments/*.ipynb, whenever the site is.
"""

import sys
from pathlib import Path

from publish import ROOT, commit, repository
from set_address import addresses

from lstmlib import install
from lstmlib.grading import master, student
from lstmlib.grading.master import Assignment

CARDS = "_build/assignment_cards.md"  # which assignments/index.md includes

CARD = """\
::::{{grid-item-card}} {number}. {title}
{summary}

With {chapters} · about {minutes} minutes · {points:g} points

:::{{card-footer}}
[Open in Colab]({colab}/blob/notebooks/{path}) ·
<a href="../_sources/{path}" download>Download</a>
:::
::::
"""


def masters() -> list[Assignment]:
    """Read all masters, in their order."""
    return [master.read(path) for path in sorted(ROOT.glob("assignments/*.ipynb"))]


def write_students(output: Path) -> list[Path]:
    """Write the students' versions below ``output``; they install the commit that is here."""
    source = install.archive(repository(), commit())
    _, site, *_ = addresses(repository())
    written = []
    for assignment in masters():
        path = output / assignment.path.relative_to(ROOT)
        student.write(path, student.notebook(assignment, source, site))
        written.append(path)
    return written


def write_cards(path: Path) -> None:
    """Write a card for each assignment, in the Markdown of the site."""
    cards = [card(assignment) for assignment in masters()]
    path.parent.mkdir(exist_ok=True)
    text = "\n".join([":::::{grid} 1 1 2 2\n:gutter: 3\n", *cards, ":::::\n"])
    path.write_text(text, encoding="utf-8")


def card(assignment: Assignment) -> str:
    """Return the card of an assignment."""
    links = [
        f"[{int(name.partition('_')[0])}](../chapters/{name}.ipynb)" for name in assignment.chapters
    ]
    *most, last = links
    listed = f"chapters {', '.join(most)} and {last}" if most else f"chapter {last}"
    _, _, colab, _ = addresses(repository())
    return CARD.format(
        number=assignment.number,
        title=assignment.title,
        summary=assignment.summary,
        chapters=listed,
        minutes=assignment.minutes,
        points=assignment.points,
        colab=colab,
        path=assignment.path.relative_to(ROOT).as_posix(),
    )


def main() -> int:
    """Write both, and say where."""
    write_cards(ROOT / CARDS)
    for path in write_students(ROOT / "_build"):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
