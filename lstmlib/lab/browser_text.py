"""How well a character model predicts that is small enough for a page (``lstmlib.widgets``)."""

import os

import numpy as np
import torch

from lstmlib.data import Streams, Vocabulary, shakespeare, train_valid_split
from lstmlib.lab.experiment import Result, experiment, grid
from lstmlib.torch import CharModel, evaluate, fit, pretrained
from lstmlib.weights import from_torch, to_torch

TRAIN, VALID = train_valid_split(shakespeare())
VOCABULARY = Vocabulary.from_text(TRAIN + VALID)


def measure(model: CharModel, vocabulary: Vocabulary) -> float:
    """Return the loss on the validation text, in the streams in which chapter 9 measures."""
    ids = np.append(vocabulary.START, vocabulary.encode(VALID))
    return evaluate(model, Streams(ids, 32, 256))["loss"]


def train(seed: int, hidden_size: int, embedding_size: int, epochs: int) -> CharModel:
    """Train on the first nine tenths of the embedded text, and keep the last weights."""
    # Products in bfloat16, as for the larger model: see tools/train_shipped.py.
    os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CharModel(len(VOCABULARY), hidden_size, embedding_size=embedding_size)
    ids = np.concatenate([[VOCABULARY.START], VOCABULARY.encode(TRAIN), [VOCABULARY.END]])
    fit(model, Streams(ids, 32, 64), epochs=epochs, lr=0.01, seed=seed, progress=False)
    return model


def rounded(model: CharModel) -> dict[str, np.ndarray]:
    """Return the weights in half precision, named as ``lstmlib.widgets.text_model`` has them."""
    assert model.embedding is not None
    output = from_torch(model.output.state_dict())
    arrays = {
        "E": model.embedding.weight.detach().numpy(),
        **from_torch(model.lstm.layers[0].state_dict()),
        "W": output["W"],
        "b_out": output["b"],
    }
    return {name: array.astype(np.float16) for name, array in arrays.items()}


def restored(arrays: dict[str, np.ndarray]) -> CharModel:
    """Return a model with these weights, to be measured."""
    layer = to_torch({name: arrays[name] for name in ("W_x", "W_h", "b")})
    output = to_torch({"W": arrays["W"], "b": arrays["b_out"]})
    tensors = {"embedding.weight": arrays["E"]}
    tensors |= {f"lstm.layers.0.{name}": a for name, a in layer.items()}
    tensors |= {f"output.{name}": a for name, a in output.items()}
    V, D = arrays["E"].shape
    model = CharModel(V, arrays["W_h"].shape[1], embedding_size=D)
    model.load_state_dict({name: torch.from_numpy(a).float() for name, a in tensors.items()})
    return model


def counted() -> dict[str, float]:
    """Return the losses of a table of letters and of one of pairs: eq-shakespeare-counts."""
    train, valid = (np.append(VOCABULARY.START, VOCABULARY.encode(text)) for text in (TRAIN, VALID))
    V = len(VOCABULARY)
    N = np.zeros((V, V))
    np.add.at(N, (train[:-1], train[1:]), 1)
    letters = (N.sum(axis=0) + 1) / (N.sum() + V)
    pairs = (N + 1) / (N.sum(axis=1, keepdims=True) + V)
    return {
        "letter counts": float(-np.log(letters[valid[1:]]).mean()),
        "pair counts": float(-np.log(pairs[valid[:-1], valid[1:]]).mean()),
    }


@experiment(
    "How well does a character model predict that a page can carry?",
    conditions=grid(hidden_size=[112], embedding_size=[24], epochs=[16]),
    seeds=range(5),
)
def browser_text(seed: int, *, hidden_size: int, embedding_size: int, epochs: int) -> Result:
    """Train, round to 16 bits, and measure on the validation text, most of *Julius Caesar*.

    Returns
    -------
    loss, rounded loss
        Nats a character, with weights in 32 bits and after rounding.
    weights, bytes
        How many there are, and how long they are in base64.
    shipped
        Loss of the larger model that comes with the library, trained on another text.
    letter counts, pair counts
        Losses of tables that only count.
    """
    model = train(seed, hidden_size, embedding_size, epochs)
    arrays = rounded(model)
    larger, extra = pretrained("shakespeare")
    return {
        "loss": measure(model, VOCABULARY),
        "rounded loss": measure(restored(arrays), VOCABULARY),
        "weights": sum(array.size for array in arrays.values()),
        "bytes": sum(4 * -(-array.nbytes // 3) for array in arrays.values()),
        "shipped": measure(larger, Vocabulary(extra["alphabet"])),  # type: ignore[arg-type]
        **counted(),
    }
