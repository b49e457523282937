"""Files of models and trainings: safetensors with a JSON header, written all or nothing.

A file holds tensors and, in its header, one JSON text with what it is (``kind``), the model's class
and arguments, whatever else belongs to it, and the SHA-256 of the text and the tensors together.
Reading checks all of it: a file that is truncated, altered, of another kind or not ours raises
``CheckpointError``, which says what was expected and what came.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lstmlib.torch.models import CharModel, Forecaster, RowClassifier, SequenceModel

VERSION = 1
CLASSES: dict[str, type[SequenceModel]] = {
    cls.__name__: cls for cls in (CharModel, RowClassifier, Forecaster)
}
PRETRAINED = Path(__file__).parent / "pretrained"


class CheckpointError(ValueError):
    """A file that cannot be used, and why."""


def save_model(
    path: str | os.PathLike[str],
    model: SequenceModel,
    extra: dict[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a model to one safetensors file.

    ``extra`` is anything JSON can say that belongs to the model, such as its alphabet. ``dtype``,
    such as ``torch.float16``, stores the weights in that type.
    """
    tensors = {name: tensor.to(dtype=dtype) for name, tensor in model.state_dict().items()}
    write(path, "model", tensors, describe(model) | {"extra": extra or {}})


def load_model(path: str | os.PathLike[str]) -> tuple[SequenceModel, dict[str, Any]]:
    """Read what ``save_model`` wrote: the model, in evaluation mode, and ``extra``.

    Weights stored in 16 bits come back as float32. Raises ``CheckpointError`` for a file that is no
    such model, ``FileNotFoundError`` where there is none.
    """
    tensors, content = read(path, "model")
    try:
        model = CLASSES[content["class"]](**content["config"])
        tensors = {
            name: tensor.float() if tensor.dtype.itemsize < 4 else tensor
            for name, tensor in tensors.items()
        }
        model.to(next(iter(tensors.values())).dtype)
        model.load_state_dict(tensors)
        extra = content["extra"]
    except (KeyError, TypeError, ValueError, RuntimeError, StopIteration) as error:
        raise CheckpointError(
            f"{path}: its header does not describe its weights: {error}"
        ) from error
    return model.eval(), extra


def pretrained(name: str) -> tuple[SequenceModel, dict[str, Any]]:
    """Load a model that comes with the library, ``"shakespeare"`` or ``"digits"``."""
    path = PRETRAINED / f"{name}.safetensors"
    if not path.exists():
        names = ", ".join(sorted(file.stem for file in PRETRAINED.glob("*.safetensors"))) or "none"
        raise ValueError(f"no pretrained model {name!r}; there are: {names}")
    return load_model(path)


def describe(model: SequenceModel) -> dict[str, Any]:
    """Return the class and the arguments that build the model again."""
    return {"class": type(model).__name__, "config": model.config}


def write(
    path: str | os.PathLike[str], kind: str, tensors: dict[str, Tensor], content: dict[str, Any]
) -> None:
    """Write tensors and a JSON-able description to ``path``, all or nothing.

    A failure, such as a full disk, raises ``OSError`` and leaves what was at ``path`` as it was.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = content | {"kind": kind, "version": VERSION}
    content = json.loads(json.dumps(content))  # as it will be read: keys of a dict become texts
    header = json.dumps({"content": content, "sha256": _digest(tensors, content)}, sort_keys=True)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because a rename is atomic only within one file system.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(save(tensors, metadata={"lstmlib": header}))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        before = "what was there before is intact" if path.exists() else "nothing was written"
        reason = f"could not save ({error.strerror}); {before}"
        raise OSError(error.errno, reason, str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``write`` wrote, and check that it is of this kind, whole and unaltered."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a {kind} file, but there is none")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        start = path.read_bytes()[:2]
        if not start:
            came = "an empty file"
        elif start in (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05"):
            came = "what looks like a pickle, which is never opened because it can run any code"
        else:
            came = f"a truncated or different file ({error})"
        raise CheckpointError(f"{path}: expected a safetensors file, got {came}") from error
    if "lstmlib" not in metadata:
        raise CheckpointError(
            f"{path}: expected a file written by lstmlib, got safetensors without its header"
        )
    try:
        header = json.loads(metadata["lstmlib"])
        content, sha256 = header["content"], header["sha256"]
        found, version = content["kind"], content["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path}: its header cannot be read: {error!r}") from error
    if version != VERSION:
        raise CheckpointError(f"{path}: expected format version {VERSION}, got {version!r}")
    if found != kind:
        raise CheckpointError(f"{path}: expected a {kind} file, got a {found} file")
    if (digest := _digest(tensors, content)) != sha256:
        raise CheckpointError(
            f"{path}: altered or damaged: its SHA-256 is {digest}, its header says {sha256}"
        )
    return tensors, content


def _digest(tensors: dict[str, Tensor], content: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
