"""What fit, evaluate and their errors promise."""

import math
import re

import numpy as np
import pytest
import torch

from lstmlib.data import RowBatches, Streams, Vocabulary
from lstmlib.torch import (
    CharModel,
    Forecaster,
    RowClassifier,
    TrainingDivergedError,
    evaluate,
    fit,
    sample,
)
from lstmlib.torch.training import learning_rate


class Listed:
    """Batches that are a list of pairs."""

    def __init__(self, *pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def epoch(self, k):
        return iter(self.pairs)


def row_batches(count=3, B=4, T=5, D=28, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.random((T, B, D), dtype=np.float32), rng.integers(0, 10, B)) for _ in range(count)]


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same_bits(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_a_tiny_model_overfits_a_tiny_text():
    text = "the quick brown fox jumps over the lazy dog.\n"
    vocabulary = Vocabulary.from_text(text)
    symbols = np.append(vocabulary.START, vocabulary.encode(text * 4))
    torch.manual_seed(0)
    model = CharModel(len(vocabulary), 32)
    history = fit(model, Streams(symbols, 1, 45), epochs=60, lr=0.02, progress=False)
    assert history.loss[0] > 3
    assert history.loss[-1] < 0.05
    assert sample(model, vocabulary, length=90, temperature=0) == text * 2


def test_fit_is_the_plain_loop(small):
    """AdamW with the schedule, clipping and the carried state, written out by hand."""
    plain = {"dropout": 0.0, "weight_drop": 0.0}
    model, expected = small.model(**plain), small.model(**plain)
    history = fit(
        model,
        small.train,
        epochs=2,
        lr=0.01,
        warmup=0.3,
        weight_decay=0.1,
        clip=0.2,
        progress=False,
    )
    matrices = [p for p in expected.parameters() if p.ndim >= 2]
    vectors = [p for p in expected.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    )
    losses, norms = [], []
    for epoch in range(2):
        state = None
        for inputs, targets in small.train.epoch(epoch):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(len(losses), 10, 0.01, 0.3)
            loss, (h, c) = expected.loss(torch.tensor(inputs), torch.tensor(targets), state)
            state = h.detach(), c.detach()
            optimizer.zero_grad()
            loss.backward()
            squares = sum(float((p.grad.double() ** 2).sum()) for p in expected.parameters())
            norms.append(math.sqrt(squares))
            for p in expected.parameters():
                p.grad *= min(1.0, 0.2 / (norms[-1] + 1e-6))
            optimizer.step()
            losses.append(loss.item())
    assert max(norms) > 0.2  # clipping took place
    assert history.gradient_norm == pytest.approx(norms, rel=1e-5)
    assert history.loss == pytest.approx(losses, rel=1e-5)
    for p, q in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def test_learning_rate():
    rates = [learning_rate(step, 100, 2.0, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) * 0.2)
    assert max(rates) == rates[9] == 2.0
    assert np.all(np.diff(rates[9:]) < 0)
    assert rates[-1] == pytest.approx(1 - math.cos(math.pi / 91))
    assert learning_rate(0, 1, 2.0, 0.02) == 2.0


def test_the_best_weights_are_kept(small):
    """Validated on text the training unlearns: the first epoch is the best one."""
    symbols = np.tile([1, 2], 50)
    unlearnt = Streams(symbols, 1, 20)
    model = small.model(dropout=0.0, weight_drop=0.0)
    fit(model, unlearnt, epochs=10, lr=0.02, progress=False)
    other = Streams(np.tile([3, 4], 50), 1, 20)
    history = fit(model, other, unlearnt, epochs=4, lr=0.02, progress=False)
    losses = [scores["loss"] for scores in history.valid]
    assert losses[0] == min(losses) < max(losses)
    assert history.best == history.valid[0]
    assert evaluate(model, unlearnt)["loss"] == losses[0]
    assert not model.training


def test_fit_reproduces_itself_and_leaves_the_generator_alone(small):
    a, b, c = small.model(), small.model(), small.model()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    small.fit(a)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1  # as the fixture set it
    torch.manual_seed(6)
    small.fit(b)
    small.fit(c, seed=8)
    assert same_bits(weights_of(a), weights_of(b))
    assert not same_bits(weights_of(a), weights_of(c))


def test_state_is_carried_and_reset_at_each_epoch(small):
    seen = []

    class Watched(CharModel):
        def loss(self, symbols, targets, state=None):
            seen.append(state)
            loss, last = super().loss(symbols, targets, state)
            self.lasts.append(last)
            return loss, last

    model = Watched(12, 8)
    model.lasts = []
    fit(model, small.train, epochs=2, lr=0.01, progress=False)
    assert [state is None for state in seen] == [True] + [False] * 4 + [True] + [False] * 4
    for state, last in zip(seen[1:5], model.lasts[:4], strict=True):
        assert torch.equal(state[0], last[0])
        assert torch.equal(state[1], last[1])
        assert not state[0].requires_grad
        assert not state[1].requires_grad


def test_evaluate_counts_every_target_once(small):
    """Batches of unequal length, against one pass over everything."""
    model = small.model().eval()
    symbols = small.data[0]
    outputs, _ = model(torch.tensor(symbols[:-1, None]))
    whole = torch.nn.functional.cross_entropy(outputs[:, 0], torch.tensor(symbols[1:]))
    for steps in (1, 7, 50, 192):
        got = evaluate(model, Streams(symbols, 1, steps))
        assert got == {"loss": pytest.approx(whole.item(), rel=1e-6)}

    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28), dtype=np.uint8)
    labels = np.arange(10)
    classifier = RowClassifier(hidden_size=8).eval()
    whole = evaluate(classifier, RowBatches(images, labels, 10))
    parts = evaluate(classifier, RowBatches(images, labels, 4))
    assert set(whole) == {"loss", "accuracy"}
    assert parts == pytest.approx(whole, rel=1e-6)


