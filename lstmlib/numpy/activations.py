"""Activation functions and their derivatives, as functions of the pre-activation z.

Chapter 1. Backward passes that still hold the activated value use it instead: with s = σ(z), σ' =
s(1 − s); with a = tanh z, tanh' = 1 − a².
"""

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked

Values = Float[np.ndarray, "*S"]


@checked
def sigmoid(z: Values) -> Values:
    """σ(z) = 1 / (1 + e^−z), from 0 to 1.

    Computed as (1 + tanh(z/2)) / 2, the same function: no exponential that could overflow.
    """
    return 0.5 * (1 + np.tanh(0.5 * z))  # eq-ann-sigmoid


@checked
def sigmoid_derivative(z: Values) -> Values:
    """σ'(z) = σ(z)(1 − σ(z)), at most 1/4."""
    return sigmoid(z) * (1 - sigmoid(z))  # eq-ann-sigmoid, eq-vanishing-slopes


@checked
def tanh(z: Values) -> Values:
    """Hyperbolic tangent tanh z, from −1 to 1."""
    return np.tanh(z)


@checked
def tanh_derivative(z: Values) -> Values:
    """tanh'(z) = 1 − tanh² z, at most 1."""
    return 1 - np.tanh(z) ** 2  # eq-ann-tanh, eq-vanishing-slopes


@checked
def relu(z: Values) -> Values:
    """Rectified linear unit: max(z, 0)."""
    return np.maximum(z, 0)  # eq-ann-relu


@checked
def relu_derivative(z: Values) -> Values:
    """ReLU'(z): 1 where z > 0, else 0 (at z = 0 too, as in PyTorch)."""
    return (z > 0).astype(z.dtype)  # eq-ann-relu, eq-vanishing-slopes


@checked
def softmax(z: Float[np.ndarray, "*S K"]) -> Float[np.ndarray, "*S K"]:
    """Softmax over the last axis: e^{z_k} / Σ_j e^{z_j}.

    The largest z is subtracted first, which changes nothing but keeps e^z finite.
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)  # eq-ann-softmax
