"""Training, evaluation and sampling.

``fit`` does the same arithmetic on a CPU, a GPU, or split over processes started by ``accelerate
launch``: each process takes its share of every batch, along the batch axis, and the gradients are
summed.

Batches are anything with ``len(batches)``, how many there are in an epoch, and
``batches.epoch(k)``, which yields epoch k's pairs ``(inputs, targets)`` of NumPy arrays and depends
on nothing but k, so that an interrupted epoch can be made again and entered where it was left.
"""

import itertools
import math
import os
import signal
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from jaxtyping import Int
from torch import Tensor
from tqdm import tqdm

from lstmlib.torch.checkpoints import CheckpointError, describe, read, write
from lstmlib.torch.models import CharModel, SequenceModel, State


class Batches(Protocol):
    """What ``fit`` and ``evaluate`` read.

    The batch axis of an array is its second, or its first where it has no other.
    """

    def __len__(self) -> int: ...

    def epoch(self, k: int, /) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Yield the pairs (inputs, targets) of epoch k."""


@dataclass
class History:
    """What a training recorded.

    ``loss`` and ``gradient_norm`` (before clipping) hold one number a step; ``valid`` one dict an
    epoch, with the ``"step"`` it was measured after and what ``evaluate`` gave; ``best`` the one
    with the lowest loss, whose weights the model has after training.
    """

    loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    valid: list[dict[str, float]] = field(default_factory=list)

    @property
    def best(self) -> dict[str, float] | None:
        """The validation with the lowest loss."""
        return min(self.valid, key=lambda scores: scores["loss"], default=None)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped a training, and ``checkpoint`` is where it can be resumed from."""

    def __init__(self, checkpoint: str | os.PathLike[str], step: int, steps: int) -> None:
        super().__init__(f"stopped after step {step} of {steps}; saved in {checkpoint}")
        self.checkpoint = checkpoint


