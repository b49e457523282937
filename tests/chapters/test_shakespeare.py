"""The labelled equations of chapters/09_shakespeare.ipynb in float64 against the code behind them.

What the chapter defines itself is taken from its cells.
"""

import itertools

import numpy as np
import pytest
import torch

from lstmlib.data import Streams, Vocabulary
from lstmlib.numpy import LSTM, lstm_step, softmax, softmax_cross_entropy
from lstmlib.torch import CharModel, evaluate, sample
from lstmlib.weights import from_torch

CHAPTER = "09_shakespeare"
EXACT = 1e-12
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n"


@pytest.fixture
def vocabulary():
    return Vocabulary.from_text(TEXT)


@pytest.fixture
def model(vocabulary):
    torch.manual_seed(9)
    return CharModel(len(vocabulary), 12, embedding_size=5).double()


def numpy_model(model):
    """Return the same model in NumPy: the embedding E (D, V), the LSTM, W and b of the output."""
    E = model.embedding.weight.detach().numpy().T
    lstm = LSTM(len(E), model.config["hidden_size"], rng=np.random.default_rng(0))
    for name, weight in from_torch(model.lstm.layers[0].state_dict()).items():
        lstm.params[name][...] = weight
    output = from_torch(model.output.state_dict())
    return E, lstm, output["W"], output["b"]


def torch_column(ids):
    return torch.tensor(ids)[:, None]


def test_targets_are_the_inputs_shifted_by_one(vocabulary):
    """eq-shakespeare-targets: targets are the inputs shifted by one."""
    ids = vocabulary.encode(TEXT)
    s = [vocabulary.START, *ids, vocabulary.END]
    x, y = vocabulary.inputs_and_targets(TEXT)
    n = len(TEXT)
    for t in range(1, n + 2):  # arrays count from 0, the equation from 1
        assert x[t - 1] == s[t - 1]
        assert y[t - 1] == s[t]
        if t <= n:
            assert y[t - 1] == x[t]
    for inputs, targets in Streams(ids, 3, 5).epoch(0):
        assert (targets[:-1] == inputs[1:]).all()


def test_the_example_has_the_numbers_of_tiny_shakespeare():
    """eq-shakespeare-targets: the example of the chapter, with the alphabet of that text."""
    alphabet = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    vocabulary = Vocabulary(alphabet)
    x, y = vocabulary.inputs_and_targets("First Citizen:")
    assert len(vocabulary) == 67
    assert x.tolist() == [0, 19, 48, 57, 58, 59, 2, 16, 48, 59, 48, 65, 44, 53, 11]
    assert y.tolist() == [*x[1:].tolist(), 66]


def test_a_one_hot_vector_picks_a_column(rng):
    """eq-shakespeare-onehot: a one hot vector picks a column."""
    V, H = 7, 4
    lstm = LSTM(V, H, rng=rng)
    W_x, W_h, b = lstm.params["W_x"], lstm.params["W_h"], lstm.params["b"]
    for k, e_k in enumerate(np.eye(V)):
        assert np.array_equal(W_x @ e_k, W_x[:, k])
        # the LSTM hears that column and nothing else
        state, _ = lstm_step(e_k[None], (np.zeros((1, H)), np.zeros((1, H))), W_x, W_h, b)
        z_i, _, z_g, z_o = np.split(W_x[:, k] + b, 4)
        c = 1 / (1 + np.exp(-z_i)) * np.tanh(z_g)
        assert np.abs(state.c[0] - c).max() < EXACT
        assert np.abs(state.h[0] - np.tanh(c) / (1 + np.exp(-z_o))).max() < EXACT


def test_an_embedding_is_a_one_hot_input_to_a_product(model, vocabulary):
    """eq-shakespeare-embedding: an embedding is a one hot input to a product."""
    E, lstm, _, _ = numpy_model(model)
    D, V = E.shape
    product = lstm.params["W_x"] @ E
    assert np.linalg.matrix_rank(product) <= D < V
    for k, e_k in enumerate(np.eye(V)):
        assert np.abs(lstm.params["W_x"] @ (E @ e_k) - product[:, k]).max() < EXACT

    one_hot = CharModel(V, model.config["hidden_size"]).double()
    weights = model.state_dict() | {"lstm.layers.0.weight_ih_l0": torch.tensor(product)}
    one_hot.load_state_dict({name: weights[name] for name in one_hot.state_dict()})
    symbols = torch_column(vocabulary.encode(TEXT))
    with torch.no_grad():
        assert (one_hot(symbols)[0] - model(symbols)[0]).abs().max() < EXACT


