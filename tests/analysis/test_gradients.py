import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from lstmlib.analysis import jacobian_products, lag_bound, lag_norms, rnn_jacobians
from lstmlib.numpy import RNN, orthogonal

ACTIVATIONS = pytest.mark.parametrize("activation", ["tanh", "relu"])


def states(T, B, H, activation, seed=0):
    rng = np.random.default_rng(seed)
    layer = RNN(2, H, rng=rng, activation=activation)
    x = rng.normal(size=(T, B, 2))
    return layer, x, layer.forward(x)[0]


@ACTIVATIONS
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_products_are_what_the_backward_pass_applies(activation, T, B, H, seed):
    layer, _, h = states(T, B, H, activation, seed)
    products = jacobian_products(rnn_jacobians(layer.params["W_h"], h, activation))
    for i in range(H):  # the gradient of unit i of h_T is row i of dh_T/dh_0
        _, dstate = layer.backward(None, np.tile(np.eye(H)[i], (B, 1)))
        np.testing.assert_allclose(products[T][:, i], dstate, rtol=0, atol=1e-12)


def test_products_of_every_lag_start_from_the_last_step():
    layer, _, h = states(5, 2, 3, "tanh")
    J = rnn_jacobians(layer.params["W_h"], h)
    products = jacobian_products(J)
    assert products.shape == (6, 2, 3, 3)
    np.testing.assert_array_equal(products[0], np.stack([np.eye(3)] * 2))
    np.testing.assert_allclose(products[1], J[4], rtol=1e-15)
    for b in range(2):
        np.testing.assert_allclose(products[2][b], J[4, b] @ J[3, b], rtol=1e-15)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_norms_are_largest_singular_values_below_the_bound(T, H, seed):
    layer, _, h = states(T, 2, H, "tanh", seed)
    W_h = layer.params["W_h"]
    J = rnn_jacobians(W_h, h)
    norms, products = lag_norms(J), jacobian_products(J)
    for k in range(T + 1):
        for b in range(2):
            largest = np.linalg.svd(products[k, b], compute_uv=False)[0]
            assert norms[k, b] == pytest.approx(largest, rel=1e-12)
    assert (norms <= lag_bound(W_h, T)[:, None] * (1 + 1e-12)).all()


def test_bound_is_a_power_of_the_largest_singular_value():
    Q = orthogonal((4, 4), rng=np.random.default_rng(0))
    np.testing.assert_allclose(lag_bound(0.5 * Q, 3), [1, 0.5, 0.25, 0.125], rtol=1e-12)
    np.testing.assert_allclose(lag_bound(2 * Q, 2, steepest=0.25), [1, 0.5, 0.25], rtol=1e-12)


def test_float32_stays_float32():
    h = np.zeros((3, 2, 4), np.float32)
    assert lag_norms(rnn_jacobians(np.eye(4, dtype=np.float32), h)).dtype == np.float32


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="lags is -1"):
        lag_bound(np.eye(2), -1)
    with pytest.raises(ValueError, match=r"steepest -0\.5"):
        lag_bound(np.eye(2), 1, steepest=-0.5)
    with pytest.raises(TypeCheckError, match="h"):
        rnn_jacobians(np.eye(3), np.zeros((5, 2, 4)))
    with pytest.raises(TypeCheckError, match="activation"):
        rnn_jacobians(np.eye(3), np.zeros((5, 2, 3)), "sigmoid")
    with pytest.raises(TypeCheckError, match="J"):
        lag_norms(np.zeros((5, 2, 3, 4)))
