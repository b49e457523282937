"""Assignments: checks for students, and grading that a submission cannot talk to.

A student's notebook needs ``version`` and ``unpack`` alone. For instructors:
``python -m lstmlib.grading --help``, and the guide in the book.
"""

from lstmlib.grading.checks import Checks, unpack
from lstmlib.grading.versions import version

__all__ = ["Checks", "unpack", "version"]
