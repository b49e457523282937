"""What a reader sees: numbers, errors of one line, and a training that can be interrupted."""

import errno
import math
import os
import pickle
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from lstmlib.commands.shakespeare import _read_text
from lstmlib.data import Vocabulary, digits, rows, train_valid_split
from lstmlib.torch import CharModel, load_model, save_model

COMMANDS = [
    (),
    ("train",),
    ("train", "shakespeare"),
    ("train", "digits"),
    ("train", "forecast"),
    ("evaluate",),
    ("evaluate", "shakespeare"),
    ("evaluate", "digits"),
    ("evaluate", "forecast"),
    ("sample",),
    ("predict",),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run, command):
    code, out, err = run(*command, "--help")
    assert code == 0
    assert err == ""
    assert " ".join(["usage: python -m lstmlib", *command]) in out
    assert "None" not in out
    assert all(len(line) <= 100 for line in out.splitlines())


@pytest.mark.parametrize("command", [*COMMANDS[2:5], ("sample",)])
def test_every_example_in_the_help_is_a_command(run, command):
    """Each is parsed as far as its options go."""
    from lstmlib.__main__ import parser

    _, out, _ = run(*command, "--help")
    examples = re.findall(r"^  python -m lstmlib (.*?)(?:   .*)?$", out, re.MULTILINE)
    assert len(examples) >= 3
    for example in examples:
        parsed = parser().parse_args(shlex.split(example))
        assert parsed.run.__name__ == "_".join(command)


def test_help_does_without_torch():
    code = "import sys, lstmlib.__main__ as m; m.parser(); sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_shakespeare_from_training_to_text(run, trained):
    """The numbers printed are those of the file and of the text's last tenth, read once."""
    path = trained / "runs" / "shakespeare.safetensors"
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "digits.safetensors",
        "shakespeare.safetensors",
    ]
    model, extra = load_model(path)
    text = (trained / "my.txt").read_text()
    vocabulary = Vocabulary(extra["alphabet"])
    _, valid = train_valid_split(text)
    symbols = np.append(vocabulary.START, vocabulary.encode(valid))
    with torch.no_grad():
        logits, _ = model(torch.tensor(symbols[:-1, None]))
    p = logits[:, 0].softmax(dim=1)[torch.arange(len(valid)), torch.tensor(symbols[1:])]
    nats = -p.log().mean().item()

    code, out, err = run("evaluate", "shakespeare", "--model", path, "--text", "my.txt")
    assert (code, err) == (0, "")
    assert re.search(r"^([\d,]+) characters", out)[1] == f"{len(valid):,}"
    printed = re.search(r"([\d.]+) nats/char, ([\d.]+) bits/char, perplexity ([\d.]+)", out)
    expected = nats, nats / math.log(2), math.exp(nats)
    for text, value, digits_printed in zip(printed.groups(), expected, (4, 4, 3), strict=True):
        assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits_printed)
    assert nats < math.log(len(vocabulary)) - 1  # it has learnt something
    assert run("evaluate", "shakespeare", "--model", path)[1] == out  # the text it was trained on

    code, out, err = run("sample", "--model", path, "--seed-text", "SPEAKER", "--length", "40")
    assert (code, err) == (0, "")
    assert out.startswith("SPEAKER")
    assert len(out) == len("SPEAKER") + 40 + 1


def test_digits_from_training_to_accuracy(run, trained):
    path = trained / "runs" / "digits.safetensors"
    model, _ = load_model(path)
    data = digits()
    with torch.no_grad():
        logits = model(torch.tensor(rows(data.test_images)))[0][-1]
    accuracy = float((logits.argmax(dim=1).numpy() == data.test_labels).mean())
    code, out, err = run("evaluate", "digits", "--model", path)
    assert (code, err) == (0, "")
    assert f"1,000 test images: accuracy {accuracy:.2%}" in out
    assert accuracy > 0.2


def test_without_a_model_the_shipped_weights(run):
    code, out, err = run("evaluate", "digits")
    assert (code, err) == (0, "")
    assert float(re.search(r"1,000 test images: accuracy ([\d.]+)%", out)[1]) >= 98
    code, out, err = run("sample", "--seed-text", "ROMEO:", "--length", "30")
    assert (code, err) == (0, "")
    assert out.startswith("ROMEO:")
    assert len(out) == 6 + 30 + 1


def test_the_shipped_character_model_is_measured_on_tiny_shakespeare(run, tiny_text):
    code, out, err = run("evaluate", "shakespeare")
    assert (code, err) == (0, "")
    assert out.startswith("111,540 characters of validation text: ")
    assert float(re.search(r"([\d.]+) nats/char", out)[1]) <= 1.46


