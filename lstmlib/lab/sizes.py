"""What hidden size and layers do to the digit classifier and the character model (chapter 8)."""

import numpy as np
import torch

from lstmlib.data import RowBatches, Streams, Vocabulary, digits, shakespeare, train_valid_split
from lstmlib.lab.experiment import Condition, Result, experiment
from lstmlib.torch import CharModel, RowClassifier, evaluate, fit

DIGITS: list[Condition] = [
    {"hidden_size": hidden_size, "num_layers": num_layers}
    for hidden_size, num_layers in [(8, 1), (16, 1), (32, 1), (64, 1), (128, 1), (64, 2), (64, 3)]
]
CHARACTERS: list[Condition] = [
    {"hidden_size": hidden_size, "num_layers": num_layers}
    for hidden_size, num_layers in [(16, 1), (32, 1), (64, 1), (128, 1), (256, 1), (64, 2), (64, 3)]
]


@experiment(
    "How do hidden size and layers change what a row classifier gets right?",
    conditions=DIGITS,
    seeds=range(5),
)
def digit_sizes(seed: int, *, hidden_size: int, num_layers: int) -> Result:
    """Train on 3,600 embedded digits for 8 epochs, and measure on the 400 held out.

    Returns
    -------
    accuracy, loss
        On the held-out digits, with the weights of the epoch that is best on them.
    train_loss
        Mean loss of the last epoch's batches.
    weights
        How many there are.
    """
    data = digits()
    held_out = np.arange(len(data.train_images)) % 10 == 9
    train, valid = (
        RowBatches(data.train_images[part], data.train_labels[part], 64, seed=seed)
        for part in (~held_out, held_out)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RowClassifier(hidden_size=hidden_size, num_layers=num_layers, dropout=0.0)
    history = fit(model, train, valid, epochs=8, lr=0.005, seed=seed, progress=False)
    return {
        **evaluate(model, valid),
        "train_loss": float(np.mean(history.loss[-len(train) :])),
        "weights": sum(p.numel() for p in model.parameters()),
    }


@experiment(
    "How do hidden size and layers change how well a character model predicts?",
    conditions=CHARACTERS,
    seeds=range(5),
)
def character_sizes(seed: int, *, hidden_size: int, num_layers: int) -> Result:
    """Train on Shakespeare for 400 updates of 32 × 64 characters; measure on 20,000 held out.

    Returns
    -------
    loss
        Nats a character, of the text that was held out.
    train_loss
        Of the last 50 batches.
    weights
        How many there are.
    """
    text = shakespeare()
    vocabulary = Vocabulary.from_text(text)
    train_text, valid_text = train_valid_split(text)
    train = Streams(vocabulary.encode(train_text), 32, 64)
    valid = Streams(vocabulary.encode(valid_text[:20000]), 4, 200)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CharModel(len(vocabulary), hidden_size, num_layers, embedding_size=32)
    history = fit(model, train, steps=400, lr=0.01, seed=seed, progress=False)
    return {
        "loss": evaluate(model, valid)["loss"],
        "train_loss": float(np.mean(history.loss[-50:])),
        "weights": sum(p.numel() for p in model.parameters()),
    }
