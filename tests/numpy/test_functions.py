"""Activations, losses and initial weights: their defining properties; and what the import costs."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmlib.numpy import (
    glorot,
    gradcheck,
    identity,
    mean_squared_error,
    orthogonal,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    softmax_cross_entropy,
    tanh,
    tanh_derivative,
    uniform,
)

values = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1000, 1000))


@given(z=values)
def test_activations(z):
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=0, atol=4e-16)
    np.testing.assert_allclose(sigmoid(-z), 1 - sigmoid(z), rtol=0, atol=4e-16)
    assert np.array_equal(tanh(z), np.tanh(z))
    assert np.array_equal(relu(z), np.where(z > 0, z, 0))
    assert (sigmoid_derivative(z) <= 0.25).all()
    assert (tanh_derivative(z) <= 1).all()


@pytest.mark.parametrize(
    ("phi", "derivative"),
    [(sigmoid, sigmoid_derivative), (tanh, tanh_derivative), (relu, relu_derivative)],
)
def test_derivatives(phi, derivative):
    z = np.linspace(-4, 4, 33) + 0.01  # past the corner of ReLU
    assert gradcheck(lambda z: (float(phi(z).sum()), derivative(z)), z) < 1e-8
    assert relu_derivative(np.zeros(1)).item() == 0
    assert derivative(z.astype(np.float32)).dtype == np.float32


@given(z=values, shift=st.floats(-100, 100))
def test_softmax(z, shift):
    p = softmax(z)
    assert p.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(softmax(z + shift), p, rtol=0, atol=1e-12)
    loss, _ = softmax_cross_entropy(z[None], np.array([int(z.argmin())]))
    assert loss >= z.max() - z.min()  # also where the probability underflows to 0
    assert np.isfinite(loss)


def test_losses_by_hand():
    z, targets = np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([1, 0])
    loss, dz = softmax_cross_entropy(z, targets)
    assert loss == pytest.approx((np.log(4 / 3) + np.log(2)) / 2, rel=1e-15)
    np.testing.assert_allclose(dz, [[1 / 8, -1 / 8], [-1 / 4, 1 / 4]], rtol=1e-14)
    loss, dy = mean_squared_error(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))
    assert loss == 2.5
    assert dy.tolist() == [[1, -2]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_keep_the_precision(dtype):
    z = np.ones((2, 3), dtype)
    assert softmax_cross_entropy(z, np.array([0, 1]))[1].dtype == dtype
    assert mean_squared_error(z, 2 * z)[1].dtype == dtype


class TestInitialWeights:
    @pytest.fixture
    def rng(self):
        return np.random.default_rng(0)

    def test_uniform(self, rng):
        w = uniform((200, 100), 0.3, rng=rng)
        assert np.abs(w).max() <= 0.3
        assert w.std() == pytest.approx(0.3 / np.sqrt(3), rel=0.02)
        assert abs(w.mean()) < 0.005

    def test_glorot(self, rng):
        w = glorot((300, 100), rng=rng)
        assert w.var() == pytest.approx(2 / 400, rel=0.03)
        assert np.abs(w).max() <= np.sqrt(6 / 400)

    @pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8), (1, 1)])
    def test_orthogonal(self, rng, shape):
        w = orthogonal(shape, rng=rng)
        assert w.shape == shape
        gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
        np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-14)

    def test_orthogonal_is_uniform(self, rng):
        """Mean 0 and variance 1/N everywhere: without the signs mended, not on the diagonal."""
        draws = np.stack([orthogonal((3, 3), rng=rng) for _ in range(3000)])
        assert np.abs(draws.mean(axis=0)).max() < 0.05
        np.testing.assert_allclose(draws.var(axis=0), 1 / 3, atol=0.03)

    def test_identity(self):
        assert np.array_equal(identity(3), np.eye(3))

    def test_precision(self, rng):
        for w in (
            uniform((2, 3), 1.0, rng=rng, dtype=np.float32),
            glorot((2, 3), rng=rng, dtype=np.float32),
            orthogonal((2, 3), rng=rng, dtype=np.float32),
            identity(2, dtype=np.float32),
        ):
            assert w.dtype == np.float32


def test_import_is_light():
    """In a fresh process, neither torch nor matplotlib comes in, nor the rest of the library."""
    code = (
        "import sys, lstmlib.numpy\n"
        "heavy = {'torch', 'matplotlib', 'keras', 'pooch', 'lstmlib.data', 'lstmlib.torch'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.timing
def test_import_is_quick(tmp_path):
    """At most 0.3 s of processor time, in the quickest of five fresh processes.

    As for everybody who imports it for the second time, its bytecode is there. Where NumPy alone
    takes more than its 0.07 s on a machine at rest, the processor is shared or an old one, and the
    library has more time in proportion.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds(module):
        code = (
            f"import time; start = time.process_time(); import {module}; "
            "print(time.process_time() - start)"
        )
        command = [sys.executable, "-c", code]
        runs = (
            subprocess.run(command, capture_output=True, check=True, env=environment)
            for _ in range(5)
        )
        return min(float(run.stdout) for run in runs)

    assert seconds("lstmlib.numpy") <= 0.3 * max(1, seconds("numpy") / 0.07)
