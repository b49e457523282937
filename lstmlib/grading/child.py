"""The process that runs one submission: it is asked for values, and knows nothing that is secret.

    python -m lstmlib.grading.child REQUESTS REPLIES   (two file descriptors)

A request is a line of JSON, and so is its reply, with the request's number. What is right is not in
here: whatever a submission does to this process, it can only return values.
"""

import ast
import importlib.abc
import json
import linecache
import os
import re
import resource
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from lstmlib.grading.values import decode, encode

MB = 2**20
# What an editor understands in a code cell and Python does not: commands of IPython and the shell,
# questions, and what times Python or hides what it prints: of this the Python is kept.
COMMAND = re.compile(r"^([ \t]*)((?:[%!?]|\w+ *= *[%!]).*|[\w.]+\?\??[ \t]*)$", re.MULTILINE)
AROUND = re.compile(r"\A\s*%%(?:time|capture)\b.*|^(?P<indent>[ \t]*)%time +", re.MULTILINE)


class TimeIsUp(BaseException):
    """Too slow; no ``except Exception`` of a submission stops it."""


class Closed(importlib.abc.MetaPathFinder):
    """Refuses the packages whose work is what an assignment asks for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Refuse a package and all that is in it."""
        if any(f"{fullname}.".startswith(f"{name}.") for name in self.names):
            raise ImportError(f"{fullname} cannot be imported in this assignment")
        return None


def limit(seconds: float, memory: int, processes: int, files: int) -> None:
    """Set this process's limits, for good: seconds of CPU, MB, processes, MB of a file."""
    for what, value in (
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, memory * MB),
        (resource.RLIMIT_FSIZE, files * MB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, processes),
    ):
        if value >= 0:
            resource.setrlimit(what, (value, value))


def become(user: int) -> None:
    """Go on as a user who may do nothing, where this is root: limits do not bind root."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUp`` in what takes more of a core's time, or three times that by the clock."""

    def stop(*_: Any) -> NoReturn:
        raise TimeIsUp(f"stopped after {seconds:g} s")

    # By the clock alone, a machine that is busy would be counted against the submission.
    timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    for (number, timer), most in zip(timers.items(), (seconds, 3 * seconds), strict=True):
        signal.signal(number, stop)
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        for timer in timers.values():
            signal.setitimer(timer, 0)


def told(error: BaseException) -> str:
    """Return an error as ``ValueError: what it says``."""
    try:
        return f"{type(error).__name__}: {error}"[:500]
    except Exception:  # an error of the submission's own that cannot be shown
        return type(error).__name__


def where(error: BaseException) -> str:
    """Return the line of a cell that an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.startswith("<cell")]
    return f"line {lines[-1]}" if lines else ""


class Submission:
    """A notebook's names, and what is done with them."""

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.names = module.__dict__
        self.names["display"] = lambda *_, **__: None  # editors have it

    def run(self, cells: list[str], seconds: float) -> dict[str, Any]:
        """Run cells in their order, each as if the others had gone well; return their errors."""
        errors: dict[str, str] = {}
        for k, source in enumerate(map(plain, cells)):
            file = f"<cell {k + 1}>"
            linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
            try:
                with at_most(seconds):
                    exec(compile(source, file, "exec"), self.names)
            except BaseException as error:
                errors[str(k)] = ", ".join(filter(None, (where(error), told(error))))
        student = self.names.get("student")
        return {"errors": errors, "student": student[:200] if isinstance(student, str) else ""}

    def value(self, name: str) -> dict[str, Any]:
        """Return a variable."""
        if name not in self.names:
            return {"error": f"{name} is not defined"}
        if self.names[name] is ...:
            return {"error": "not answered"}
        return {"value": encode(self.names[name])}

    def call(
        self, name: str, source: str, arguments: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Call a function, in the way that ``source`` defines if it does."""
        if name not in self.names:
            return {"error": f"{name} is not defined"}
        names: dict[str, Any] = {"np": np}
        given = decode(arguments)
        with at_most(seconds):
            if source:
                exec(source, names)
                value = names["call"](self.names[name], **given)
            else:
                value = self.names[name](**given)
            return {"value": encode(value)}


def plain(source: str) -> str:
    """Return a cell without what only an editor understands."""
    try:
        ast.parse(source)
    except SyntaxError:
        source = AROUND.sub(r"\g<indent>", source)
        return "" if source.lstrip().startswith("%%") else COMMAND.sub(r"\1pass  # \2", source)
    return source


def answer(submission: Submission, request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked, and return what came of it."""
    action: dict[str, Callable[..., dict[str, Any]]] = {
        "run": submission.run,
        "call": submission.call,
        "value": submission.value,
    }
    try:
        return action[request.pop("do")](**request)
    except BaseException as error:
        return {"error": told(error)}


def main() -> int:
    """Read requests until there are none."""
    requests, replies = (int(number) for number in sys.argv[1:3])
    with os.fdopen(requests, "rb") as incoming, os.fdopen(replies, "wb") as outgoing:
        setting = json.loads(incoming.readline())
        with suppress(OSError):  # where memory runs out, this is to end before the grader
            Path("/proc/self/oom_score_adj").write_text("1000")
        if "user" in setting:
            become(setting["user"])
        limit(*setting["limits"])
        sys.meta_path.insert(0, Closed(setting["without"]))
        submission = Submission()
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):  # what a submission prints, nobody reads
            os.dup2(silent, stream)
        os.close(silent)
        outgoing.write(b'{"ready": true}\n')
        outgoing.flush()
        for line in incoming:
            request = json.loads(line)
            number = request.pop("number")
            reply = answer(submission, request)
            outgoing.write(json.dumps({"number": number, **reply}).encode() + b"\n")
            outgoing.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
