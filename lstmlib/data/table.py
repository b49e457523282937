"""Series from a CSV file: what is wrong with it is said by line and column."""

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}(:[0-9]{2}){0,2}([.][0-9]+)?Z?)?)?)?")


@dataclass(frozen=True)
class Table:
    """Series of the same moments, at equal steps.

    Attributes
    ----------
    names
        Of the F columns.
    values
        (N, F).
    dates
        (N,), ``datetime64``; None where the file has no column of dates.
    """

    names: list[str]
    values: np.ndarray
    dates: np.ndarray | None

    def dates_after(self, m: int) -> list[str]:
        """Return the m dates after the last, or the numbers of the lines they would have.

        Raises
        ------
        ValueError
            If there is only one date.
        """
        if self.dates is None:
            return [str(len(self.values) + 2 + k) for k in range(m)]
        dates, step = in_steps(self.dates)
        after = dates[-1] + np.arange(1, m + 1) * step
        if dates.dtype == self.dates.dtype:
            return [str(date) for date in after]
        # Months: the usual day, or the month's last where it has not so many.
        day = (self.dates - dates).max()
        last = (after + 1).astype(self.dates.dtype) - np.timedelta64(1, "D")
        return [str(date) for date in np.minimum(after + day, last)]


def in_steps(dates: np.ndarray) -> tuple[np.ndarray, np.timedelta64]:
    """Return dates in the unit in which their steps are equal, months or their own, and the step.

    Raises
    ------
    ValueError
        If there are fewer than two dates, or the steps are not equal in either; it names the first
        line of the file that is wrong.
    """
    if len(dates) < 2:
        raise ValueError(f"expected at least two dates, to know the step, got {len(dates)}")
    for unit in ("own", "M"):
        converted = dates if unit == "own" else dates.astype("datetime64[M]")
        steps = np.diff(converted)
        if (steps == steps[0]).all() and steps[0] > np.timedelta64(0):
            return converted, steps[0]
    steps = np.diff(dates)
    if (late := np.flatnonzero(steps <= np.timedelta64(0))).size:
        k = late[0]
        problem = "occurs twice" if dates[k] == dates[k + 1] else f"comes after {dates[k]}"
        raise ValueError(
            f"line {k + 3}: expected dates in ascending order, each once, but {dates[k + 1]} "
            f"{problem}: sort the lines by date"
        )
    months = np.diff(dates.astype("datetime64[M]"))
    regular = months if (months > np.timedelta64(0)).all() else steps
    usual = np.median(regular.astype(np.int64))
    k = np.flatnonzero(regular.astype(np.int64) != usual)[0]
    raise ValueError(
        f"line {k + 3}: expected equal steps of time, but from {dates[k]} to {dates[k + 1]} is "
        "another step than usual: is a line missing, or has the column no dates?"
    )


def read_csv(
    path: str | os.PathLike[str], columns: list[str] | None = None, *, date: str | None = None
) -> Table:
    """Read series from a CSV file in UTF-8 whose first line has the names of the columns.

    Parameters
    ----------
    columns
        Which ones, each once; by default all but that of the dates.
    date
        The column of the dates, as 1999, 1999-03 or 1999-03-31 (with a time, if need be). By
        default the first column, if its first entry is a date (a year alone: from 1000 to 2999),
        it is not the only column and not one of ``columns``.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file or column, the first line has no names, a line has more or fewer
        entries than the first, a value is missing, no number, not finite or above 1e100, or the
        dates are not in ascending order, each once, with equal steps. The message names the line,
        and the column of a value.
    """
    lines = _lines(Path(path))
    header, rows = lines[0], lines[1:]
    _check_names(header, path)
    if len(set(header)) < len(header):
        raise ValueError(f"{path}: expected different names of columns, got {', '.join(header)}")
    if not rows:
        raise ValueError(f"{path}: expected lines of numbers after the names, got none")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(
                f"{path}: line {number}: expected {len(header)} entries, as line 1 has, "
                f"got {len(row)}"
            )
    first = header[0]
    if date is None and len(header) > 1 and first not in (columns or []) and _is_date(rows[0][0]):
        date = first
    elif columns is None and date is None and len(header) > 1 and _is_compact_date(rows[0][0]):
        raise ValueError(
            f"{path}: line 2, column {first!r}: expected a date like 1999-03-31, "
            f"got {rows[0][0]!r} (if it is a number, name the columns of numbers)"
        )
    names = [name for name in header if name != date] if columns is None else columns
    for name in [*names, *([date] if date is not None else [])]:
        if name not in header:
            raise ValueError(f"{path}: expected a column among {', '.join(header)}, got {name!r}")
    if not names or len(set(names)) < len(names):
        got = ", ".join(names) or f"{date}, the dates, alone"
        raise ValueError(f"{path}: expected columns of numbers, each once, got {got}")
    values = np.empty((len(rows), len(names)))
    for f, name in enumerate(names):
        column = header.index(name)
        for k, row in enumerate(rows):
            values[k, f] = _number(row[column], f"{path}: line {k + 2}, column {name!r}")
    if date is None:
        return Table(names, values, None)
    return Table(names, values, _dates([row[header.index(date)] for row in rows], path))