def test_evaluate_leaves_the_model_as_it_was(small):
    model = small.model()
    before = weights_of(model)
    losses = {evaluate(model, small.valid)["loss"] for _ in range(3)}
    assert len(losses) == 1  # no dropout
    assert model.training
    assert same_bits(weights_of(model), before)


def test_the_forecaster_learns_a_sine():
    t = np.arange(200)
    series = np.sin(2 * np.pi * t / 12).astype(np.float32)
    x = np.stack([series[s : s + 24] for s in range(100)], axis=1)[:, :, None]
    y = np.stack([series[s + 24 : s + 30] for s in range(100)], axis=1)[:, :, None]
    torch.manual_seed(0)
    model = Forecaster(1, 16, horizon=6)
    history = fit(model, Listed((x, y)), Listed((x, y)), epochs=150, lr=0.02, progress=False)
    assert history.valid[0]["loss"] > 0.3
    assert history.best["loss"] < 0.01


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_input_stops_training_and_keeps_weights_and_checkpoint(folder, bad):
    pairs = row_batches(4)
    pairs[2][0][1, 2, 3:5] = bad
    path = folder / "run.safetensors"
    model = RowClassifier(hidden_size=8)
    fit(model, Listed(*pairs[:2], *pairs[:2]), epochs=1, lr=0.01, checkpoint=path, progress=False)
    saved = path.read_bytes()
    with pytest.raises(TrainingDivergedError) as caught:
        fit(model, Listed(*pairs), epochs=2, lr=0.01, checkpoint=path, progress=False)
    message = str(caught.value)
    assert "step 3 of 8 (epoch 1, batch 3)" in message
    assert "loss is nan" in message
    assert "learning rate 0.00" in message
    assert "gradient norm nan" in message
    assert "Of 564 inputs and targets, 2 are NaN or infinite" in message
    assert "Mend the data" in message
    assert path.read_bytes() == saved
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_divergence_with_finite_inputs_says_so():
    model = RowClassifier(hidden_size=8)
    with torch.no_grad():
        model.output.weight.fill_(3e38)
    with pytest.raises(TrainingDivergedError, match=r"0 are NaN .* smaller learning rate"):
        fit(model, Listed(*row_batches(1)), epochs=1, lr=0.01, progress=False)


def test_an_infinite_gradient_of_a_finite_loss():
    class Steep(RowClassifier):
        def loss(self, *args):
            loss, state = super().loss(*args)
            return loss + (0 * self.output.bias.sum()).sqrt(), state  # its derivative at 0: ∞ · 0

    model = Steep(hidden_size=8)
    with pytest.raises(TrainingDivergedError, match=r"loss is [\d.]+, the gradient norm nan"):
        fit(model, Listed(*row_batches(1)), epochs=1, lr=0.01, progress=False)
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_nan_in_the_targets():
    x, y = np.zeros((5, 3, 1), np.float32), np.zeros((2, 3, 1), np.float32)
    y[1, 2] = np.nan
    with pytest.raises(TrainingDivergedError, match=r"Of 21 inputs and targets, 1 are .* Mend"):
        fit(Forecaster(1, 4, horizon=2), Listed((x, y)), epochs=1, lr=0.01, progress=False)


