"""What comes of grading: marks, answers to mark by hand, a page for each student, a leaderboard."""

import csv
import html
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lstmlib.grading.checks import page
from lstmlib.grading.grade import GradingError, Mark, Row, as_json, write
from lstmlib.grading.master import Assignment, Task

WRITTEN = ("file", "student", "task", "possible", "points", "remark", "answer")
UNTOUCHED = ("", "*Your answer, in place of this line.*")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
FORMULA = tuple("=+-@\t\r\n=＋－＠")  # what one starts with; in East Asian type too

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto;
          padding: 0 1rem; color: #1d1d1d; background: #fff; }}
  h2 {{ font-size: 1.1rem; margin: 1.5rem 0 .25rem; }}
  p {{ margin: .25rem 0; overflow-wrap: anywhere; }}
  @media (prefers-color-scheme: dark) {{
    body {{ color: #e8e8e8; background: #161616; }} a {{ color: #8ab4f8; }}
  }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def write_all(
    assignment: Assignment, rows: Sequence[Row], output: Path, site: str, known: dict[str, Any]
) -> None:
    """Write all results of a run into a folder; ``known`` is what is noted about the run."""
    marked = written(assignment, rows, output / "written.csv")
    rows = sorted(rows, key=lambda row: row.file)
    remarks = {row.file: remark(row, rows) for row in rows}
    tasks = list(assignment.tasks.values())
    names = [task.name for task in tasks]
    head = ["student", "number", "file", "status", *names]
    head += ["points", "possible", "to mark", "reasons"]
    table = []
    for row in rows:
        points = [points_of(row, name, marked) for name in names]
        reasons = [remarks[row.file]]
        reasons += [f"{name}: {mark.reason}" for name, mark in row.marks.items() if mark.reason]
        total = sum(point for point in points if point is not None)
        counted = ["" if point is None else f"{point:g}" for point in points]
        left = sum(point is None for point in points)
        sums = [f"{total:g}", f"{assignment.points:g}", str(left)]
        whose = [row.student, row.version, row.file, row.status]
        table.append([*whose, *counted, *sums, "; ".join(filter(None, reasons))])
    write_csv(output / "marks.csv", head, table)
    data = {"run": known, "rows": [asdict(row) | {"remark": remarks[row.file]} for row in rows]}
    write(output / "marks.json", as_json(data))
    for task in tasks:
        if task.kind == "open":
            write_leaderboard(output / "leaderboard.csv", rows, task)
    feedback = output / "feedback"
    taken: set[str] = set()
    for row in rows:
        name = page_name(row.file, taken)
        write(feedback / name, feedback_page(assignment, row, marked, site))


def points_of(row: Row, name: str, marked: dict[tuple[str, str], Mark]) -> float | None:
    """Return a task's points, by hand or not; None while they are open."""
    mark = row.marks[name]
    return marked.get((row.file, name), mark).points


def remark(row: Row, rows: Sequence[Row]) -> str:
    """Return what an instructor should look at in a row."""
    said = ["late"] if row.late else []
    if (count := sum(other.student == row.student for other in rows)) > 1:
        said.append(f"{count} files of this student")
    versions = Counter(other.version.strip().lower() for other in rows)
    if (name := row.version.strip().lower()) and versions[name] > 1:
        said.append(f"{versions[name]} files with the student number {row.version!r}")
    return ", ".join(said)


def written(assignment: Assignment, rows: Sequence[Row], path: Path) -> dict[tuple[str, str], Mark]:
    """Write the answers that are marked by hand, and return the marks that are there already."""
    texts = [task for task in assignment.tasks.values() if task.kind == "text"]
    before = read_written(path, {task.name: task for task in texts})
    marked, table = {}, []
    for row in sorted(rows, key=lambda row: row.file):
        for task in texts:
            if task.name not in row.answers:  # nothing could be read
                continue
            answer, key = row.answers[task.name], (row.file, task.name)
            mark, marked_answer = before.get(key, (Mark(None), answer))
            again = marked_answer and answer.split() != marked_answer.split()  # handed in
            if mark.points is not None and again:
                was = f"{mark.points:g} points for an earlier answer"
                mark = Mark(None, said="; ".join(filter(None, [was, mark.said])))
            if mark.points is None and answer in UNTOUCHED:
                mark = Mark(0.0, said="not answered")
            if mark.points is not None:
                marked[key] = mark
            points, said = points_text(mark), mark.said
            possible = f"{task.points:g}"
            table.append([row.file, row.student, task.name, possible, points, said, answer])
    # Marks of files that are not there this time are work that is not to be lost.
    here = {(entry[0], entry[2]) for entry in table}
    for (file, name), (mark, answer) in before.items():
        if (file, name) not in here:
            table.append([file, "", name, "", points_text(mark), mark.said, answer])
    if texts:
        write_csv(path, WRITTEN, table)
    return marked


def read_written(path: Path, tasks: dict[str, Task]) -> dict[tuple[str, str], tuple[Mark, str]]:
    """Return the marks given by hand and for which answer; GradingError for what is no mark."""
    if not path.exists():
        return {}
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GradingError(
            f"{path}: expected a table in UTF-8, got another encoding: save it as CSV UTF-8"
        ) from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)  # as spreadsheets save
    try:
        table = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise GradingError(f"{path}: expected a table, got {error}") from None
    marks = {}
    for line, entry in enumerate(table, 2):
        if missing := {"file", "task", "points", "remark"} - set(entry):
            columns = ", ".join(WRITTEN)
            raise GradingError(f"{path}: expected the columns {columns}, got no {sorted(missing)}")
        if entry["task"] not in tasks:
            continue
        most, given = tasks[entry["task"]].points, (entry["points"] or "").strip()
        try:
            points = float(given.replace(",", ".")) if given else None
        except ValueError:
            points = math.nan
        if points is not None and not 0 <= points <= most:
            raise GradingError(
                f"{path}, row {line}: expected points from 0 to {most:g} for {entry['task']} of "
                f"{entry['file']}, got {given!r}"
            )
        mark = Mark(points, said=plain(entry["remark"] or ""))
        marks[plain(entry["file"]), entry["task"]] = mark, plain(entry.get("answer") or "")
    return marks


def points_text(mark: Mark) -> str:
    """Return points for a table; nothing while there are none."""
    return "" if mark.points is None else f"{mark.points:g}"


def write_leaderboard(path: Path, rows: Iterable[Row], task: Task) -> None:
    """Write the scores of an open task, the best first."""
    scored = [(row.marks[task.name].score, row) for row in rows]
    best = sorted(
        (
            (score, row.student, row.file)
            for score, row in scored
            if score is not None and math.isfinite(score)
        ),
        key=lambda entry: (-entry[0], entry[1]),
    )
    table = []
    for score, student, file in best:
        rank = 1 + sum(other > score for other, *_ in best)
        table.append([str(rank), student, f"{score:.4f}", file])
    write_csv(path, ("rank", "student", "score", "file"), table)


def write_csv(path: Path, head: Sequence[str], table: Iterable[Sequence[str]]) -> None:
    """Write a table that spreadsheets read as text, whatever students have written in it."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([[safe(cell) for cell in row] for row in table])
    write(path, "\ufeff" + file.getvalue())  # by which spreadsheets know UTF-8


def page_name(file: str, taken: set[str]) -> str:
    """Return what a file's page is called, unlike those taken, and no longer than a name may be."""
    stem = file.replace("/", " ").encode("utf-8", "replace")[:200].decode("utf-8", "ignore")
    name, k = f"{stem}.html", 1
    while name.casefold() in taken:
        k += 1
        name = f"{stem} ({k}).html"
    taken.add(name.casefold())
    return name


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    bare = cell.lstrip("'")  # so that plain knows which mark is this one
    if bare[:1] not in FORMULA or NUMBER.fullmatch(bare):
        return cell
    return f"'{cell}"


def plain(cell: str) -> str:
    """Return a cell as it was before ``safe``."""
    return cell[1:] if cell[:1] == "'" and safe(cell[1:]) == cell else cell


def feedback_page(
    assignment: Assignment, row: Row, marked: dict[tuple[str, str], Mark], site: str
) -> str:
    """Return the page that a student gets: no hidden case, no expected value."""
    parts = [f"<p>{html.escape(row.student)}, {html.escape(row.file)}</p>"]
    if row.status != "graded":
        parts.append(f"<p><strong>{html.escape(row.status)}</strong></p>")
    marks = {name: marked.get((row.file, name), row.marks[name]) for name in assignment.tasks}
    total = sum(mark.points or 0.0 for mark in marks.values())
    left = sum(mark.points is None for mark in marks.values())
    said = f"{total:g} of {assignment.points:g} points"
    parts.append(f"<p>{said}{f', and {left} still to be marked' if left else ''}</p>")
    for name, task in assignment.tasks.items():
        mark = marks[name]
        points = "to be marked, out" if mark.points is None else f"{mark.points:g}"
        parts.append(f"<h2>{html.escape(name)}: {points} of {task.points:g}</h2>")
        if mark.said:
            parts.append(f"<p>{html.escape(mark.said[:300])}</p>")
        if mark.hint:
            parts.append(f"<p><strong>Hint:</strong> {html.escape(mark.hint)}</p>")
        if mark.chapter and mark.said != "right":
            address = html.escape(f"{site}/chapters/{page(mark.chapter)}")
            parts.append(f'<p>To reread: <a href="{address}">{html.escape(mark.chapter)}</a></p>')
    if row.errors:
        parts.append("<h2>Cells that stopped</h2>")
        for number, error in row.errors.items():
            cell = int(number) + 1 if number.isdecimal() else number
            parts.append(f"<p>Code cell {html.escape(str(cell))}: {html.escape(error[:300])}</p>")
    title = f"Assignment {assignment.number}: {assignment.title}"
    return PAGE.format(title=html.escape(title), body="\n".join(parts))
