"""The two shipped models, opened up: clamped units, cut contexts, removed units (chapter 11)."""

import functools
import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from lstmlib.analysis import (
    back_through,
    best_substitute,
    find_units,
    removal_order,
    substitute_units,
    text_features,
)
from lstmlib.data import (
    RowBatches,
    Streams,
    Vocabulary,
    digits,
    distort,
    rows,
    shakespeare,
    tiny_shakespeare,
    train_valid_split,
)
from lstmlib.lab.experiment import experiment, grid
from lstmlib.numpy import softmax
from lstmlib.torch import CharModel, RowClassifier, evaluate, fit, pretrained
from lstmlib.weights import from_torch, to_torch

Params = dict[str, np.ndarray]
SKIP = 20
"""Characters at the start of every stream that are read but not counted: the state is still new."""


def play(name: str) -> str:
    """Return one of the embedded plays.

    The shipped model was trained on Coriolanus, among others; it has seen nothing of the others.
    """
    lengths = {
        "Coriolanus": 155_166,
        "Hamlet": 170_530,
        "Othello": 147_772,
        "King Lear": 146_578,
        "A Midsummer Night's Dream": 90_233,
        "Twelfth Night": 110_833,
        "Macbeth": 95_852,
        "Julius Caesar": 109_350,
    }
    if name not in lengths:
        raise ValueError(f"expected one of {', '.join(lengths)}, got {name!r}")
    start = sum(list(lengths.values())[: list(lengths).index(name)])
    return shakespeare()[start : start + lengths[name]]


def in_streams(values: np.ndarray, streams: int) -> np.ndarray:
    """Lay (n,) values out as ``Streams`` does, (T, B), without the first ``SKIP`` of a stream."""
    T = (len(values) - 1) // streams
    return values[: streams * T].reshape(streams, T).T[SKIP:]


@functools.cache
def shipped() -> tuple[Params, Params, Vocabulary]:
    """Return layer, read-out and vocabulary of the shipped character model, as plain arrays."""
    model, extra = pretrained("shakespeare")
    (layer,), readout = arrays(model)
    return layer, readout, Vocabulary(extra["alphabet"])


def arrays(model: Any) -> tuple[list[Params], Params]:
    """Return the layers of a character model or classifier, and its read-out, as plain arrays."""
    layers = [from_torch(layer.state_dict()) for layer in model.lstm.layers]
    return layers, from_torch(model.output.state_dict())


def with_arrays(model: Any, layers: Sequence[Params], readout: Params) -> Any:
    """Give a model these layers and this read-out, and return it in evaluation mode."""
    parts = [*model.lstm.layers, model.output]
    for part, params in zip(parts, [*layers, readout], strict=True):
        part.load_state_dict({k: torch.from_numpy(a).float() for k, a in to_torch(params).items()})
    return model.eval()


def char_model(layer: Params, readout: Params, **dropout: float) -> CharModel:
    """Return a character model with these weights, to be run or trained on."""
    H = layer["W_h"].shape[1]
    model = CharModel(len(readout["b"]), hidden_size=H, **dropout)  # type: ignore[arg-type]
    return with_arrays(model, [layer], readout)


