"""The models that come with the library, measured from the files as shipped, and their records."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lstmlib.data import RowBatches, Streams, Vocabulary, digits, train_valid_split
from lstmlib.torch import evaluate, pretrained
from lstmlib.torch.checkpoints import PRETRAINED

RESULTS = Path(__file__).resolve().parents[2] / "results"


def record(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["shakespeare", "digits"])
def test_it_is_small_and_whole(name):
    assert (PRETRAINED / f"{name}.safetensors").stat().st_size <= 2_000_000
    model, _ = pretrained(name)
    assert not model.training
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())
    recipe = record(name)["recipe"]["model"]
    assert {key: model.config[key] for key in recipe} == recipe


def test_the_character_model_is_as_good_as_its_record_says(tiny_text):
    model, extra = pretrained("shakespeare")
    vocabulary = Vocabulary(extra["alphabet"])
    assert vocabulary.alphabet == Vocabulary.from_text(tiny_text).alphabet
    valid = vocabulary.encode(train_valid_split(tiny_text)[1])
    measured = evaluate(model, Streams(valid, 1, 1024))["loss"]
    said = record("shakespeare")["valid"]
    assert said["characters"] == len(valid) - 1
    # Processors add float32 numbers in different orders; over 111,539 characters it averages out.
    assert measured == pytest.approx(said["nats_per_character"], abs=1e-5)
    assert measured <= 1.44


def test_the_row_classifier_is_as_good_as_its_record_says():
    model, _ = pretrained("digits")
    data = digits()
    assert model.config["num_classes"] == len(np.unique(data.test_labels))
    measured = evaluate(model, RowBatches(data.test_images, data.test_labels, 250))
    said = record("digits")["test"]
    assert said["digits"] == len(data.test_labels) == 1000
    assert round(measured["accuracy"] * 1000) == said["right"] >= 980


def test_no_digit_is_both_trained_on_and_tested():
    data = digits()
    train = {image.tobytes() for image in data.train_images}
    assert not train & {image.tobytes() for image in data.test_images}