def test_sample_options(run, trained):
    path = trained / "runs" / "shakespeare.safetensors"

    def write(*options):
        code, out, err = run("sample", "--model", path, "--length", "60", *options)
        assert (code, err) == (0, "")
        return out

    assert write("--seed", "1") == write("--seed", "1") != write("--seed", "2")
    careful = write("--temperature", "0")
    assert careful == write("--temperature", "0", "--seed", "5") == write("--top-k", "1")
    assert write("--temperature", "3") != write("--temperature", "0.3")


def test_training_prints_what_it_does(run, small):
    code, out, err = run("train", "shakespeare", *small, "--epochs", "1")
    assert code == 0
    assert "characters to train" in out
    assert "weights; epochs: 1, of" in out
    assert "wrote the best weights to runs/shakespeare.safetensors" in out
    assert "nats/char" in out
    assert "loss" in err
    assert "valid loss" in err


def one_line(err):
    assert err.startswith("python -m lstmlib: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_an_unknown_character_in_the_seed_text(run, trained):
    path = trained / "runs" / "shakespeare.safetensors"
    code, out, err = run("sample", "--model", path, "--seed-text", "SPEAKER é")
    assert (code, out) == (2, "")
    message = one_line(err)
    assert "'é' at index 8" in message
    assert r"'\n ,.0123456789:AEKPRS" in message


def model_without_alphabet():
    save_model("model.safetensors", CharModel(5, 4))


def pickled_model():
    Path("model.safetensors").write_bytes(pickle.dumps([1, 2]))


def truncated_model():
    model_without_alphabet()
    Path("model.safetensors").write_bytes(Path("model.safetensors").read_bytes()[:-9])


def write(name, content):
    return lambda: Path(name).write_bytes(content)


TRAIN, MODEL = ("train", "shakespeare"), ("--model", "model.safetensors")
DIGITS = ("--model", "{trained}/runs/digits.safetensors")
SHAKESPEARE = ("--model", "{trained}/runs/shakespeare.safetensors")
ERRORS = {
    "no such model": ("sample", *MODEL, None, "model.safetensors: expected a model file, but"),
    "no such text": (*TRAIN, "--text", "no.txt", None, "or a text file, got 'no.txt'"),
    "empty text": (*TRAIN, "--text", "e.txt", write("e.txt", b""), "at least one character"),
    "short text": (*TRAIN, "--text", "s.txt", write("s.txt", b"abc" * 9), "at least batch_size"),
    "short lines": (*TRAIN, "--text", "s.txt", write("s.txt", b"a"), "long enough for two parts"),
    "not UTF-8": (*TRAIN, "--text", "b.txt", write("b.txt", b"\xff\xfe"), "b.txt: expected UTF-8"),
    "classifier that writes": ("sample", *DIGITS, None, "expected a CharModel, got a RowClass"),
    "classifier that reads text": (
        *("evaluate", "shakespeare", *DIGITS, None),
        "expected a CharModel, got a RowClassifier",
    ),
    "character model for digits": (
        *("evaluate", "digits", *SHAKESPEARE, None),
        "expected a RowClassifier, got a CharModel",
    ),
    "no alphabet": ("sample", *MODEL, model_without_alphabet, "expected the model's alphabet"),
    "pickle": ("sample", *MODEL, pickled_model, "looks like a pickle"),
    "truncated": ("sample", *MODEL, truncated_model, "truncated or different"),
    "negative temperature": (
        *("sample", *SHAKESPEARE, "--temperature", "-1", None),
        "temperature: expected a number from 0 up, got -1.0",
    ),
    "top 0": ("sample", *SHAKESPEARE, "--top-k", "0", None, "top_k: expected 1 or more, got 0"),
    "text of other characters": (
        *("evaluate", "shakespeare", *SHAKESPEARE, "--text", "o.txt"),
        *(write("o.txt", b"?" * 20), "'?' at index 0"),
    ),
    "model in no folder": (
        *(*TRAIN, "--model", "my.txt/x", None),
        "my.txt",
    ),
    "model for a checkpoint": (
        *(*TRAIN, "--model", "a", "--checkpoint", "./a", None),
        "expected two files, got a as --model and as --checkpoint",
    ),
    "model for a folder": (*TRAIN, "--model", ".", None, "a file to write to, got the folder ."),
    "checkpoint in no folder": (*TRAIN, "--checkpoint", "my.txt/x", None, "my.txt"),
    "too large": (
        *(*TRAIN, "--text", "my.txt", "--window", "32", "--hidden-size", "1000000000", None),
        "memory",
    ),
    "nothing to resume": (*TRAIN, "--resume", None, "expected a training checkpoint file, but"),
    "rate": (
        *TRAIN,
        "--text",
        "my.txt",
        "--window",
        "32",
        "--lr",
        "1e30",
        None,
        "smaller learning",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_one_line_and_exit_2(run, trained, name):
    *arguments, prepare, message = ERRORS[name]
    if prepare is not None:
        prepare()
    code, _, err = run(*(a.format(trained=trained) for a in arguments))
    assert code == 2
    err = re.sub(r"^.*step/s.*\n", "", err, flags=re.MULTILINE)  # the progress bar
    assert message in one_line(err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "required"),
        (("train",), "required"),
        (("train", "poetry"), "invalid choice: 'poetry'"),
        ((*TRAIN, "--epochs", "0"), "expected a whole number from 1 up, got '0'"),
        ((*TRAIN, "--window", "x"), "expected a whole number from 1 up, got 'x'"),
        ((*TRAIN, "--dropout", "1"), "expected a number from 0 up to but not 1, got '1'"),
        ((*TRAIN, "--dropout", "nan"), "expected a number from 0 up to but not 1, got 'nan'"),
        ((*TRAIN, "--lr", "fast"), "invalid float value: 'fast'"),
        ((*TRAIN, "--seed", "-1"), "expected a whole number from 0 to 4294967295, got '-1'"),
        (("sample", "--seed", str(2**32)), "from 0 to 4294967295, got '4294967296'"),
        (("evaluate", "digits", "--data", "letters"), "invalid choice: 'letters'"),
    ],
)
def test_wrong_options(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_an_interrupted_training_is_not_overwritten(run, small):
    checkpoint = Path("runs/shakespeare.checkpoint.safetensors")
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"precious")
    code, _, err = run("train", "shakespeare", *small)
    assert code == 2
    assert "go on with it by --resume, remove it, or give another --checkpoint" in one_line(err)
    assert checkpoint.read_bytes() == b"precious"


def test_a_model_that_cannot_be_written_is_found_out_before_training(run, small, monkeypatch):
    def read_only(**where):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(where["dir"]))

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    code, out, err = run("train", "shakespeare", *small, "--model", "theirs/model.safetensors")
    assert (code, out) == (2, "")
    assert "Permission denied: 'theirs'" in one_line(err)


