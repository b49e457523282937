"""Every wrong input is an error that names what was expected and what came."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from lstmlib.numpy import (
    GRU,
    LSTM,
    MLP,
    RNN,
    SGD,
    Bidirectional,
    Dense,
    Stacked,
    clip_grad_norm,
    gradcheck,
    mean_squared_error,
    softmax_cross_entropy,
)

T, B, D, H = 5, 3, 4, 2


def stacked(D, H, *, rng, dtype=np.float64):
    layers = [LSTM(D, 3, rng=rng, dtype=dtype), GRU(3, H, rng=rng, dtype=dtype)]
    return Stacked(layers)


def bidirectional(D, H, *, rng, dtype=np.float64):
    return Bidirectional(RNN(D, 1, rng=rng, dtype=dtype), RNN(D, H - 1, rng=rng, dtype=dtype))


@pytest.fixture(params=[RNN, LSTM, GRU, stacked, bidirectional])
def layer(request):
    return request.param(D, H, rng=np.random.default_rng(0))


@pytest.fixture
def lstm():
    return LSTM(D, H, rng=np.random.default_rng(0))


@pytest.fixture
def x():
    return np.random.default_rng(1).standard_normal((T, B, D))


def state_of(layer, B):
    """Return a state for a batch of B."""
    return layer.forward(np.zeros((1, B, D)))[1]


class TestSwappedAxes:
    """x (B, T, D) in place of (T, B, D), found as soon as anything else says what B is."""

    def test_state(self, layer, x):
        state = state_of(layer, B)
        swapped = x.swapaxes(0, 1)
        with pytest.raises(TypeCheckError, match=r"(?s)'state'.*f64\[3,\d\].*f64\[3,5,\d\].*B=5"):
            layer.forward(swapped, state)

    def test_lengths(self, layer, x):
        message = r"(?s)'lengths'.*i64\[3\].*f64\[3,5,4\].*T=3\s+B=5"
        with pytest.raises(TypeCheckError, match=message):
            layer.forward(x.swapaxes(0, 1), None, np.array([5, 1, 2]))

    def test_gradient(self, layer, x):
        h, _ = layer.forward(x)
        with pytest.raises(ValueError, match=r"\(3, 5, \d\).*forward returned.*\(5, 3, \d\)"):
            layer.backward(h.swapaxes(0, 1))

    def test_gradient_of_the_state(self, lstm, x):
        lstm.forward(x)
        wrong = np.zeros((B + 1, H))
        with pytest.raises(ValueError, match=r"dstate.[hc] has shape \(4, 2\).*\(3, 2\)"):
            lstm.backward(None, (wrong, wrong))
        with pytest.raises(TypeCheckError, match=r"(?s)'dstate'.*f64\[3,2\].*f64\[4,2\].*B=3"):
            lstm.backward(None, (np.zeros((B, H)), wrong))

    def test_targets(self):
        with pytest.raises(TypeCheckError, match=r"(?s)'targets'.*i64\[3,5\].*f64\[5,3,4\]"):
            softmax_cross_entropy(np.zeros((5, 3, 4)), np.zeros((3, 5), dtype=int))
        with pytest.raises(TypeCheckError, match=r"(?s)'targets'.*f64\[3,5,4\].*f64\[5,3,4\]"):
            mean_squared_error(np.zeros((5, 3, 4)), np.zeros((3, 5, 4)))

    def test_lengths_of_a_loss(self):
        with pytest.raises(ValueError, match=r"lengths has shape \(5,\).*\(5, 3\)"):
            softmax_cross_entropy(
                np.zeros((5, 3, 4)), np.zeros((5, 3), dtype=int), np.ones(5, dtype=int)
            )


class TestType:
    def test_integers(self, layer):
        with pytest.raises(
            TypeCheckError, match=r"(?s)'x'.*i64\[5,3,4\].*Float\[ndarray, 'T B D'\]"
        ):
            layer.forward(np.zeros((T, B, D), dtype=int))

    def test_missing_axis(self, layer):
        with pytest.raises(TypeCheckError, match=r"(?s)'x'.*f64\[3,4\].*Float\[ndarray, 'T B D'\]"):
            layer.forward(np.zeros((B, D)))

    def test_single_into_double(self, layer, x):
        with pytest.raises(
            TypeError, match=r"x is float32, .* float64: pass x.astype\(np.float64\)"
        ):
            layer.forward(x.astype(np.float32))

    @pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
    def test_double_into_single(self, kind, x):
        layer = kind(D, H, rng=np.random.default_rng(0), dtype=np.float32)
        with pytest.raises(TypeError, match="x is float64, .* float32"):
            layer.forward(x)
        state = state_of(kind(D, H, rng=np.random.default_rng(0)), B)
        with pytest.raises(TypeError, match="state.* is float64, .* float32"):
            layer.forward(x.astype(np.float32), state)
        layer.forward(x.astype(np.float32))
        with pytest.raises(TypeError, match="dh is float64, .* float32"):
            layer.backward(np.zeros((T, B, H)))

    def test_a_seed_is_not_a_generator(self):
        with pytest.raises(TypeCheckError, match=r"(?s)'rng'.*42.*Generator"):
            LSTM(D, H, rng=42)

    def test_half_precision(self):
        with pytest.raises(TypeCheckError, match=r"(?s)'dtype'.*float16.*float32.*float64"):
            LSTM(D, H, rng=np.random.default_rng(0), dtype=np.float16)

    def test_targets_are_integers(self):
        with pytest.raises(TypeCheckError, match=r"(?s)'targets'.*f64\[3\].*Int"):
            softmax_cross_entropy(np.zeros((3, 4)), np.zeros(3))

    @pytest.mark.parametrize("make", [lambda r: Dense(D, H, rng=r), lambda r: MLP([D, H], rng=r)])
    def test_layers_without_memory(self, make, x):
        layer = make(np.random.default_rng(0))
        with pytest.raises(TypeError, match="x is float32, .* float64"):
            layer.forward(x.astype(np.float32))
        with pytest.raises(ValueError, match=r"\(5, 3, 3\).*is 3.*input_size is 4"):
            layer.forward(x[..., :3])
        layer.forward(x)
        with pytest.raises(ValueError, match=r"dy has shape \(3, 5, 2\).*\(5, 3, 2\)"):
            layer.backward(np.zeros((B, T, H)))


class TestValues:
    def test_no_steps(self, layer):
        with pytest.raises(ValueError, match=r"x has shape \(0, 3, 4\).*at least 1"):
            layer.forward(np.zeros((0, B, D)))

    def test_no_targets(self):
        with pytest.raises(ValueError, match=r"at least one target.*\(0, 3\)"):
            softmax_cross_entropy(np.zeros((0, 3, 4)), np.zeros((0, 3), dtype=int))
        with pytest.raises(ValueError, match=r"at least one target.*\(0, 3\)"):
            mean_squared_error(np.zeros((0, 3, 4)), np.zeros((0, 3, 4)))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, layer, x, value):
        x[2, 1, 3] = x[4, 0, 0] = value
        message = rf"x\[2, 1, 3\] is {value}: .*finite \(2 of 60 are not\)"
        with pytest.raises(ValueError, match=message):
            layer.forward(x)

    def test_state_not_finite(self, lstm, x):
        c = np.zeros((B, H))
        c[1, 0] = np.nan
        with pytest.raises(ValueError, match=r"state.c\[1, 0\] is nan"):
            lstm.forward(x, (np.zeros((B, H)), c))

    def test_number_of_features(self, layer):
        with pytest.raises(ValueError, match=r"\(5, 3, 7\): .* is 7, .*input_size is 4"):
            layer.forward(np.zeros((T, B, 7)))

    @pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
    def test_number_of_units(self, kind, x):
        layer = kind(D, H, rng=np.random.default_rng(0))
        state = kind(D, H + 1, rng=np.random.default_rng(0)).forward(x)[1]
        with pytest.raises(ValueError, match=r"state.* has shape \(3, 3\): .*hidden_size is 2"):
            layer.forward(x, state)

    @pytest.mark.parametrize("length", [0, -1, T + 1])
    def test_lengths_out_of_range(self, layer, x, length):
        with pytest.raises(ValueError, match=rf"lengths\[1\] is {length}: x has 5 steps.*1 to 5"):
            layer.forward(x, lengths=np.array([1, length, 2]))

    def test_truncate(self, layer, x):
        h, _ = layer.forward(x)
        with pytest.raises(ValueError, match="truncate is 0"):
            layer.backward(h, truncate=0)

    @pytest.mark.parametrize("target", [-1, 4])
    def test_target_out_of_range(self, target):
        targets = np.zeros((2, 3), dtype=int)
        targets[1, 2] = target
        with pytest.raises(ValueError, match=rf"targets\[1, 2\] is {target}: 4 logits, so 0 to 3"):
            softmax_cross_entropy(np.zeros((2, 3, 4)), targets)

    def test_targets_in_the_padding_may_be_anything(self):
        z = np.random.default_rng(0).standard_normal((2, 2, 4))
        targets, lengths = np.array([[1, 2], [3, -1]]), np.array([2, 1])
        loss, dz = softmax_cross_entropy(z, targets, lengths)
        alone = [softmax_cross_entropy(z[:n, b], targets[:n, b])[0] for b, n in enumerate(lengths)]
        assert loss == pytest.approx((2 * alone[0] + alone[1]) / 3, rel=1e-14)
        assert not dz[1, 1].any()

    def test_gradients_not_finite(self):
        grads = {"W": np.array([3.0, np.nan]), "b": np.array([4.0])}
        with pytest.raises(ValueError, match="norm of the gradients is nan; not finite: W"):
            clip_grad_norm(grads, 1.0)
        assert grads["b"].item() == 4


def test_backward_before_forward(layer):
    with pytest.raises(RuntimeError, match="backward needs a forward pass before it"):
        layer.backward(np.zeros((T, B, H)))


@pytest.mark.parametrize("make", [lambda r: Dense(D, H, rng=r), lambda r: MLP([D, H], rng=r)])
def test_backward_before_forward_without_memory(make):
    with pytest.raises(RuntimeError, match="backward needs a forward pass before it"):
        make(np.random.default_rng(0)).backward(np.zeros((B, H)))


class TestConstruction:
    def rng(self):
        return np.random.default_rng(0)

    def test_stacked_sizes(self):
        below, above = LSTM(4, 3, rng=self.rng()), LSTM(5, 2, rng=self.rng())
        with pytest.raises(
            ValueError, match="layer 0 has output_size 3, but layer 1 has input_size 5"
        ):
            Stacked([below, above])

    def test_stacked_types(self):
        below = LSTM(4, 3, rng=self.rng())
        above = LSTM(3, 2, rng=self.rng(), dtype=np.float32)
        with pytest.raises(TypeError, match="layer 0 is float64, layer 1 is float32"):
            Stacked([below, above])

    def test_stacked_of_nothing(self):
        with pytest.raises(ValueError, match="at least one layer"):
            Stacked([])

    @pytest.mark.parametrize("dropout", [-0.1, 1.0])
    def test_dropout_is_a_probability(self, dropout):
        with pytest.raises(ValueError, match=rf"dropout is {dropout}: a probability"):
            Stacked([LSTM(4, 3, rng=self.rng())], dropout=dropout, rng=self.rng())

    def test_dropout_needs_a_generator(self):
        with pytest.raises(ValueError, match=r"dropout is 0.5: pass the rng"):
            Stacked([LSTM(4, 3, rng=self.rng())], dropout=0.5)

    def test_stacked_states(self):
        layer = Stacked([LSTM(4, 3, rng=self.rng())])
        h, state = layer.forward(np.zeros((T, B, D)))
        with pytest.raises(ValueError, match="state has 2 entries, expected .* 1 layers"):
            layer.forward(np.zeros((T, B, D)), state * 2)
        with pytest.raises(ValueError, match="dstate has 2 entries, expected .* 1 layers"):
            layer.backward(h, state * 2)

    def test_bidirectional(self):
        a, b = LSTM(4, 3, rng=self.rng()), LSTM(5, 3, rng=self.rng())
        with pytest.raises(
            ValueError, match="forward_layer has input_size 4, backward_layer has 5"
        ):
            Bidirectional(a, b)
        c = LSTM(4, 3, rng=self.rng(), dtype=np.float32)
        with pytest.raises(TypeError, match="forward_layer is float64, backward_layer is float32"):
            Bidirectional(a, c)

    def test_mlp_needs_sizes(self):
        for sizes in ([3], [3, 0]):
            with pytest.raises(ValueError, match="sizes is"):
                MLP(sizes, rng=self.rng())

    def test_no_units(self):
        for kind in (RNN, LSTM, GRU, Dense):
            for sizes in ((0, 3), (3, 0)):
                with pytest.raises(ValueError, match="is 0: .*at least 1"):
                    kind(*sizes, rng=self.rng())


def test_optimiser_gets_other_gradients():
    params = {"W": np.zeros(3), "b": np.zeros(1)}
    with pytest.raises(ValueError, match="no gradient of b: gradients of W"):
        SGD(params, 0.1).step({"W": np.ones(3)})
    with pytest.raises(ValueError, match=r"W has shape \(3,\), its gradient \(1,\)"):
        SGD(params, 0.1).step({"W": np.ones(1), "b": np.ones(1)})
    assert not params["W"].any()


class TestGradcheck:
    def test_single_precision(self, x):
        layer = LSTM(D, H, rng=np.random.default_rng(0), dtype=np.float32)
        with pytest.raises(TypeError, match="float32.*gradcheck needs float64"):
            gradcheck(layer, x.astype(np.float32))

    def test_missing_gradient(self):
        with pytest.raises(ValueError, match="no gradient of b: gradients of a"):
            gradcheck(lambda p: (0.0, {"a": p["a"]}), {"a": np.ones(2), "b": np.ones(2)})

    def test_gradient_of_another_shape(self):
        with pytest.raises(ValueError, match=r"x has shape \(2,\), its gradient \(3,\)"):
            gradcheck(lambda x: (0.0, np.zeros(3)), np.ones(2))
