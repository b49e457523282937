"""The models: their arithmetic, their shapes, and what they refuse."""

import pytest
import torch
from jaxtyping import TypeCheckError

from lstmlib.torch import CharModel, Forecaster, LSTMCell, RowClassifier, unroll


def equations(layer):
    """The cell from the equations, with the weights of a fused layer."""
    cell = LSTMCell(layer.input_size, layer.hidden_size).to(layer.weight_ih_l0.dtype)
    cell.load_state_dict(
        {
            "W_x": layer.weight_ih_l0,
            "W_h": layer.weight_hh_l0,
            "b": layer.bias_ih_l0 + layer.bias_hh_l0,
        }
    )
    return cell


def randomise(model):
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.5)
    return model.double()


@pytest.mark.parametrize("embedding_size", [None, 3])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_char_model_is_its_equations(num_layers, embedding_size):
    torch.manual_seed(0)
    model = randomise(CharModel(5, 4, num_layers, embedding_size=embedding_size))
    symbols = torch.randint(5, (6, 3))
    state = torch.randn(num_layers, 3, 4).double(), torch.randn(num_layers, 3, 4).double()
    logits, (h_last, c_last) = model(symbols, state)

    table = torch.eye(5).double() if embedding_size is None else model.embedding.weight
    x = table[symbols]
    for index, layer in enumerate(model.lstm.layers):
        x, (h, c) = unroll(equations(layer), x, (state[0][index], state[1][index]))
        torch.testing.assert_close(h, h_last[index], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(c, c_last[index], rtol=1e-12, atol=1e-12)
    expected = x @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)

    p = expected.softmax(dim=2)
    targets = torch.randint(5, (6, 3))
    right = p.gather(2, targets[:, :, None])
    torch.testing.assert_close(model.loss(symbols, targets, state)[0], -right.log().mean())


def test_row_classifier_is_its_equations():
    torch.manual_seed(0)
    model = randomise(RowClassifier(7, 4, 3, num_layers=2))
    x = torch.randn(5, 6, 7).double()
    logits, _ = model(x)
    h = x
    for layer in model.lstm.layers:
        h, _ = unroll(equations(layer), h)
    expected = h @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    scores = model.score(logits, labels)
    right = expected[-1].softmax(dim=1)[torch.arange(6), labels]
    torch.testing.assert_close(scores["loss"], -right.log().mean())
    assert scores["accuracy"] == sum(
        int(row.argmax() == label) for row, label in zip(expected[-1], labels, strict=True)
    ) / torch.tensor(6.0)


def test_forecaster_is_its_equations():
    torch.manual_seed(0)
    model = randomise(Forecaster(2, 4, horizon=3))
    x = torch.randn(5, 6, 2).double()
    forecast, _ = model(x)
    h, _ = unroll(equations(model.lstm.layers[0]), x)
    for m in range(3):
        for d in range(2):
            w, b = model.output.weight[2 * m + d], model.output.bias[2 * m + d]
            torch.testing.assert_close(forecast[m, :, d], h[-1] @ w + b, rtol=1e-12, atol=1e-12)
    y = torch.randn(3, 6, 2).double()
    torch.testing.assert_close(model.loss(x, y)[0], ((forecast - y) ** 2).sum() / 36)