class TrainingDivergedError(FloatingPointError):
    """The loss or its gradient is no longer a finite number."""


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Compute the rate of a step, counted from 0.

    It rises linearly over the first ``warmup`` of all steps, then falls to 0 along half a cosine.
    """
    rise = max(1, round(warmup * steps))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise + 1) / (steps - rise + 1)))


def fit(
    model: SequenceModel,
    train: Batches,
    valid: Batches | None = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    lr: float,
    warmup: float = 0.02,
    weight_decay: float = 0.01,
    clip: float = 1.0,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> History:
    """Train a model with AdamW, and leave it with the best weights, in evaluation mode.

    The best are those with the lowest validation loss, measured after every epoch; the last where
    there is no ``valid``.

    Parameters
    ----------
    epochs, steps
        How long: one of the two. A number of steps may end in the middle of an epoch.
    lr, warmup
        Largest learning rate, and the share of all steps that rise to it; see ``learning_rate``.
    weight_decay
        Of AdamW, on matrices only.
    clip
        Gradients whose global norm is larger are scaled down to it.
    seed
        Of dropout. PyTorch's own generator is left as it was.
    checkpoint
        File written after every epoch, and when Ctrl-C is pressed, which then raises
        ``TrainingInterrupted`` after the current step.
    resume
        Go on from ``checkpoint``. The result is that of the uninterrupted training, bit for bit;
        everything else must therefore be given as it was.
    progress
        Show a progress bar.

    Raises
    ------
    TrainingDivergedError
        The loss or the gradient became infinite or NaN. The model keeps the weights it had before
        that step.
    CheckpointError
        ``checkpoint`` cannot be resumed from: damaged, or of another model, other data or other
        settings.
    """
    if (epochs is None) == (steps is None):
        raise ValueError(f"expected either epochs or steps, got epochs={epochs}, steps={steps}")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs the checkpoint to resume from")
    for name, batches in {"training": train, "validation": valid}.items():
        if batches is not None and len(batches) == 0:
            raise ValueError(
                f"expected at least one {name} batch, got none: is there too little data?"
            )
    steps = epochs * len(train) if steps is None else steps  # type: ignore[operator]
    if steps < 1:
        raise ValueError(f"expected at least one step, got {steps}")
    if not (lr > 0 and clip > 0):
        raise ValueError(f"expected lr > 0 and clip > 0, got {lr} and {clip}")
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup: expected a number from 0 up to but not 1, got {warmup}")
    accelerator = Accelerator()
    if accelerator.mixed_precision == "fp16":
        raise ValueError("mixed precision fp16 is not supported: use bf16 or no")
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices), _ctrl_c(checkpoint is not None) as pressed:
        settings = {
            "steps": steps,
            "lr": lr,
            "warmup": warmup,
            "weight_decay": weight_decay,
            "clip": clip,
            "seed": seed,
            "batches": len(train),
            "data": _fingerprint(train),
            "validation": None if valid is None else _fingerprint(valid),
            "processes": accelerator.num_processes,
            "precision": f"{next(model.parameters()).dtype}, {accelerator.mixed_precision}",
        }
        torch.manual_seed(seed * accelerator.num_processes + accelerator.process_index)
        training = _Training(model.to(accelerator.device), accelerator, settings)
        if resume and checkpoint is not None:
            training.load(checkpoint)
        # tqdm reads TQDM_DISABLE only where it is not told what to do.
        hidden = {} if progress and accelerator.is_main_process else {"disable": True}
        with tqdm(total=steps, initial=training.step, unit="step", **hidden) as bar:
            while training.step < steps:
                stop = training.run_epoch(train, pressed, bar)
                if valid is not None and (training.batch == 0 or training.step == steps):
                    training.validate(valid)
                    bar.set_postfix_str(training.summary())
                if checkpoint is not None:
                    training.save(checkpoint)
                    if stop and training.step < steps:
                        raise TrainingInterrupted(checkpoint, training.step, steps)
        training.keep_best()
    return training.history


@torch.no_grad()
def evaluate(model: SequenceModel, batches: Batches) -> dict[str, float]:
    """Mean ``"loss"``, and ``"accuracy"`` where the model has one, each target counted once.

    A stateful model carries its state from batch to batch. NaN or infinity in a batch raises
    ``ValueError``.
    """
    accelerator = Accelerator()
    device = next(model.parameters()).device
    sums: dict[str, float] = {}
    count = 0
    state = None
    with _evaluating(model):
        for number, (inputs, targets) in enumerate(batches.epoch(0), start=1):
            if bad := _not_finite(inputs, targets):
                raise ValueError(
                    f"batch {number} to evaluate on: expected finite numbers, but of "
                    f"{inputs.size + targets.size} inputs and targets, {bad} are NaN or infinite"
                )
            x, y = _share(inputs, accelerator, device), _share(targets, accelerator, device)
            if y.numel() == 0:
                continue
            outputs, last = model(x, state)
            state = last if model.stateful else None
            for name, mean in model.score(outputs, y).items():
                sums[name] = sums.get(name, 0.0) + mean.item() * y.numel()
            count += y.numel()
    shares = gather_object([(sums, count)])
    count = sum(share_count for _, share_count in shares)
    if count == 0:
        raise ValueError(
            "expected at least one batch to evaluate on, got none: is there too little data?"
        )
    names = max((share_sums for share_sums, _ in shares), key=len)
    return {name: sum(s.get(name, 0.0) for s, _ in shares) / count for name in names}


class Symbols(Protocol):
    """A vocabulary: START is symbol 0, then the characters, and END is the last."""

    START: int
    END: int

    def __len__(self) -> int: ...

    def encode(self, text: str, /) -> Int[np.ndarray, " n"]:
        """Turn characters into symbols; an unknown one is an error."""

    def decode(self, ids: Int[np.ndarray, " n"], /) -> str:
        """Turn symbols into characters."""


@torch.no_grad()
def sample(
    model: CharModel,
    vocabulary: Symbols,
    seed_text: str = "",
    *,
    length: int = 500,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> str:
    """Write on from ``seed_text``, and return both.

    Up to ``length`` characters are added, fewer where the model ends the text. Each next symbol is
    drawn from softmax(logits / ``temperature``), among the ``top_k`` most probable where given.
    Temperature 0 always takes the most probable. ``generator`` is one for the CPU.
    """
    start, end = vocabulary.START, vocabulary.END
    if model.config["vocab_size"] != len(vocabulary):
        raise ValueError(
            f"the model knows {model.config['vocab_size']} symbols, the vocabulary has "
            f"{len(vocabulary)}"
        )
    if length < 0:
        raise ValueError(f"length: expected 0 or more, got {length}")
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature: expected a number from 0 up, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k: expected 1 or more, got {top_k}")
    choices = 1 if temperature == 0 else min(top_k or end, end)
    device = next(model.parameters()).device
    symbols = [start, *vocabulary.encode(seed_text).tolist()]
    written: list[int] = []
    state = None
    with _evaluating(model):
        while len(written) < length:
            logits, state = model(torch.tensor(symbols, device=device)[:, None], state)
            scores = logits[-1, 0].double().cpu()
            scores[start] = -math.inf  # a text starts only once
            scores, candidates = scores.topk(choices)  # eq-shakespeare-topk
            scores -= scores[0].clone()
            if temperature > 0:
                scores /= temperature  # eq-shakespeare-temperature
            p = torch.softmax(scores, dim=0)
            symbol = int(candidates[torch.multinomial(p, 1, generator=generator)])
            if symbol == end:
                break
            written.append(symbol)
            symbols = [symbol]
    return seed_text + vocabulary.decode(np.array(written, dtype=np.int64))


class _Training:
    """Everything that changes while ``fit`` runs, hence everything a checkpoint holds."""

    def __init__(
        self, model: SequenceModel, accelerator: Accelerator, settings: dict[str, Any]
    ) -> None:
        self.model = model
        self.accelerator = accelerator
        self.settings = settings
        self.parameters = list(model.parameters())
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self.parameters if p.ndim >= 2]},
            {"params": [p for p in self.parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=settings["weight_decay"])
        self.best: dict[str, Tensor] = {}
        self.history = History()
        self.step = 0  # steps done
        self.epoch = 0  # of the next batch
        self.batch = 0  # the next batch's number in it
        self.state: State | None = None  # where the next batch goes on

    def run_epoch(self, train: Batches, pressed: threading.Event, bar: tqdm) -> bool:
        """Train to the end of the epoch or of all steps, or to a Ctrl-C (then return True)."""
        self.model.train()
        for inputs, targets in itertools.islice(train.epoch(self.epoch), self.batch, None):
            stop = self.run_step(inputs, targets, pressed)
            bar.set_postfix_str(self.summary(), refresh=False)
            bar.update()
            self.batch += 1
            if self.batch == len(train):
                self.epoch, self.batch, self.state = self.epoch + 1, 0, None
            if stop or self.batch == 0 or self.step == self.settings["steps"]:
                return stop
        raise ValueError(f"expected {len(train)} batches an epoch, got {self.batch}")

    def run_step(self, inputs: np.ndarray, targets: np.ndarray, pressed: threading.Event) -> bool:
        settings = self.settings
        rate = learning_rate(self.step, settings["steps"], settings["lr"], settings["warmup"])
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss, stop = self.gradients(inputs, targets), pressed.is_set()
        if self.accelerator.num_processes > 1:
            loss, stop = self.sum_over_processes(loss, stop)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, settings["clip"]).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            bad = _not_finite(inputs, targets)
            raise TrainingDivergedError(
                f"training stopped at step {self.step + 1} of {settings['steps']} (epoch "
                f"{self.epoch + 1}, batch {self.batch + 1}): the loss is {loss}, the gradient norm "
                f"{norm}, the learning rate {rate:.3g}. Of {inputs.size + targets.size} inputs and "
                f"targets, {bad} are NaN or infinite. "
                + ("Mend the data." if bad else "Try a smaller learning rate or a smaller clip.")
                + " The model has the weights from before this step; a checkpoint is as it was."
            )
        self.optimizer.step()
        self.step += 1
        self.history.loss.append(loss)
        self.history.gradient_norm.append(norm)
        return stop

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """Gradients of this process's part of the mean loss, and that part."""
        device = self.accelerator.device
        x, y = _share(inputs, self.accelerator, device), _share(targets, self.accelerator, device)
        if y.numel() == 0:  # more processes than examples
            for p in self.parameters:
                p.grad = torch.zeros_like(p)
            return 0.0
        with self.accelerator.autocast():
            loss, state = self.model.loss(x, y, self.state)
        loss = loss * (y.numel() / targets.size)
        loss.backward()
        if self.model.stateful:
            self.state = (state[0].detach(), state[1].detach())
        return loss.item()

    def sum_over_processes(self, loss: float, stop: bool) -> tuple[float, bool]:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        numbers = gradients[0].new_tensor([loss, stop])
        parts = [*(g.flatten() for g in gradients), numbers]
        total = self.accelerator.reduce(torch.cat(parts), reduction="sum")
        *sums, numbers = total.split([part.numel() for part in parts])
        for gradient, summed in zip(gradients, sums, strict=True):
            gradient.copy_(summed.view_as(gradient))
        return numbers[0].item(), bool(numbers[1])

    def validate(self, valid: Batches) -> None:
        scores = evaluate(self.model, valid)
        if not math.isfinite(scores["loss"]):
            raise TrainingDivergedError(
                f"after step {self.step} the validation loss is {scores['loss']}, though the "
                f"training loss was {self.history.loss[-1]:.4g}. Try a smaller learning rate."
            )
        best = self.history.best
        if best is None or scores["loss"] < best["loss"]:
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.history.valid.append({"step": self.step, **scores})

    def summary(self) -> str:
        text = f"loss {self.history.loss[-1]:.3f}"
        if self.history.valid:
            text += "".join(
                f", valid {name} {value:.3f}"
                for name, value in self.history.valid[-1].items()
                if name != "step"
            )
        return text

    def keep_best(self) -> None:
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()

    def save(self, path: str | os.PathLike[str]) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        tensors["history.loss"] = torch.tensor(self.history.loss, dtype=torch.float64)
        tensors["history.gradient_norm"] = torch.tensor(
            self.history.gradient_norm, dtype=torch.float64
        )
        for rank, own in enumerate(gather_object([self.own_tensors()])):
            tensors |= {f"process.{rank}.{name}": tensor for name, tensor in own.items()}
        if self.accelerator.is_main_process:
            content = describe(self.model) | {
                "settings": self.settings,
                "step": self.step,
                "epoch": self.epoch,
                "batch": self.batch,
                "valid": self.history.valid,
            }
            write(path, "training checkpoint", tensors, content)
        self.accelerator.wait_for_everyone()

    def own_tensors(self) -> dict[str, Tensor]:
        """Collect what each process has of its own: random generators, its share of the state."""
        own = {"rng": torch.get_rng_state()}
        if self.accelerator.device.type == "cuda":
            own["rng_cuda"] = torch.cuda.get_rng_state(self.accelerator.device)
        if self.state is not None:
            own |= {"h": self.state[0].cpu(), "c": self.state[1].cpu()}
        return own

    def load(self, path: str | os.PathLike[str]) -> None:
        tensors, content = read(path, "training checkpoint")
        given = describe(self.model) | {"settings": self.settings}
        for name, value in given.items():
            if content[name] != value:
                raise CheckpointError(
                    f"{path}: cannot be resumed from, because it is of another training: expected "
                    f"{name} {_differences(value, content[name])}"
                )
        self.model.load_state_dict(_named(tensors, "model"))
        self.optimizer.load_state_dict(
            {
                "state": {
                    i: _named(tensors, f"optimizer.{i}") for i in range(len(self.parameters))
                },
                "param_groups": self.optimizer.state_dict()["param_groups"],
            }
        )
        device = self.accelerator.device
        self.best = {name: tensor.to(device) for name, tensor in _named(tensors, "best").items()}
        self.history = History(
            tensors["history.loss"].tolist(),
            tensors["history.gradient_norm"].tolist(),
            content["valid"],
        )
        self.step, self.epoch, self.batch = content["step"], content["epoch"], content["batch"]
        own = _named(tensors, f"process.{self.accelerator.process_index}")
        torch.set_rng_state(own["rng"])
        if "rng_cuda" in own and device.type == "cuda":
            torch.cuda.set_rng_state(own["rng_cuda"], device)
        self.state = (own["h"].to(device), own["c"].to(device)) if "h" in own else None


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = prefix + "."
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def _differences(expected: Any, came: Any) -> str:
    if isinstance(expected, dict) and isinstance(came, dict):
        keys = [key for key in expected | came if expected.get(key) != came.get(key)]
        return ", ".join(f"{key} {expected.get(key)!r}, got {came.get(key)!r}" for key in keys)
    return f"{expected!r}, got {came!r}"