def test_a_text_file_from_windows(run, folder):
    """Its line ends and its byte-order mark are no characters of the text."""
    text = (folder / "my.txt").read_text()
    (folder / "windows.txt").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert _read_text("windows.txt") == _read_text("my.txt") == text


def test_a_perplexity_no_float_can_hold(run, folder):
    alphabet = Vocabulary.from_text((folder / "my.txt").read_text()).alphabet
    model = CharModel(len(alphabet) + 2, 4)
    with torch.no_grad():
        model.output.bias[Vocabulary.START] = 1000  # which never comes
    save_model("wild.safetensors", model, {"alphabet": alphabet, "text": "my.txt"})
    code, out, err = run("evaluate", "shakespeare", "--model", "wild.safetensors")
    assert (code, err) == (0, "")
    assert float(re.search(r"([\d.]+) nats/char", out)[1]) > 990
    assert "perplexity inf" in out


def wait_for_a_step(stream, steps):
    """Read a progress bar until it shows one."""
    seen = ""
    while not re.search(rf"[1-9]\d*/{steps} \[", seen):
        character = stream.read(1)
        assert character, f"it ended before it began: {seen}"
        seen += character


def test_ctrl_c_saves_says_how_to_go_on_and_that_gives_the_same_file(run, start, folder, small):
    """A real SIGINT to a real process, and then the very command it prints."""
    options = [
        *small,
        "--dropout",
        "0.3",
        "--epochs",
        "16",
        "--hidden-size",
        "48",
    ]
    code, _, err = run("train", "shakespeare", *options, "--model", "expected.safetensors")
    assert code == 0
    steps = int(re.search(r"(\d+)/\1 \[", err)[1])

    command = ["train", "shakespeare", *options, "--model", "my model.safetensors"]
    process = start(*command)
    wait_for_a_step(process.stderr, steps)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    stopped = re.search(rf"stopped after step (\d+) of {steps}; saved in (\S+)\n", err)
    assert 0 < int(stopped[1]) < steps
    assert (folder / stopped[2]).exists()
    assert not (folder / "my model.safetensors").exists()

    printed = re.search(r"to go on: python -m lstmlib (.*)\n", err)[1]
    process = start(*shlex.split(printed))
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    got = (folder / "my model.safetensors").read_bytes()
    assert got == (folder / "expected.safetensors").read_bytes()
    assert not (folder / stopped[2]).exists()