def test_nan_in_the_validation_data():
    good, bad = row_batches(2)
    bad[0][1, 2, 3] = np.nan
    message = "batch 2 to evaluate on: .* of 564 inputs and targets, 1 are NaN"
    model = RowClassifier(hidden_size=8)
    with pytest.raises(ValueError, match=message):
        evaluate(model, Listed(good, bad))
    assert model.training
    with pytest.raises(ValueError, match=message):
        fit(model, Listed(good), Listed(good, bad), epochs=1, lr=0.01, progress=False)


def test_divergence_seen_in_validation():
    class Diverged(RowClassifier):
        def score(self, *args):
            scores = super().score(*args)
            return scores if self.training else {"loss": scores["loss"] * math.inf}

    batches = Listed(*row_batches(1))
    with pytest.raises(TrainingDivergedError, match="after step 1 the validation loss is inf"):
        fit(Diverged(hidden_size=8), batches, batches, epochs=1, lr=0.01, progress=False)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_batches_without_steps_or_examples(shape):
    empty = Listed((np.zeros(shape, np.int64), np.zeros(shape, np.int64)))
    message = re.escape(f"at least one time step and one example, got shape {shape}")
    with pytest.raises(ValueError, match=message):
        fit(CharModel(5, 4), empty, epochs=1, lr=0.01, progress=False)
    with pytest.raises(ValueError, match=message):
        evaluate(CharModel(5, 4), empty)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.transpose(1, 0, 2), y), r"i64\[4\][\s\S]*B=5"),
        (lambda x, y: (x.astype(np.float64), y), "float64.*float32"),
        (lambda x, y: (x, y.astype(np.float32)), r"f32\[4\][\s\S]*Int"),
    ],
)
def test_swapped_axes_and_wrong_dtypes(change, message):
    model = RowClassifier(hidden_size=8)
    before = weights_of(model)
    batches = Listed(*(change(x, y) for x, y in row_batches()))
    with pytest.raises((ValueError, TypeError), match=message):
        fit(model, batches, epochs=1, lr=0.01, progress=False)
    assert same_bits(weights_of(model), before)


def test_one_example_of_one_step_and_a_huge_rate():
    one = Listed((np.array([[1]]), np.array([[2]])))
    model = CharModel(5, 4)
    history = fit(model, one, one, epochs=2, lr=1e6, progress=False)
    assert len(history.loss) == len(history.valid) == 2
    assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": None}, "expected either epochs or steps, got epochs=None, steps=None"),
        ({"steps": 3}, "expected either epochs or steps, got epochs=3, steps=3"),
        ({"epochs": 0}, "expected at least one step, got 0"),
        ({"lr": 0.0}, "expected lr > 0 and clip > 0, got 0.0 and 1.0"),
        ({"clip": -1.0}, "expected lr > 0 and clip > 0, got 0.01 and -1.0"),
        ({"warmup": math.nan}, "warmup: expected a number from 0 up to but not 1, got nan"),
        ({"resume": True}, "needs the checkpoint"),
        ({"train": Listed()}, "expected at least one training batch, got none"),
        ({"valid": Listed()}, "expected at least one validation batch, got none"),
    ],
)
def test_wrong_arguments(small, changes, message):
    arguments = {"train": small.train, "valid": small.valid} | small.settings | changes
    with pytest.raises(ValueError, match=message):
        fit(small.model(), **arguments)


def test_evaluate_on_nothing():
    with pytest.raises(ValueError, match="expected at least one batch to evaluate on, got none"):
        evaluate(RowClassifier(), Listed())


def test_an_epoch_that_ends_early(small):
    class Short(Listed):
        def epoch(self, k):
            return iter(self.pairs[:2])

    with pytest.raises(ValueError, match="expected 3 batches an epoch, got 2"):
        fit(RowClassifier(hidden_size=8), Short(*row_batches()), epochs=1, lr=0.01, progress=False)


def test_progress_bar(small, capsys):
    small.fit(small.model(), epochs=1, progress=True)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "loss" in shown
    small.fit(small.model(), epochs=1, progress=False)
    assert capsys.readouterr().err == ""