def test_the_lstm_step(rng):
    """eq-shakespeare-lstm: the lstm step."""
    D, H, B = 3, 4, 2
    lstm = LSTM(D, H, rng=rng)
    x, h, c = rng.standard_normal((5, B, D)), *rng.standard_normal((2, B, H))
    out, last = lstm.forward(x, (h, c))
    for t in range(5):
        state, _ = lstm_step(x[t], (h, c), *(lstm.params[name] for name in ("W_x", "W_h", "b")))
        rows = []
        for b in range(B):  # one example, one gate at a time
            z = [
                W_x @ x[t, b] + W_h @ h[b] + bias
                for W_x, W_h, bias in zip(
                    *(np.split(lstm.params[name], 4) for name in ("W_x", "W_h", "b")), strict=True
                )
            ]
            i, f, o = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
            g = np.tanh(z[2])
            c_t = f * c[b] + i * g
            rows.append((o * np.tanh(c_t), c_t))
        h, c = (np.array(part) for part in zip(*rows, strict=True))
        assert np.abs(state.h - h).max() < EXACT
        assert np.abs(state.c - c).max() < EXACT
        assert np.abs(out[t] - h).max() < EXACT
    assert np.abs(last.c - c).max() < EXACT


def test_logits_and_probabilities(model, vocabulary):
    """eq-shakespeare-output: logits and probabilities."""
    E, lstm, W, b = numpy_model(model)
    ids = vocabulary.encode(TEXT)
    h, _ = lstm.forward(E.T[ids][:, None])
    with torch.no_grad():
        logits = model(torch_column(ids))[0].numpy()
    for t in range(len(ids)):
        z = W @ h[t, 0] + b
        assert np.abs(logits[t, 0] - z).max() < EXACT
        p = np.exp(z) / sum(np.exp(z_j) for z_j in z)
        assert np.abs(softmax(logits)[t, 0] - p).max() < EXACT


def test_the_loss_is_the_mean_surprise(model, vocabulary):
    """eq-shakespeare-loss: the loss is the mean surprise."""
    x, y = vocabulary.inputs_and_targets(TEXT)
    with torch.no_grad():
        loss = model.loss(torch_column(x), torch_column(y))[0].item()
        z = model(torch_column(x))[0].numpy()
    p = softmax(z)[np.arange(len(y)), 0, y]
    assert abs(loss + np.log(np.prod(p)) / len(y)) < EXACT
    assert abs(loss + np.log(p).sum() / len(y)) < EXACT
    assert abs(softmax_cross_entropy(z, y[:, None])[0] - loss) < EXACT
    # the mean over a text that is read in chunks, as evaluate has it
    ids = np.append(vocabulary.START, vocabulary.encode(TEXT))
    streams = Streams(ids, 1, 7)
    assert abs(evaluate(model, streams)["loss"] + np.log(p[:-1]).mean()) < EXACT


@pytest.mark.parametrize("V", [2, 8, 67])
def test_perplexity_counts_equally_likely_symbols(V, defined):
    """eq-shakespeare-perplexity: perplexity counts equally likely symbols."""
    perplexity = defined("units", np=np)["perplexity"]
    loss, _ = softmax_cross_entropy(np.zeros((5, V)), np.arange(5) % V)
    assert abs(perplexity(loss) - V) < V * EXACT


def test_bits_are_nats_over_ln_2(rng, defined):
    """eq-shakespeare-bits: bits are nats over ln 2."""
    units = defined("units", np=np)
    perplexity, bits = units["perplexity"], units["bits"]
    z, y = rng.standard_normal((20, 9)), rng.integers(0, 9, 20)
    loss, _ = softmax_cross_entropy(z, y)
    assert abs(bits(loss) + np.log2(softmax(z)[np.arange(20), y]).mean()) < EXACT
    assert abs(2 ** bits(loss) - perplexity(loss)) < perplexity(loss) * EXACT