def _share(array: np.ndarray, accelerator: Accelerator, device: torch.device) -> Tensor:
    """Take this process's part of a batch, along the batch axis."""
    if array.size == 0:
        raise ValueError(
            f"expected a batch of at least one time step and one example, got shape {array.shape}"
        )
    parts = np.array_split(array, accelerator.num_processes, axis=min(1, array.ndim - 1))
    return torch.tensor(parts[accelerator.process_index], device=device)


def _not_finite(*arrays: np.ndarray) -> int:
    """Count the numbers that are NaN or infinite."""
    return sum(int(array.size - np.isfinite(array).sum()) for array in arrays)


def _fingerprint(batches: Batches) -> int:
    """Compute a checksum of the first batch, by which a resumed training knows its data."""
    inputs, targets = next(iter(batches.epoch(0)))
    return zlib.crc32(targets.tobytes(), zlib.crc32(inputs.tobytes()))


@contextmanager
def _evaluating(model: SequenceModel) -> Iterator[None]:
    """Put a model in evaluation mode, and afterwards in the mode it was in."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def _ctrl_c(wait: bool) -> Iterator[threading.Event]:
    """Let Ctrl-C set an event, looked at after each step; pressed again, it interrupts at once."""
    pressed = threading.Event()
    if not wait or threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def press(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    previous = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, previous)