@torch.no_grad()
def states_and_losses(
    layer: Params, readout: Params, ids: np.ndarray, streams: int
) -> tuple[np.ndarray, np.ndarray]:
    """Read a text in B streams: h (T, B, H), and the loss of the next character, (T, B)."""
    model = char_model(layer, readout)
    batches = Streams(ids, streams, (len(ids) - 1) // streams)
    x, y = torch.from_numpy(batches.inputs.copy()), torch.from_numpy(batches.targets.copy())
    h, _ = model.lstm(F.embedding(x, model.one_hot))
    losses = F.cross_entropy(model.output(h).flatten(0, 1), y.flatten(), reduction="none")
    return h[SKIP:].numpy(), losses.view(y.shape)[SKIP:].numpy()


CONTEXTS = {
    "late in a line": ("position in line", 30),
    "in a question": ("question", 0),
    "in a speaker's name": ("speaker's name", 0),
    "late in a word": ("position in word", 4),
}
"""Where a feature is above a limit: its unit is expected to matter there."""


@functools.cache
def followers(text: str = "Hamlet", characters: int = 40_000) -> tuple[dict, np.ndarray]:
    """Search the units that follow the features of a text; also the mean of every unit."""
    layer, readout, vocabulary = shipped()
    passage = play(text)[:characters]
    h, _ = states_and_losses(layer, readout, vocabulary.encode(passage), 40)
    features = {k: in_streams(f, 40).ravel() for k, f in text_features(passage).items()}
    states = h.reshape(-1, h.shape[-1]).astype(np.float64)
    return find_units(states, features, 3), states.mean(axis=0)


def clamping(unit: int, mean: float, ids: np.ndarray, streams: int) -> np.ndarray:
    """Return the loss at every character with one unit held at its mean, (T, B)."""
    layer, readout, _ = shipped()
    H = layer["W_h"].shape[1]
    clamped = substitute_units(layer, readout, [unit], np.zeros((1, H - 1)), np.array([mean]))
    return states_and_losses(*clamped, ids, streams)[1]


@experiment(
    "What does it cost to clamp a unit inside the context that it follows, and outside?",
    conditions=grid(text=["Julius Caesar", "Coriolanus"]),
    seeds=range(5),
)
def clamped_units(
    seed: int, *, text: str, characters: int = 16_000, controls: int = 20
) -> dict[str, Any]:
    """Clamp the unit found for each context, and random units, on the seed's own passage."""
    layer, readout, vocabulary = shipped()
    whole = play(text)
    start = seed * (len(whole) - characters) // 4
    passage = whole[start : start + characters]
    ids, B = vocabulary.encode(passage), 80
    features = {k: in_streams(f, B) for k, f in text_features(passage).items()}
    found, mean = followers()
    chosen = {unit for feature, _ in CONTEXTS.values() for unit, _ in found[feature]}
    others = np.setdiff1d(np.arange(len(mean)), list(chosen))
    drawn = np.random.default_rng(seed).choice(others, controls, replace=False).tolist()
    _, before = states_and_losses(layer, readout, ids, B)
    change = {u: clamping(u, mean[u], ids, B) - before for u in [*chosen, *drawn]}
    result: dict[str, Any] = {"loss": float(before.mean()), "drawn": drawn}
    for context, (feature, limit) in CONTEXTS.items():
        inside = features[feature] > limit
        units = [unit for unit, _ in found[feature]]
        result |= {f"{context}: units": units, f"{context}: characters": int(inside.sum())}
        for who, some in {"found": units, "random": drawn}.items():
            for where, part in {"inside": inside, "outside": ~inside}.items():
                effects = [float(change[u][part].mean()) for u in some]  # eq-inside-effect
                result[f"{context}: {who} {where}"] = effects
    return result


LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200]


@experiment(
    "How much of the text before a character does the shipped model use?",
    conditions=grid(text=["Julius Caesar"]),
    seeds=range(5),
)
def cut_context(seed: int, *, text: str, places: int = 500) -> dict[str, Any]:
    """Predict characters of a play from the last k before them, k in ``LENGTHS``, and from 400."""
    layer, readout, vocabulary = shipped()
    ids = vocabulary.encode(play(text))
    at = np.random.default_rng(seed).choice(np.arange(400, len(ids)), places, replace=False)
    *cut, full = (loss_at(layer, readout, ids, at, k) for k in [*LENGTHS, 400])
    return {"cut": cut, "full": full}