def _check_names(header: list[str], path: str | os.PathLike[str]) -> None:
    if len(header) <= 1 and (mark := re.search("[;\t]", "".join(header))):
        raise ValueError(f"{path}: line 1: expected commas between the names, got {mark[0]!r}")
    if not any(header) or all(_is_date(name) or _is_number(name) for name in header):
        got = ", ".join(header) or "nothing"
        raise ValueError(f"{path}: line 1: expected the names of the columns, got {got}")


def _lines(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise FileNotFoundError(f"expected a CSV file, got {str(path)!r}: there is no such file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[entry.strip() for entry in line] for line in csv.reader(file, strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV file in UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):  # else the numbers of lines were wrong
        if broken := [entry for entry in line if "\n" in entry or "\r" in entry]:
            raise ValueError(f"{path}: line {number}: expected no line break in {broken[0]!r}")
    while lines and not any(lines[-1]):
        lines.pop()
    if not lines:
        raise ValueError(f"{path}: expected a line of names and lines of numbers, got nothing")
    return lines


def _number(text: str, where: str) -> float:
    if not text:
        raise ValueError(
            f"{where}: expected a number, got nothing: fill the gap or leave out what is before it"
        )
    if not _is_number(text):
        hint = ""
        if "," in text:
            hint = " (the decimal mark is a point, and thousands have none)"
        elif re.fullmatch(r"[0-9]+([/.-][0-9]+){1,2}", text):
            hint = " (a date is written 1999-03-31, in the first column or one that is named)"
        raise ValueError(f"{where}: expected a number, got {text!r}{hint}")
    value = float(text)
    if not abs(value) <= 1e100:  # its square is still finite
        raise ValueError(f"{where}: expected a finite number, got {text!r} (1e100 is the most)")
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python reads 1_000


def _is_date(text: str) -> bool:
    """Tell a date from a number: a year alone is taken for a date from 1000 to 2999."""
    return _date(text) is not None and (not text.isdecimal() or text[0] in "12")


def _is_compact_date(text: str) -> bool:
    """Tell whether a number of eight digits could be a date, as 19990331."""
    shape = re.fullmatch("((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})", text)
    return shape is not None and _date("-".join(shape.groups())) is not None


def _date(text: str) -> np.datetime64 | None:
    """Read a date, in the unit it is written in; Z, for Greenwich, is left out."""
    try:
        return np.datetime64(text.removesuffix("Z")) if DATE.fullmatch(text) else None
    except ValueError:  # the 13th month
        return None


def _dates(texts: list[str], path: str | os.PathLike[str]) -> np.ndarray:
    dates: list[np.datetime64] = []
    for k, text in enumerate(texts):
        date = _date(text)
        if date is None or (dates and date.dtype != dates[0].dtype):
            like = "1999, 1999-03 or 1999-03-31" if k == 0 else f"{texts[0]!r} in line 2"
            raise ValueError(f"{path}: line {k + 2}: expected a date like {like}, got {text!r}")
        dates.append(date)
    array = np.array(dates)
    if len(array) > 1:
        try:
            in_steps(array)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    return array
