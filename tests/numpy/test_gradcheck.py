"""The check itself: it must pass what is right, and name what is wrong."""

import inspect
import textwrap

import numpy as np
import pytest

import lstmlib.numpy.lstm as lstm_module
from lstmlib.numpy import GRU, LSTM, Dense, Stacked, gradcheck

H = 4


@pytest.fixture
def x():
    return np.random.default_rng(1).standard_normal((3, 2, 5))


@pytest.fixture
def layer():
    return LSTM(5, H, rng=np.random.default_rng(0))


def changed(layer, change):
    """Return a layer whose backward pass changes its results: change(layer, dx, dstate)."""
    right = layer.backward

    def backward(dh, dstate=None, truncate=None):
        dx, dstart = right(dh, dstate, truncate)
        change(layer, dx, dstart)
        return dx, dstart

    layer.backward = backward
    return layer


def add(array, index):
    array[index] += 1e-4 * np.abs(array).max()


@pytest.mark.parametrize("index", [(0, 0), (7, 3), (15, 2)])
def test_names_a_wrong_entry_of_a_weight(layer, x, index):
    worst = gradcheck(changed(layer, lambda l, dx, ds: add(l.grads["W_h"], index)), x)
    assert 1e-5 < worst < 1e-3
    assert (worst.name, worst.index) == ("W_h", index)
    assert str(worst).endswith(
        f"at W_h[{index[0]}, {index[1]}]: backward {worst.entries['W_h'].backward:.6g}, "
        f"central difference {worst.entries['W_h'].difference:.6g}"
    )
    assert max(e.error for name, e in worst.entries.items() if name != "W_h") < 1e-8


def test_names_a_wrong_entry_of_the_input_and_of_the_state(layer, x):
    worst = gradcheck(changed(layer, lambda l, dx, ds: add(dx, (2, 1, 4))), x)
    assert (worst.name, worst.index) == ("x", (2, 1, 4))
    del layer.backward
    worst = gradcheck(changed(layer, lambda l, dx, ds: add(ds.c, (1, 3))), x)
    assert (worst.name, worst.index) == ("state.c", (1, 3))


def test_names_the_part_of_a_combination(x):
    rng = np.random.default_rng(0)
    top = changed(GRU(H, 2, rng=rng), lambda l, dx, ds: add(l.grads["b_hn"], (1,)))
    layer = Stacked([LSTM(5, H, rng=rng), top], dropout=0.5, rng=rng)
    worst = gradcheck(layer, x)
    assert (worst.name, worst.index) == ("1.b_hn", (1,))
    del top.backward
    worst = gradcheck(changed(layer, lambda l, dx, ds: add(ds[0].h, (0, 1))), x)
    assert (worst.name, worst.index) == ("state[0].h", (0, 1))


def test_nan_is_the_worst_error(layer, x):
    def break_it(layer, dx, dstate):
        layer.grads["b"][5] = np.nan

    worst = gradcheck(changed(layer, break_it), x)
    assert (worst.name, worst.index) == ("b", (5,))
    assert not worst <= 1e-6


@pytest.mark.parametrize(
    ("line", "wrong", "gate"),
    [
        ("dz_i = di * i * (1 - i)", "dz_i = di * i", 0),
        ("dz_f = df * f * (1 - f)", "dz_f = df * sigmoid(f) * (1 - sigmoid(f))", 1),
        ("dz_g = dg * (1 - g**2)", "dz_g = dg * (1 - tanh(g) ** 2)", 2),
        ("dz_o = do * o * (1 - o)", "dz_o = do * (1 - o)", 3),
        ("df = dc * c_prev", "df = dc * c", 1),
        ("di = dc * g", "di = dc * f", 0),
    ],
)
def test_a_wrong_line_of_the_backward_step(x, line, wrong, gate):
    """One line changed: the wrong entries are those of its gate, in every weight."""
    source = inspect.getsource(lstm_module.lstm_step_backward)
    assert source.count(line) == 1
    namespace = dict(vars(lstm_module))
    exec(source.replace(line, wrong), namespace)
    rng = np.random.default_rng(0)
    weights = LSTM(5, H, rng=rng).params
    state, dstate = (tuple(rng.standard_normal((2, 2, H))) for _ in range(2))

    def step(backward):
        def function(weights):
            new, cache = lstm_module.lstm_step(x[0], state, **weights)
            _, _, grads = backward(dstate, cache)
            return sum(float(np.vdot(d, s)) for d, s in zip(dstate, new, strict=True)), grads

        return function

    assert gradcheck(step(lstm_module.lstm_step_backward), weights) < 1e-8
    worst = gradcheck(step(namespace["lstm_step_backward"]), weights)
    assert worst > 1e-2
    for entry in worst.entries.values():
        assert entry.error > 1e-2
        assert entry.index[0] // H == gate


@pytest.mark.parametrize(
    "wrong",
    [
        ("dh_t += dh_loss[t]", "dh_t = dh_loss[t].copy()"),
        ("dc *= f", "dc *= 0"),
    ],
)
def test_the_commonest_bug_of_the_layer(layer, x, wrong):
    """What comes back from step t + 1, forgotten."""
    source = textwrap.dedent(inspect.getsource(LSTM.backward)).replace("@checked\n", "")
    assert source.count(wrong[0]) == 1
    namespace = dict(vars(lstm_module))
    exec(source.replace(*wrong), namespace)
    layer.backward = lambda *args: namespace["backward"](layer, *args)
    worst = gradcheck(layer, x)
    assert worst > 1e-2
    assert worst.entries["x"].index[0] < 2  # the last step has nothing after it: its dx is right


def test_leaves_everything_as_it_was(layer, x):
    params, kept = {name: p.copy() for name, p in layer.params.items()}, x.copy()
    state = tuple(np.random.default_rng(2).standard_normal((2, 2, H)))
    kept_state = [s.copy() for s in state]
    assert gradcheck(layer, x, state) < 1e-8
    assert np.array_equal(x, kept)
    for s, k in zip(state, kept_state, strict=True):
        assert np.array_equal(s, k)
    for name, p in layer.params.items():
        assert np.array_equal(p, params[name])


def test_plain_functions():
    x = np.array([0.5, -1.0, 2.0])
    assert gradcheck(lambda x: (float(np.sum(x**3)), 3 * x**2), x) < 1e-8
    worst = gradcheck(lambda x: (float(np.sum(x**3)), 3 * x**2 + [0, 0, 1]), x)
    assert (worst.name, worst.index) == ("x", (2,))
    assert worst == pytest.approx(1 / 12, rel=1e-6)
    constant = gradcheck(lambda x: (1.0, np.zeros_like(x)), x)
    assert constant == 0


def test_layers_without_memory():
    layer = Dense(3, 2, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((4, 3))
    assert set(gradcheck(layer, x).entries) == {"x", "W", "b"}
