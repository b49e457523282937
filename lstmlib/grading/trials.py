"""What a submission could do on this machine, tried: the attempts run where submissions run."""

import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lstmlib.grading.sandbox import FILES, PROCESSES, Limits, Sandbox

# Each attempt raises an error where it is stopped, and returns where it is not.
ATTEMPTS = """
import errno
import os
import socket
import time
from pathlib import Path

import numpy as np


def network(port, **_):
    socket.create_connection(("127.0.0.1", port), timeout=2)


def secrets(secrets, **_):
    for path in secrets:
        Path(path).open("rb").read(1)
        return


def writing(folder, **_):
    Path(folder, "written").write_text("by a submission")


def signals(process, **_):
    os.kill(process, 0)


def memory(memory, **_):
    np.ones((2 * memory, 2**17))


def processes(processes, **_):
    for _ in range(processes + 1):
        if os.fork() == 0:
            time.sleep(1)
            os._exit(0)


def files(files, **_):
    with open("large", "wb") as file:
        for _ in range(2 * files):
            file.write(bytes(2**20))
"""
NAMES = {
    "network": "no network",
    "secrets": "no view of the master and of what is already graded",
    "writing": "no writing outside a folder of its own",
    "signals": "no signals to other processes",
    "memory": "a limit on memory",
    "processes": "a limit on processes",
    "files": "a limit on what is written",
}


def trials(sandbox: Sandbox, limits: Limits, secrets: Sequence[Path]) -> dict[str, bool]:
    """Try what a submission must not be able to do; return what is guaranteed, and whether it held.

    ``secrets`` are files that it must not read.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        arguments = {
            "port": server.getsockname()[1],
            "secrets": [str(path.resolve()) for path in secrets],
            "folder": folder,
            "process": os.getpid(),
            "memory": limits.memory,
            "processes": PROCESSES,
            "files": FILES,
        }
        with sandbox.process(Limits(60, limits.memory)) as process:
            process.ask(do="run", cells=[ATTEMPTS], seconds=10)
            held = {}
            for name, promise in NAMES.items():
                reply = process.ask(
                    do="call",
                    name=name,
                    source="",
                    arguments={"dict": arguments},
                    seconds=10,
                )
                held[promise] = "error" in reply and "not defined" not in reply["error"]
        return held
