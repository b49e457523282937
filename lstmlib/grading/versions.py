"""Numbers that differ from student to student."""

import random
from collections.abc import Sequence
from typing import Any


def version(student: str, label: str, **choices: Sequence[Any]) -> dict[str, Any]:
    """Choose one of each list: the same for the same student and label, on every machine.

    Parameters
    ----------
    student
        The student's number or login; case and spaces around it do not matter.
    label
        What the numbers are for, so that two tasks draw independently.

    Examples
    --------
    >>> version("ada", "half-life", f=[0.8, 0.9], T=range(20, 60))
    {'f': 0.9, 'T': 38}
    """
    if not isinstance(student, str) or not student.strip():
        raise ValueError(
            f'expected student = "…", with your student number or login, in the cell near the top '
            f"that begins so, got {student!r}"
        )
    for name, values in choices.items():
        if not len(values):
            raise ValueError(f"expected values to choose {name} from, got {values!r}")
    # Of the module random, only the stream of random() is promised never to change.
    stream = random.Random(f"{label}:{student.strip().lower()}")
    return {name: values[int(stream.random() * len(values))] for name, values in choices.items()}