def test_tables_that_count(vocabulary, cells):
    """eq-shakespeare-counts: tables that count."""
    train_text, valid_text, V = TEXT[:60], TEXT[60:], len(vocabulary)
    namespace = {
        "np": np, "vocabulary": vocabulary, "V": V,
        "train_text": train_text, "valid_text": valid_text,
    }  # fmt: skip
    exec(cells["counts"], namespace)
    ids = [0, *vocabulary.encode(train_text)]
    n = len(train_text)
    pairs = list(itertools.pairwise(ids))
    for b in range(V):
        assert abs(namespace["letters"][b] - (ids[1:].count(b) + 1) / (n + V)) < EXACT
        for a in range(V):
            q = (pairs.count((a, b)) + 1) / (sum(pair[0] == a for pair in pairs) + V)
            assert abs(namespace["pairs"][a, b] - q) < EXACT
    x, y = [0, *vocabulary.encode(valid_text)][:-1], vocabulary.encode(valid_text)
    nats = namespace["nats"]
    for name, logits in {
        "even guess": np.zeros((len(y), V)),
        "letter counts": np.tile(np.log(namespace["letters"]), (len(y), 1)),
        "pair counts": np.log(namespace["pairs"])[x],
    }.items():
        assert abs(nats[name] - softmax_cross_entropy(logits, y)[0]) < EXACT


def test_a_table_on_its_own_text_has_the_loss_of_the_entropy(vocabulary, defined):
    """eq-shakespeare-entropy: a table on its own text has the loss of the entropy."""
    entropy = defined("entropy-check", np=np)["entropy"]
    ids, V = vocabulary.encode(TEXT), len(vocabulary)
    x, y = ids[:-1], ids[1:]
    N = np.zeros((V, V))
    np.add.at(N, (x, y), 1)
    q_a, q_b = N.sum(1) / N.sum(), N.sum(0) / N.sum()
    q_b_a = np.divide(
        N, N.sum(1, keepdims=True), where=N.sum(1, keepdims=True) > 0, out=np.zeros_like(N)
    )
    assert abs(entropy(q_b) + np.log(q_b[y]).mean()) < EXACT
    assert abs(q_a @ entropy(q_b_a) + np.log(q_b_a[x, y]).mean()) < EXACT
    assert abs(entropy(np.full(8, 1 / 8)) - np.log(8)) < EXACT


@pytest.mark.parametrize("T", [1, 7, 20])
def test_a_carried_state_makes_chunks_one_long_pass(model, vocabulary, T):
    """eq-shakespeare-carry: a carried state makes chunks one long pass."""
    ids = vocabulary.encode(TEXT)
    E, lstm, _, _ = numpy_model(model)
    x = E.T[ids][:, None]
    whole, end = lstm.forward(x)
    with torch.no_grad():
        logits, _ = model(torch_column(ids))
    state = torch_state = None
    for begin in range(0, len(ids), T):
        h, state = lstm.forward(x[begin : begin + T], state)
        assert np.abs(h - whole[begin : begin + T]).max() < EXACT
        with torch.no_grad():
            z, torch_state = model(torch_column(ids[begin : begin + T]), torch_state)
        assert (z - logits[begin : begin + T]).abs().max() < EXACT
    assert np.abs(state.c - end.c).max() < EXACT
    reset, _ = lstm.forward(x[T : T + 1])
    assert np.abs(reset - whole[T]).max() > 1e-3


def test_the_gradient_is_cut_between_chunks(model, vocabulary):
    """eq-shakespeare-cut: the gradient is cut between chunks."""
    T, x, y = 8, *(vocabulary.encode(TEXT)[k : k + 32] for k in (0, 1))
    E, lstm, W, b = numpy_model(model)

    def dh_of(h, targets):  # of the sum of the losses of chunks of T steps
        _, dz = softmax_cross_entropy(h @ W.T + b, targets[:, None])
        return len(targets) / T * dz @ W

    state = None
    model.zero_grad()
    for begin in range(0, 32, T):  # as fit and the chapter's loop have it
        chunk = slice(begin, begin + T)
        loss, state = model.loss(torch_column(x[chunk]), torch_column(y[chunk]), state)
        loss.backward()
        state = tuple(s.detach() for s in state)
    cut = model.lstm.layers[0].weight_hh_l0.grad.numpy()

    h, _ = lstm.forward(E.T[x][:, None])
    lstm.backward(dh_of(h, y), truncate=T)
    assert np.abs(lstm.grads["W_h"] - cut).max() < EXACT
    lstm.backward(dh_of(h, y))
    assert np.abs(lstm.grads["W_h"] - cut).max() > 1e-3 * np.abs(cut).max()


