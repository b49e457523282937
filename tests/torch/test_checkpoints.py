"""Files: what comes back, what is refused, and that nothing is lost when saving fails."""

import errno
import json
import os
import pickle
import resource
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from lstmlib.torch import (
    CharModel,
    CheckpointError,
    Forecaster,
    RowClassifier,
    load_model,
    pretrained,
    save_model,
)
from lstmlib.torch import checkpoints as module

MODELS = [CharModel(9, 5, 2, 0.1, 3), RowClassifier(4, 5, 3), Forecaster(2, 5, 4)]


@pytest.fixture
def path(folder):
    """A good model file."""
    path = folder / "model.safetensors"
    save_model(path, MODELS[0], {"alphabet": "abc"})
    return path


@pytest.fixture
def checkpoint(small, folder):
    """A good training checkpoint, after one epoch."""
    path = folder / "run.safetensors"
    with pytest.raises(RuntimeError):
        small.fit(small.model(), small.interrupted((1, 1), small.crash), checkpoint=path)
    return path


@pytest.mark.parametrize("model", MODELS)
def test_what_is_saved_comes_back(folder, model):
    extra = {"alphabet": "\n\t é→", "scores": [1, 2.5, None], "nested": {"a": True}}
    save_model(folder / "new" / "model.safetensors", model, extra)
    got, got_extra = load_model(folder / "new" / "model.safetensors")
    assert type(got) is type(model)
    assert got.config == model.config
    assert got_extra == extra
    assert not got.training
    for (name, a), (other, b) in zip(
        got.state_dict().items(), model.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("stored", "loaded"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_types(folder, stored, loaded):
    model = MODELS[0]
    save_model(folder / "model.safetensors", model, dtype=stored)
    got, _ = load_model(folder / "model.safetensors")
    for a, b in zip(got.parameters(), model.parameters(), strict=True):
        assert a.dtype == loaded
        assert torch.equal(a, b.to(stored).to(loaded))
    got(torch.zeros(2, 1).long())
    stored_bytes = sum(p.numel() for p in model.parameters()) * stored.itemsize
    assert 0 < (folder / "model.safetensors").stat().st_size - stored_bytes < 2000


def test_keys_of_extra_become_texts(folder):
    save_model(folder / "model", MODELS[0], {2: "two", 10: "ten"})
    assert load_model(folder / "model")[1] == {"2": "two", "10": "ten"}


def test_the_same_model_gives_the_same_bytes(folder):
    for name in ("a", "b"):
        save_model(folder / name, MODELS[0], {"x": 1, "y": {"z": 2}, "w": 3})
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_any_program_can_read_the_weights(path):
    weights = load_file(path)
    assert torch.equal(weights["output.weight"], MODELS[0].output.weight)


def header_of(data):
    """Split safetensors bytes into their JSON header and the rest."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header, rest):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def altered(change):
    """Change what lstmlib wrote into the header."""

    def alter(data):
        header, rest = header_of(data)
        ours = json.loads(header["__metadata__"]["lstmlib"])
        change(ours)
        header["__metadata__"]["lstmlib"] = json.dumps(ours)
        return with_header(header, rest)

    return alter


def replaced(text):
    def replace(data):
        header, rest = header_of(data)
        header["__metadata__"]["lstmlib"] = text
        return with_header(header, rest)

    return replace


def flipped(data):
    return data[:-3] + bytes([data[-3] ^ 16]) + data[-2:]


DAMAGE = {
    "empty": (lambda data: b"", "got an empty file"),
    "truncated in the weights": (lambda data: data[:-100], "truncated or different"),
    "truncated in the header": (lambda data: data[:50], "truncated or different"),
    "one byte left": (lambda data: data[:1], "truncated or different"),
    "longer": (lambda data: data + b"\0", "truncated or different"),
    "a bit of a weight": (flipped, "altered or damaged"),
    "text": (lambda data: b"First Citizen:\nBefore we proceed", "truncated or different"),
    "a pickle": (lambda data: pickle.dumps({"weights": [1.0]}), "looks like a pickle"),
    "its configuration": (
        altered(lambda ours: ours["content"]["config"].update(hidden_size=6)),
        "altered or damaged",
    ),
    "its alphabet": (
        altered(lambda ours: ours["content"]["extra"].update(alphabet="abd")),
        "altered or damaged",
    ),
    "its step": (altered(lambda ours: ours["content"].update(step=3)), "altered or damaged"),
    "its version": (
        altered(lambda ours: ours["content"].update(version=2)),
        "expected format version 1, got 2",
    ),
    "no kind": (altered(lambda ours: ours["content"].pop("kind")), "header cannot be read"),
    "not JSON": (replaced("{"), "header cannot be read"),
    "a list": (replaced("[1, 2]"), "header cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model(path, name):
    damage, message = DAMAGE[name]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", sorted(DAMAGE.keys() - {"its alphabet"}))
def test_a_damaged_checkpoint(small, checkpoint, name):
    damage, message = DAMAGE[name]
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(damage(data))
    damaged = checkpoint.read_bytes()
    assert damaged != data
    with pytest.raises(CheckpointError, match=message):
        small.fit(small.model(), checkpoint=checkpoint, resume=True)
    assert checkpoint.read_bytes() == damaged


def test_a_pickle_by_torch(path):
    torch.save({"output.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="looks like a pickle"):
        load_model(path)


def test_a_pickle_is_not_run(path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(path.parent / "ran"),)

    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError):
        load_model(path)
    assert not (path.parent / "ran").exists()


def test_safetensors_of_another_program(path):
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="got safetensors without its header"):
        load_model(path)


def test_a_header_that_does_not_fit_its_weights(folder):
    tensors = MODELS[0].state_dict()
    good = module.describe(MODELS[0]) | {"extra": {}}
    wrong = {
        "class": good | {"class": "Linear"},
        "arguments": good | {"config": {"units": 3}},
        "sizes": good | {"config": good["config"] | {"hidden_size": 6}},
        "nothing": {},
    }
    for name, content in wrong.items():
        module.write(folder / name, "model", tensors, content)
        with pytest.raises(CheckpointError, match="does not describe its weights"):
            load_model(folder / name)
    module.write(folder / "empty", "model", {}, good)
    with pytest.raises(CheckpointError, match="does not describe its weights"):
        load_model(folder / "empty")


def test_there_is_no_file(folder, small):
    with pytest.raises(FileNotFoundError, match="expected a model file, but there is none"):
        load_model(folder / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match="expected a training checkpoint file"):
        small.fit(small.model(), checkpoint=folder / "nothing.safetensors", resume=True)


def test_a_model_is_not_a_checkpoint(small, path, checkpoint):
    with pytest.raises(CheckpointError, match="expected a model file, got a training checkpoint"):
        load_model(checkpoint)
    with pytest.raises(CheckpointError, match="expected a training checkpoint file, got a model"):
        small.fit(small.model(), checkpoint=path, resume=True)


def test_a_checkpoint_of_another_training(small, checkpoint, monkeypatch):
    saved = checkpoint.read_bytes()

    def refused(model, message, train=None, **changes):
        before = [p.clone() for p in model.parameters()]
        with pytest.raises(CheckpointError, match=message):
            small.fit(model, train, checkpoint=checkpoint, resume=True, **changes)
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
        assert checkpoint.read_bytes() == saved

    refused(small.model(hidden_size=9), "expected config hidden_size 9, got 8")
    refused(Forecaster(1, 2, 3), "expected class 'Forecaster', got 'CharModel'")
    refused(small.model(), "expected settings lr 0.02, got 0.01", lr=0.02)
    refused(small.model(), "expected settings steps 20, got 15", epochs=4)
    refused(small.model().double(), "expected settings precision 'torch.float64, no', got")
    other = type(small.train)(small.data[0][::-1].copy(), 4, 10)
    refused(small.model(), r"expected settings data \d+, got \d+", other)
    fewer = type(small.train)(small.data[0][:-40], 4, 10)
    refused(small.model(), "expected settings batches 4, got 5", fewer, epochs=None, steps=15)
    monkeypatch.setattr(small, "valid", other)
    refused(small.model(), r"expected settings validation \d+, got \d+")


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_no_space_left(path, monkeypatch, step):
    before = path.read_bytes()
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", no_space)
    else:
        monkeypatch.setattr(type(path), "replace", no_space)
    with pytest.raises(OSError, match="No space left") as caught:
        save_model(path, MODELS[1])
    assert caught.value.errno == errno.ENOSPC
    assert "what was there before is intact" in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    with pytest.raises(OSError, match="nothing was written"):
        save_model(path.with_name("other"), MODELS[1])
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def file_size_limit():
    """The kernel itself refuses to let a file grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_grow(path, file_size_limit):
    before = path.read_bytes()
    big = CharModel(9, 50)
    file_size_limit(10_000)
    with pytest.raises(OSError, match="could not save") as caught:
        save_model(path, big)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_no_space_during_a_training(
    small, uninterrupted, assert_same_bits, folder, file_size_limit
):
    """The training stops; the checkpoint of the epoch before is intact, and one goes on from it."""
    path = folder / "run.safetensors"

    def fill_the_disk():
        saved.append(path.read_bytes())
        file_size_limit(5_000)

    saved = []
    with pytest.raises(OSError, match="what was there before is intact"):
        small.fit(small.model(), small.interrupted((1, 2), fill_the_disk), checkpoint=path)
    file_size_limit(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    assert path.read_bytes() == saved[0]
    assert list(folder.iterdir()) == [path]
    model = small.model()
    assert small.fit(model, checkpoint=path, resume=True) == uninterrupted[1]
    assert_same_bits(model, uninterrupted[0])


def test_a_folder_that_is_a_file(folder):
    (folder / "taken").write_text("mine")
    with pytest.raises(OSError, match="taken"):
        save_model(folder / "taken" / "model.safetensors", MODELS[0])
    assert (folder / "taken").read_text() == "mine"


def test_files_get_the_usual_permissions(path, folder):
    (folder / "plain").write_text("")
    assert path.stat().st_mode == (folder / "plain").stat().st_mode


def test_no_such_pretrained_model():
    with pytest.raises(ValueError, match="no pretrained model 'poetry'; there are: "):
        pretrained("poetry")
