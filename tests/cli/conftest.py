"""The command line, called in this process or in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lstmlib.__main__ import main

ROOT = Path(__file__).parents[2]
TEXT = "".join(
    f"SPEAKER {line % 7}:\nline {line} of a short text, said {line % 3} times.\n\n"
    for line in range(60)
)
SMALL = "--text my.txt --hidden-size 12 --batch-size 4 --window 32".split()  # noqa: SIM905


@pytest.fixture(scope="session")
def small():
    """Options of a small training on the text ``my.txt``."""
    return SMALL


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder but for ``my.txt``."""
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    Path("my.txt").write_text(TEXT)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Run a command in this process: exit code, what it printed, its errors."""

    def call(*arguments):
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as leave:  # argparse
            code = leave.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def start(folder):
    """Start a command in a process of its own."""
    started = []

    def call(*arguments):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        environment.pop("TQDM_DISABLE", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "lstmlib", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a character model and a row classifier, trained for a moment."""
    folder = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(folder)
    try:
        Path("my.txt").write_text(TEXT)
        assert main(["train", "shakespeare", *SMALL, "--epochs", "2", "--lr", "0.02"]) == 0
        digits = ["--epochs", "1", "--hidden-size", "16", "--batch-size", "100"]
        assert main(["train", "digits", *digits]) == 0
    finally:
        os.chdir(before)
    return folder