def test_carrying_the_state_is_reading_on():
    torch.manual_seed(0)
    model = randomise(CharModel(5, 4, 2))
    symbols = torch.randint(5, (9, 3))
    whole, last = model(symbols)
    first, state = model(symbols[:4])
    second, state = model(symbols[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "model", [CharModel(5, 4, 2), RowClassifier(3, 4, num_layers=2), Forecaster(1, 4, 2, 2)]
)
def test_initialisation(model):
    for layer in model.lstm.layers:
        i, f, g, o = (layer.bias_ih_l0 + layer.bias_hh_l0).split(4)
        assert torch.equal(f, torch.ones(4))
        for other in (i, g, o):
            assert torch.equal(other, torch.zeros(4))
        assert layer.weight_hh_l0.abs().max() <= 0.5  # 1/√H


@pytest.mark.parametrize(
    "model",
    [CharModel(5, 4, 2, 0.1, 3), RowClassifier(3, 4, 6, 2, 0.1), Forecaster(1, 4, 2, 2, 0.1)],
)
def test_config_builds_the_model_again(model):
    again = type(model)(**model.config)
    assert again.config == model.config
    again.load_state_dict(model.state_dict())


def test_dropout_is_where_it_is_said_to_be():
    """Between layers, on what the output reads and on an embedding: each alone changes the loss."""
    symbols = torch.randint(5, (6, 3))
    model = CharModel(5, 8, 2, 0.5, 4)
    for part in ("dropout", "lstm.dropout"):
        model.eval()
        expected, _ = model(symbols)
        assert torch.equal(model(symbols)[0], expected)
        model.get_submodule(part).train()
        assert not torch.equal(model(symbols)[0], expected)
    model.eval()
    model.dropout.train()
    torch.manual_seed(3)
    h, _ = model.lstm(model.dropout(model.embedding(symbols)))
    expected = model.output(model.dropout(h))
    torch.manual_seed(3)
    assert torch.equal(model(symbols)[0], expected)


def test_weight_drop_is_the_equations_with_zeros_in_w_h():
    """The same zeros at every step, the rest scaled up, and the gradients through them."""
    torch.manual_seed(0)
    model = randomise(CharModel(5, 8, 2, weight_drop=0.3)).train()
    symbols = torch.randint(5, (6, 3))
    torch.manual_seed(1)
    logits, _ = model(symbols)
    torch.manual_seed(1)
    layers = model.lstm.layers
    dropped = [torch.nn.functional.dropout(layer.weight_hh_l0, 0.3) for layer in layers]
    x = model.one_hot[symbols]
    for layer, W_h in zip(layers, dropped, strict=True):
        share = (W_h == 0).double().mean()
        assert 0.15 < share < 0.45
        cell = equations(layer)
        cell.W_h = torch.nn.Parameter(W_h.detach())
        x, _ = unroll(cell, x)
    expected = x @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    logits.sum().backward()
    expected.sum().backward()
    dropped = cell.W_h == 0
    gradient = model.lstm.layers[1].weight_hh_l0.grad
    assert not gradient[dropped].any()
    torch.testing.assert_close(
        gradient[~dropped], cell.W_h.grad[~dropped] / 0.7, rtol=1e-12, atol=1e-12
    )
    assert not torch.equal(model(symbols)[0], logits)
    assert torch.equal(model.eval()(symbols)[0], model(symbols)[0])


CHAR, ROWS, FORECAST = CharModel(5, 4), RowClassifier(28, 4), Forecaster(1, 4, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CHAR(torch.zeros(0, 3).long()), ValueError, r"T = 0: \(0, 3, 5\)"),
        (lambda: ROWS(torch.zeros(0, 3, 28)), ValueError, r"T = 0: \(0, 3, 28\)"),
        (lambda: CHAR(torch.zeros(6).long()), TypeCheckError, r"i64\[6\][\s\S]*T B"),
        (lambda: CHAR(torch.zeros(6, 3)), TypeCheckError, r"f32\[6,3\][\s\S]*Int"),
        (lambda: ROWS(torch.zeros(3, 28, 28).int()), TypeCheckError, r"i32\[3,28,28\][\s\S]*Float"),
        (lambda: ROWS(torch.zeros(28, 3, 27)), RuntimeError, "28.*27"),
        (
            lambda: ROWS(torch.zeros(28, 3, 28).double()),
            (RuntimeError, ValueError),
            "Double|float64",
        ),
        (lambda: CHAR(torch.full((6, 3), 5)), IndexError, "out of range"),
        (
            lambda: CHAR.loss(torch.zeros(6, 3).long(), torch.zeros(3, 6).long()),
            TypeCheckError,
            r"i64\[3,6\][\s\S]*B=3",
        ),
        (
            lambda: ROWS.loss(torch.zeros(3, 28, 28), torch.zeros(3).long()),
            TypeCheckError,
            r"i64\[3\][\s\S]*B=28",
        ),
        (
            lambda: FORECAST.loss(torch.zeros(9, 3, 1), torch.zeros(3, 2, 1)),
            TypeCheckError,
            r"f32\[3,2,1\][\s\S]*M=2",
        ),
        (
            lambda: CHAR(torch.zeros(6, 3).long(), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))),
            TypeCheckError,
            r"state[\s\S]*L B H[\s\S]*B=3",
        ),
        (lambda: CharModel(5, 4, 0), ValueError, "num_layers: expected 1 or more, got 0"),
        (lambda: CharModel(5, 4, dropout=1.5), ValueError, "1.5"),
        (lambda: CharModel(5, 4, weight_drop=1.0), ValueError, "from 0 up to but not 1, got 1.0"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