@torch.no_grad()
def loss_at(layer: Params, readout: Params, ids: np.ndarray, at: np.ndarray, k: int) -> float:
    """Return the mean loss of the characters at some places, each read with the k before it."""
    model = char_model(layer, readout)
    logits = []
    for some in np.array_split(at, -(-len(at) // 250)):
        x = torch.from_numpy(ids[some + np.arange(-k, 0)[:, None]])
        h, _ = model.lstm(F.embedding(x, model.one_hot))
        logits.append(model.output(h[-1]))
    return F.cross_entropy(torch.cat(logits), torch.from_numpy(ids[at])).item()  # eq-inside-context


def importance(
    layers: Sequence[Params], readout: Params, x: np.ndarray, *, every_step: bool, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each layer, its states (N, H) and how much an error in each unit costs, (H,).

    The cost is the mean square of dL/dh, for answers drawn from the model's own probabilities: the
    diagonal of the Fisher information. There is an answer at every step, or at the last one only.
    """
    rng = np.random.default_rng(seed)
    inputs = [x]
    for params in layers:
        model = torch.nn.LSTM(params["W_x"].shape[1], params["W_h"].shape[1])
        model.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(params).items()})
        with torch.no_grad():
            inputs.append(model(torch.from_numpy(inputs[-1]))[0].numpy())
    p = softmax(inputs[-1] @ readout["W"].T + readout["b"])
    below = rng.random((*p.shape[:2], 1)) > p.cumsum(axis=-1)
    drawn = below.sum(axis=-1).clip(max=p.shape[-1] - 1)
    gradient = ((p - np.eye(p.shape[-1])[drawn]) @ readout["W"]).astype(x.dtype)
    if not every_step:
        gradient[:-1] = 0
    found = []
    for params, below_it, h in zip(layers[::-1], inputs[-2::-1], inputs[:0:-1], strict=True):
        total, gradient = back_through(params, below_it, gradient)
        H = h.shape[-1]
        weight = (total.astype(np.float64) ** 2).reshape(-1, H).mean(axis=0)
        found.append((h.reshape(-1, H).astype(np.float64), weight))
    return found[::-1]


def smaller(
    layer: Params, readout: Params, h: np.ndarray, units: Sequence[int]
) -> tuple[Params, Params]:
    """Remove units, the others standing in for them as least squares over the states h has it."""
    return substitute_units(layer, readout, units, *best_substitute(h, units))


def text_statistics(seed: int, characters: int = 30_000) -> tuple[np.ndarray, np.ndarray]:
    """Return states and importances of the shipped character model on the seed's passage.

    The passage is of Coriolanus, on which the model was trained.
    """
    layer, readout, vocabulary = shipped()
    whole = play("Coriolanus")[:140_000]
    start = seed * (len(whole) - characters) // 4
    ids = vocabulary.encode(whole[start : start + characters])
    x = np.eye(len(vocabulary), dtype=np.float32)[in_streams(ids, 150)]
    return importance([layer], readout, x, every_step=True, seed=seed)[0]


REMOVED = [22, 45, 67, 90, 112, 157, 224]


@experiment(
    "How many units of the shipped character model can go, and what does it cost?",
    conditions=grid(choice=["least cost", "random"], folded=[True, False]),
    seeds=range(5),
)
def pruned_text(
    seed: int, *, choice: str, folded: bool, characters: int = 40_000
) -> dict[str, Any]:
    """Remove more and more units, without training on, and measure on Julius Caesar.

    ``folded``: the others stand in for them; otherwise their means do.
    """
    layer, readout, vocabulary = shipped()
    h, weight = text_statistics(seed)
    if choice == "random":
        order = np.random.default_rng(seed).permutation(len(weight))[: max(REMOVED)].tolist()
    else:
        order = removal_order(h, weight, max(REMOVED))
    ids = vocabulary.encode(play("Julius Caesar")[:characters])
    full = states_and_losses(layer, readout, ids, 100)[1].mean()
    losses = []
    for count in REMOVED:
        units = order[:count]
        A, a = best_substitute(h, units)
        if not folded:
            A, a = np.zeros_like(A), h.mean(axis=0)[units]
        losses.append(
            states_and_losses(*substitute_units(layer, readout, units, A, a), ids, 100)[1]
        )
    return {"full": float(full), "losses": [float(loss.mean()) for loss in losses]}


def tuned_text(seed: int, removed: int, epochs: int, lr: float) -> dict[str, Any]:
    """Remove units, train the rest on, and measure on text that neither has been trained on.

    The recipe is that of the shipped model, with less dropout where there are fewer units.
    """
    os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
    layer, readout, vocabulary = shipped()
    train, valid = (vocabulary.encode(part) for part in train_valid_split(tiny_shakespeare()))
    held_out = {"valid": valid, "caesar": vocabulary.encode(play("Julius Caesar"))}
    result: dict[str, Any] = {}

    def measure(model: CharModel, when: str) -> None:
        for name, ids in held_out.items():
            result[f"{name} {when}"] = evaluate(model, Streams(ids, 20, 256))["loss"]

    measure(char_model(layer, readout), "shipped")
    share = 1 - removed / len(readout["W"][0])
    dropout = {"dropout": 0.4 * share, "weight_drop": 0.25 * share}
    if removed:
        h, weight = text_statistics(seed)
        layer, readout = smaller(layer, readout, h, removal_order(h, weight, removed))
    model = char_model(layer, readout, **dropout)
    measure(model, "before")
    ids = np.concatenate([[vocabulary.START], train, [vocabulary.END]])
    fit(model, Streams(ids, 32, 64), epochs=epochs, lr=lr, seed=seed, progress=False)
    measure(model, "after")
    return result


@experiment(
    "What do a few more epochs give the character model with a quarter of its units removed?",
    conditions=grid(removed=[112, 0], epochs=[6]),
    seeds=[0],
)
def tuned_text_long(seed: int, *, removed: int, epochs: int) -> dict[str, Any]:
    """Train both on in the same way: what the removal costs is the difference."""
    return tuned_text(seed, removed, epochs, lr=2e-3)


@experiment(
    "How much does one more epoch differ from seed to seed?",
    conditions=grid(removed=[112], epochs=[1]),
    seeds=range(5),
)
def tuned_text_brief(seed: int, *, removed: int, epochs: int) -> dict[str, Any]:
    """Remove units and train the rest on for a short time, once a seed."""
    return tuned_text(seed, removed, epochs, lr=1e-3)


@experiment(
    "How many units of the shipped digit classifier can go, and what does it cost?",
    conditions=grid(removed=[0, 48, 96], epochs=[0, 6]),
    seeds=range(5),
)
def pruned_digits(seed: int, *, removed: int, epochs: int) -> dict[str, Any]:
    """Remove units from each of the two layers, train the rest on, and measure on the test digits.

    Training is that of the shipped model, shorter and with a smaller rate; the seed draws the order
    and the distortions of the digits.
    """
    data = digits()
    model, _ = pretrained("digits")
    test = RowBatches(data.test_images, data.test_labels, 250)
    before = evaluate(model, test)
    (lower, upper), readout = arrays(model)
    if removed:
        images = np.random.default_rng(seed).choice(len(data.train_images), 1_000, replace=False)
        x = rows(data.train_images[images])
        found = importance([lower, upper], readout, x, every_step=False, seed=seed)
        (h_lower, w_lower), (h_upper, w_upper) = found
        upper, readout = smaller(upper, readout, h_upper, removal_order(h_upper, w_upper, removed))
        units = removal_order(h_lower, w_lower, removed)
        inner = {"W": upper["W_x"], "b": upper["b"]}
        lower, inner = smaller(lower, inner, h_lower, units)
        upper = {"W_x": inner["W"], "W_h": upper["W_h"], "b": inner["b"]}
    H = lower["W_h"].shape[1]
    model = RowClassifier(hidden_size=H, num_layers=2, dropout=0.4 * H / 192)
    with_arrays(model, [lower, upper], readout)
    if epochs:
        augment = functools.partial(distort, rotation=12, scale=0.12, shear=0.15, shift=2.5)
        batches = RowBatches(data.train_images, data.train_labels, 64, seed=seed, augment=augment)
        fit(model, batches, epochs=epochs, lr=1e-3, seed=seed, progress=False)
    after = evaluate(model, test)
    return {
        "shipped loss": before["loss"],
        "shipped right": round(before["accuracy"] * len(data.test_labels)),
        "loss": after["loss"],
        "right": round(after["accuracy"] * len(data.test_labels)),
    }


@experiment(
    "How much faster does the character model read with a quarter of its units removed?",
    conditions=grid(streams=[1, 50]),
    seeds=range(5),
)
def pruned_speed(seed: int, *, streams: int, removed: int = 112) -> dict[str, Any]:
    """Time both on the same text, in turns, and return the time of each and their ratio."""
    layer, readout, vocabulary = shipped()
    H = layer["W_h"].shape[1]
    units = np.random.default_rng(seed).permutation(H)[:removed].tolist()
    nothing = np.zeros((removed, H - removed)), np.zeros(removed)
    models = [char_model(layer, readout)]
    models.append(char_model(*substitute_units(layer, readout, units, *nothing)))
    ids = vocabulary.encode(play("Julius Caesar")[: 100 * streams])
    x = torch.from_numpy(ids.reshape(streams, -1).T.copy())
    times: list[list[float]] = [[], []]
    with torch.no_grad():
        for _ in range(12):
            for model, taken in zip(models, times, strict=True):
                start = time.perf_counter()
                model(x)
                taken.append(time.perf_counter() - start)
    full, small = (min(taken) for taken in times)
    return {"full": full, "smaller": small, "ratio": full / small}
