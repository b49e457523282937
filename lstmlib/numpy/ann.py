"""Layers without memory: a linear map, and several with an activation between (chapter 1)."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy import activations
from lstmlib.numpy._checks import Precision, check_gradient, check_input, check_sizes
from lstmlib.numpy.init import uniform

Function = Callable[[np.ndarray], np.ndarray]
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "sigmoid": (activations.sigmoid, activations.sigmoid_derivative),
    "tanh": (activations.tanh, activations.tanh_derivative),
    "relu": (activations.relu, activations.relu_derivative),
}


class MLP:
    """Multilayer perceptron: a_l = φ(W_l a_{l−1} + b_l) from a_0 = x; the last layer has no φ.

    Parameters
    ----------
    sizes
        The number of inputs, of units of each hidden layer, and of outputs: ``[D, H, K]`` has one
        hidden layer.
    activation
        φ: "tanh", "relu" or "sigmoid".
    rng
        Where the weights are drawn from: uniform in ±1/√(inputs of the layer), as in PyTorch.

    Attributes
    ----------
    params
        ``W1`` (H, D), ``b1`` (H,), ``W2`` (K, H), ``b2`` (K,), and so on.
    grads
        The gradients of the last backward pass, with the same keys and shapes.
    """

    @checked
    def __init__(
        self,
        sizes: Sequence[int],
        *,
        rng: np.random.Generator,
        activation: Literal["tanh", "relu", "sigmoid"] = "tanh",
        dtype: Precision = np.float64,
    ) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes is {sizes}: at least inputs and outputs, each at least 1")
        self.input_size, self.output_size = sizes[0], sizes[-1]
        self.depth = len(sizes) - 1
        self.activation = activation
        self.dtype = dtype
        self.params: dict[str, np.ndarray] = {}
        for l in range(1, self.depth + 1):
            bound = 1 / math.sqrt(sizes[l - 1])
            self.params[f"W{l}"] = uniform((sizes[l], sizes[l - 1]), bound, rng=rng, dtype=dtype)
            self.params[f"b{l}"] = uniform((sizes[l],), bound, rng=rng, dtype=dtype)
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._cache: tuple[list[np.ndarray], list[np.ndarray]] | None = None

    @checked
    def forward(self, x: Float[np.ndarray, "*S D"]) -> Float[np.ndarray, "*S K"]:
        """Compute the outputs y for inputs x with any leading axes: (B, D) or (T, B, D), say.

        Raises
        ------
        TypeError, ValueError
            x has another dtype or number of features than the layer, is empty, or is not finite.
        """
        check_input(x, self.input_size, self.dtype)
        phi, _ = ACTIVATIONS[self.activation]
        z, a = [], [x]
        for l in range(1, self.depth + 1):
            z.append(a[-1] @ self.params[f"W{l}"].T + self.params[f"b{l}"])  # eq-ann-batch
            a.append(phi(z[-1]) if l < self.depth else z[-1])  # eq-ann-hidden, eq-ann-output
        self._cache = z, a
        return a[-1].copy()

    @checked
    def backward(self, dy: Float[np.ndarray, "*S K"]) -> Float[np.ndarray, "*S D"]:
        """Fill ``grads`` from the gradient dy of the outputs, and return dx."""
        if self._cache is None:
            raise RuntimeError(f"{type(self).__name__}.backward needs a forward pass before it")
        z, a = self._cache
        check_gradient("dy", dy, a[-1].shape, self.dtype)
        _, phi_derivative = ACTIVATIONS[self.activation]
        grads = {}
        da = dy
        for l in range(self.depth, 0, -1):
            # eq-ann-backward-hidden
            dz = da * phi_derivative(z[l - 1]) if l < self.depth else da
            rows = dz.reshape(-1, dz.shape[-1])  # all leading axes count as one axis of examples
            # eq-ann-weights, summed over the examples: eq-ann-sum
            grads[f"W{l}"] = rows.T @ a[l - 1].reshape(-1, a[l - 1].shape[-1])
            grads[f"b{l}"] = rows.sum(axis=0)
            da = dz @ self.params[f"W{l}"]  # eq-ann-backward-output, eq-ann-backward-input
        self.grads = {name: grads[name] for name in self.params}
        return da


class Dense:
    """Linear layer y = W x + b, the read-out of a recurrent net.

    Parameters
    ----------
    input_size, output_size
        D and K.
    rng
        Where the weights are drawn from: uniform in ±1/√D, as in PyTorch.

    Attributes
    ----------
    params
        ``W`` (K, D), ``b`` (K,).
    grads
        The gradients of the last backward pass, with the same keys and shapes.
    """

    @checked
    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        rng: np.random.Generator,
        dtype: Precision = np.float64,
    ) -> None:
        check_sizes(input_size=input_size, output_size=output_size)
        self.input_size, self.output_size = input_size, output_size
        self.dtype = dtype
        bound = 1 / math.sqrt(input_size)
        self.params = {
            "W": uniform((output_size, input_size), bound, rng=rng, dtype=dtype),
            "b": uniform((output_size,), bound, rng=rng, dtype=dtype),
        }
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._x: np.ndarray | None = None

    @checked
    def forward(self, x: Float[np.ndarray, "*S D"]) -> Float[np.ndarray, "*S K"]:
        """Compute y = W x + b for inputs x with any leading axes: (B, D) or (T, B, D), say.

        Raises
        ------
        TypeError, ValueError
            x has another dtype or number of features than the layer, is empty, or is not finite.
        """
        check_input(x, self.input_size, self.dtype)
        self._x = x
        return x @ self.params["W"].T + self.params["b"]  # eq-rnn-readout

    @checked
    def backward(self, dy: Float[np.ndarray, "*S K"]) -> Float[np.ndarray, "*S D"]:
        """Fill ``grads`` from the gradient dy of the outputs, and return dx = Wᵀ dy."""
        if self._x is None:
            raise RuntimeError("Dense.backward needs a forward pass before it")
        x = self._x
        check_gradient("dy", dy, (*x.shape[:-1], self.output_size), self.dtype)
        rows = dy.reshape(-1, self.output_size)  # all leading axes count as one axis of examples
        self.grads = {"W": rows.T @ x.reshape(-1, self.input_size), "b": rows.sum(axis=0)}
        return dy @ self.params["W"]
