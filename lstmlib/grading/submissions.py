"""What students hand in: files of any kind, under the names that a learning platform gives them."""

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstmlib.grading.student import ANSWER, SKIPPED

CHECK = re.compile(r'check\("\w+", \w+\)')  # a student's check: for the student
LARGEST = 16 * 2**20  # bytes of a notebook, outputs included
LONGEST = 30_000  # characters of an answer: spreadsheets cut cells that are longer

# How platforms name what they give to download; Moodle's may also be the name of a folder.
PLATFORMS = (
    # Canvas: doejane_LATE_12345_678910_4_lstm-1.ipynb
    r"(?P<student>[^_]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_.+",
    # Moodle: Jane Doe_1234567_assignsubmission_file_4_lstm.ipynb
    r"(?P<student>[^_]+)_(?P<number>\d+)_assignsubmission_file(?:_.*)?",
    # Blackboard: 4_lstm_jdoe_attempt_2026-11-21-10-15-00_4_lstm.ipynb
    r".*?_(?P<student>[^_]+)_attempt_(?P<number>[\d-]+)(?:_.*|\.txt)?",
    # Brightspace: 12345-67890 - Jane Doe - Nov 21, 2026 1015 AM - 4_lstm.ipynb
    r"(?P<number>\d+-\d+) - (?P<student>.+?) - .+ - .+",
)


class UnreadableError(ValueError):
    """A file that is no notebook; the message says what it is."""


@dataclass(frozen=True)
class Submission:
    """A file handed in: its path, its name below the folder, and whose it seems to be."""

    path: Path
    file: str
    student: str
    late: bool = False


@dataclass
class Notebook:
    """What of a notebook is graded: its code, and its answers in words."""

    code: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


def find(folder: Path) -> Iterator[Submission]:
    """Iterate over all files below a folder, links among them, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink() and path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            continue
        file = readable(path.relative_to(folder).as_posix())
        yield Submission(path, file, *whose(file))


def whose(file: str) -> tuple[str, bool]:
    """Return the student that a file's name, or its folder's, tells, and whether it was late."""
    for name in reversed(file.split("/")):
        for platform in PLATFORMS:
            if found := re.fullmatch(platform, name):
                return found["student"].strip(), bool(found.groupdict().get("late"))
    return Path(file).stem, False


def read(path: Path, tasks: list[str]) -> Notebook:
    """Read a notebook, which may be anything; UnreadableError says what it is instead."""
    try:
        # A link could lead to the master; a pipe would never end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        kind = "a link" if path.is_symlink() else f"not readable ({error.strerror})"
        raise UnreadableError(f"expected a notebook, got {kind}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise UnreadableError("expected a notebook, got something that is not a file")
    with os.fdopen(descriptor, "rb") as file:
        if not status.st_size:
            raise UnreadableError("expected a notebook, got an empty file")
        if status.st_size > LARGEST:
            size = f"{status.st_size / 2**20:.0f} MB"
            raise UnreadableError(
                f"expected a notebook of at most {LARGEST >> 20} MB, got {size}: with its outputs "
                "cleared it is smaller"
            )
        data = file.read(LARGEST + 1)
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableError(f"expected a notebook, got {kind_of(data)}") from None
    try:
        return collect(notebook["cells"], tasks)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError("expected a notebook, got JSON that is none") from None


def collect(cells: list[dict[str, Any]], tasks: list[str]) -> Notebook:
    """Return the code of a notebook's cells, and the answers to tasks in words."""
    notebook = Notebook()
    for cell in cells:
        source = cell["source"]
        text = writable(source if isinstance(source, str) else "".join(source))
        if cell["cell_type"] == "code":
            # There is nothing to grade in these, and they may take their time.
            left_out = text.startswith(SKIPPED) or CHECK.fullmatch(text.strip())
            notebook.code.append("" if left_out else text)
        elif cell["cell_type"] == "markdown":
            name = (cell.get("metadata") or {}).get("answer")
            for task in tasks:
                mark = ANSWER.format(name=task)
                if task == name or mark in text:
                    # A cell that was split is still one answer.
                    parts = notebook.answers.get(task, ""), text.replace(mark, "").strip()
                    notebook.answers[task] = "\n\n".join(filter(None, parts))[:LONGEST]
    return notebook


def kind_of(data: bytes) -> str:
    """Return what a file seems to be that is no notebook."""
    starts = {b"%PDF": "a PDF", b"PK\x03\x04": "a zip archive or an office document"}
    starts |= {b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"<": "a web page"}
    for start, kind in starts.items():
        if data.lstrip().startswith(start):
            return kind
    return "broken JSON" if data.lstrip().startswith(b"{") else "something else"


def readable(name: str) -> str:
    """Return a file's name in letters that can be written anywhere."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    escaped = ((letter, letter.encode("unicode_escape").decode()) for letter in text)
    return "".join(letter if letter.isprintable() else escape for letter, escape in escaped)


def writable(text: str) -> str:
    """Return a text without what JSON can hold and a table cannot: halves of characters, NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
