"""Where a submission runs: a process of its own, as far from everything as this machine can.

With bubblewrap (``bwrap``, on Linux) it has no network, sees no process but its own, and of the
files only Python, the installed packages and lstmlib, to read, and a small folder in memory to
write. What that comes to on a machine is tried rather than believed: see ``trials``.
"""

import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lstmlib

PROCESSES = 16  # with threads
FILES = 64  # MB in all
REPLY = 8 * 2**20  # bytes; no task asks for more
START = 60.0  # seconds until the process answers, also on a machine that is busy

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
ENVIRONMENT = {
    "HOME": "/tmp",
    "USER": "student",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
    "TQDM_DISABLE": "1",
    # One submission, one core: several are graded side by side.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class BrokenError(Exception):
    """The process has ended, or answers with what is no answer; the message says which."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of a core in all, MB of memory in each process."""

    seconds: float
    memory: int
    without: Sequence[str] = ()
    masked: Sequence[str] = ()


class Process:
    """A running child; ask it one thing at a time."""

    def __init__(self, process: subprocess.Popen, requests: int, replies: int, end: float) -> None:
        self.process, self.requests, self.replies, self.end = process, requests, replies, end
        self.waiting = b""

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return its reply; BrokenError if none comes, or a strange one."""
        # No one can prepare an answer to a number that he does not know.
        number = secrets.token_hex(16)
        self.send({"number": number, **request})
        reply = self.receive()
        if reply.pop("number", None) != number:
            raise BrokenError("the process answered what it was not asked")
        return reply

    def send(self, data: dict[str, Any]) -> None:
        """Write a line, as fast as the process reads it."""
        left = memoryview(json.dumps(data).encode() + b"\n")
        with selectors.DefaultSelector() as selector:
            selector.register(self.requests, selectors.EVENT_WRITE)
            while left:
                self.wait(selector)
                try:
                    left = left[os.write(self.requests, left) :]
                except BrokenPipeError:
                    raise BrokenError(self.ending()) from None

    def receive(self) -> dict[str, Any]:
        """Read a line, as long as one may be."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.replies, selectors.EVENT_READ)
            while b"\n" not in self.waiting:
                if len(self.waiting) > REPLY:
                    raise BrokenError(f"the answer is longer than {REPLY >> 20} MB")
                self.wait(selector)
                if not (read := os.read(self.replies, 2**16)):
                    raise BrokenError(self.ending())
                self.waiting += read
        line, _, self.waiting = self.waiting.partition(b"\n")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            raise BrokenError("the process answered something unreadable") from None
        if not isinstance(reply, dict):
            raise BrokenError("the process answered something unreadable")
        return reply

    def wait(self, selector: selectors.BaseSelector) -> None:
        """Wait until the selector has something, or the time is over."""
        if not selector.select(max(0.0, self.end - time.monotonic())):
            raise BrokenError("the time for the notebook is over")

    def ending(self) -> str:
        """Return how the process came to its end."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the process closed its answers"
        killed = {-signal.SIGKILL, 128 + signal.SIGKILL, -signal.SIGXCPU, 128 + signal.SIGXCPU}
        if code in killed:
            return "the process was killed: more time or memory than it may use?"
        return f"the process ended by itself, with status {code}"


@dataclass(frozen=True)
class Sandbox:
    """How this machine isolates: ``bwrap`` is where bubblewrap lies, empty where it is not used."""

    bwrap: str

    @classmethod
    def find(cls) -> "Sandbox":
        """Return the isolation that there is a program for; ``trials`` says whether it works."""
        return cls(shutil.which("bwrap") or "")

    @contextmanager
    def process(self, limits: Limits, user: int = 0) -> Iterator[Process]:
        """Start a process, and end it with all that it has started.

        ``user`` keeps apart processes that run at the same time, where this runs as root.
        """
        ours, requests = os.pipe(), os.pipe()
        replies_read, replies_write = ours
        requests_read, requests_write = requests
        descriptors = str(requests_read), str(replies_write)
        python = [sys.executable, "-I", "-m", "lstmlib.grading.child", *descriptors]
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
            if self.bwrap:
                # Its own environment stays to be read, in /proc: the instructor's is not for it.
                command, environment = [*self.arguments(limits), *python], {}
            else:
                command, environment = python, {**ENVIRONMENT, "HOME": folder}
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(requests_read, replies_write),
                start_new_session=True,
                cwd=folder,
                env=environment,
            )
            os.close(requests_read)
            os.close(replies_write)
            os.set_blocking(requests_write, False)
            try:
                child = Process(process, requests_write, replies_read, time.monotonic() + START)
                self.settle(child, limits, user, errors)
                yield child
            finally:
                end(process)
                os.close(requests_write)
                os.close(replies_read)

    def settle(self, child: Process, limits: Limits, user: int, errors: Any) -> None:
        """Have a process set its limits, and start its time."""
        # Without a namespace of its own, a user's processes would be counted with it.
        processes = PROCESSES if self.bwrap else -1
        numbers = limits.seconds, limits.memory, processes, FILES
        setting = {"limits": numbers, "without": list(limits.without)}
        try:
            child.send(setting | ({"user": 2_000_000 + user} if self.bwrap else {}))
            child.receive()
        except BrokenError as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise OSError(f"no process for submissions: {error}; {' '.join(said[-1:])}") from None
        child.end = time.monotonic() + 2 * limits.seconds  # by the clock: the machine may be busy

    def arguments(self, limits: Limits) -> list[str]:
        """Return bubblewrap's command line, up to the program to run."""
        package = Path(lstmlib.__file__).parent
        room = ["--perms", "1777", "--size", str(FILES << 20), "--tmpfs"]
        # First what is to be written: Python and the book may lie below it.
        mounts = ["--proc", "/proc", "--dev", "/dev", *room, "/tmp", *room, "/dev/shm"]
        for path in map(Path, SYSTEM):
            if path.is_symlink():
                mounts += ["--symlink", str(path.readlink()), str(path)]
            elif path.exists():
                mounts += ["--ro-bind", str(path), str(path)]
        python = Path(sys.executable).resolve().parent.parent
        seen = {Path(sys.prefix), Path(sys.base_prefix), python, package}
        seen = {path for path in seen if not path.is_relative_to("/usr")}
        for path in sorted({above for folder in seen for above in folder.parents} - {Path("/")}):
            mounts += ["--perms", "0755", "--dir", str(path)]  # bubblewrap's own are its user's
        for path in sorted(seen):
            mounts += ["--ro-bind", str(path), str(path)]
        # Where this is not root, a submission is the owner of what bubblewrap makes: none of it
        # is to be written, but for two folders of a limited size.
        closed = ["/dev", "/"]
        for path in hidden(limits, package):
            if path.is_dir():
                mounts += ["--perms", "0755", "--tmpfs", str(path)]
                closed.append(str(path))
            else:
                mounts += ["--ro-bind", os.devnull, str(path)]
        variables = [part for pair in ENVIRONMENT.items() for part in ("--setenv", *pair)]
        return [
            self.bwrap,
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
            *("--unshare-cgroup-try", "--die-with-parent", "--new-session"),
            *("--cap-drop", "ALL", *(("--cap-add", "CAP_SETUID") if os.getuid() == 0 else ())),
            *(("--cap-add", "CAP_SETGID") if os.getuid() == 0 else ()),
            *mounts,
            *(part for path in closed for part in ("--remount-ro", path)),
            *("--chdir", "/tmp", "--clearenv", *variables),
        ]


def hidden(limits: Limits, package: Path) -> list[Path]:
    """Return the files and folders that a submission does not see, of those that are there."""
    paths = [package / name for name in limits.masked]
    for name in limits.without:
        top, _, rest = name.partition(".")
        if top == package.name:
            inside = package.joinpath(*rest.split("."))
            compiled = inside.parent.glob(f"__pycache__/{inside.name}.*")
            paths += [inside, inside.with_suffix(".py"), *compiled]
        elif (spec := find_spec(top)) and spec.origin:
            paths.append(Path(spec.origin).parent)
    return [path for path in paths if path.exists()]


def end(process: subprocess.Popen) -> None:
    """Kill a process and its session; with bubblewrap all that it started ends with it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