def drawn_from(monkeypatch, model, vocabulary, **options):
    """Return what lstmlib.torch.sample draws the first symbol from, largest first."""
    seen = []
    draw = torch.multinomial

    def multinomial(p, count, **options):
        seen.append(p)
        return draw(p, count, **options)

    monkeypatch.setattr(torch, "multinomial", multinomial)
    sample(model, vocabulary, TEXT, length=1, **options)
    return seen[0].numpy()


@pytest.fixture
def next_probabilities(defined):
    return defined("next", np=np, torch=torch, softmax=softmax)["next_probabilities"]


@pytest.fixture
def logits(model, vocabulary):
    """Logits after START and the text, without START, which is never drawn."""
    with torch.no_grad():
        return model(torch_column(np.append(0, vocabulary.encode(TEXT))))[0][-1, 0].numpy()[1:]


@pytest.mark.parametrize("tau", [0.3, 1.0, 1.7])
def test_temperature_divides_the_logits(
    monkeypatch, model, vocabulary, logits, next_probabilities, tau
):
    """eq-shakespeare-temperature: temperature divides the logits."""
    p = np.array([np.exp(z / tau) for z in logits])
    p /= p.sum()
    assert np.abs(next_probabilities(logits, tau) - p).max() < EXACT
    ours = drawn_from(monkeypatch, model, vocabulary, temperature=tau)
    assert np.abs(ours - np.sort(p)[::-1]).max() < EXACT


def test_the_limits_of_the_temperature(logits, next_probabilities):
    """eq-shakespeare-temperature: near 0 the largest logit alone counts, near infinity none."""
    assert next_probabilities(logits, 1e-4).argmax() == logits.argmax()
    assert next_probabilities(logits, 1e-4).max() > 1 - 1e-9
    assert np.abs(next_probabilities(logits, 1e12) - 1 / len(logits)).max() < 1e-9


@pytest.mark.parametrize("k", [1, 3, 9])
def test_top_k_shares_the_probability_out(
    monkeypatch, model, vocabulary, logits, next_probabilities, k
):
    """eq-shakespeare-topk: top k shares the probability out."""
    p = softmax(logits)
    S = np.argsort(-p)[:k]
    expected = np.zeros_like(p)
    expected[S] = p[S] / p[S].sum()
    assert np.abs(next_probabilities(logits, top_k=k) - expected).max() < EXACT
    ours = drawn_from(monkeypatch, model, vocabulary, top_k=k)
    assert np.abs(ours - expected[S]).max() < EXACT


def test_the_chapters_sampler_agrees_with_the_library(
    model, vocabulary, defined, next_probabilities
):
    """eq-shakespeare-topk: the chapter's sampler writes what the library's writes."""
    write = defined(
        "write", np=np, torch=torch, vocabulary=vocabulary, next_probabilities=next_probabilities
    )["write"]
    model.output.bias.data[[vocabulary.START, vocabulary.END]] = -50.0  # as after training
    written = write(model, TEXT, 40, top_k=1)
    assert [TEXT + text for text in written] == [
        sample(model, vocabulary, TEXT, length=40, temperature=0)
    ]


def test_the_chapters_loop_learns(vocabulary, defined):
    """eq-shakespeare-loss, eq-shakespeare-cut: the chapter's loop lowers the loss."""
    train = defined("train", torch=torch)["train"]
    torch.manual_seed(0)
    model = CharModel(len(vocabulary), 16, embedding_size=8)
    streams = Streams(vocabulary.encode(TEXT * 20), 4, 16)
    steps, losses = zip(*train(model, streams, steps=100, lr=0.02), strict=True)
    assert list(steps) == list(range(1, 101))
    assert losses[-1] < losses[0] - 1
