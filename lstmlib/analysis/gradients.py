"""How a recurrent state depends on earlier ones: Jacobians of steps, their products, their sizes.

Chapter 4. The Jacobian of a step is J_t = dh_t/dh_{t−1}, with the entry (i, j) saying how much
unit i at step t moves with unit j at step t − 1.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked


@checked
def rnn_jacobians(
    W_h: Float[np.ndarray, "H H"],
    h: Float[np.ndarray, "T B H"],
    activation: Literal["tanh", "relu"] = "tanh",
) -> Float[np.ndarray, "T B H H"]:
    """Return J_t = diag(φ'(z_t)) W_h of every step and example of an Elman network.

    Parameters
    ----------
    W_h
        The recurrent weights.
    h
        The states h_1 … h_T that ``RNN.forward`` returned; the slopes φ' follow from them: 1 − h²
        for tanh, and for ReLU 1 where h > 0, else 0.
    activation
        φ.
    """
    slope = 1 - h**2 if activation == "tanh" else (h > 0).astype(h.dtype)
    return slope[..., None] * W_h  # eq-vanishing-jacobian


@checked
def jacobian_products(J: Float[np.ndarray, "T B H H"]) -> Float[np.ndarray, "T+1 B H H"]:
    """Return dh_T/dh_{T−k} = J_T J_{T−1} ⋯ J_{T−k+1} for the lags k = 0 … T.

    Parameters
    ----------
    J
        The Jacobians of the steps: of any layer, as long as its whole state is in them.

    Returns
    -------
    products
        ``products[k]`` is that of lag k: the identity for k = 0, and with ``products[T]`` back to
        the state before the first step.
    """
    T, B, H, _ = J.shape
    products = np.empty((T + 1, B, H, H), J.dtype)
    products[0] = np.eye(H)
    for k in range(T):
        products[k + 1] = products[k] @ J[T - 1 - k]  # eq-vanishing-product
    return products


@checked
def lag_norms(J: Float[np.ndarray, "T B H H"]) -> Float[np.ndarray, "T+1 B"]:
    """Return the spectral norms ‖dh_T/dh_{T−k}‖ for the lags k = 0 … T, one for each example.

    It is the most by which the product of Jacobians stretches any vector.
    """
    return np.linalg.norm(jacobian_products(J), ord=2, axis=(-2, -1))  # eq-vanishing-norm


@checked
def lag_bound(
    W_h: Float[np.ndarray, "H H"], lags: int, *, steepest: float = 1.0
) -> Float[np.ndarray, "N"]:
    """Return the bound (σ_max(W_h) · max φ')^k on ‖dh_T/dh_{T−k}‖ for k = 0 … lags.

    Parameters
    ----------
    lags
        The largest lag: the result has lags + 1 entries.
    steepest
        max φ': 1 for tanh and ReLU, 1/4 for the sigmoid.

    Raises
    ------
    ValueError
        lags or steepest is negative.

    Equation: eq-vanishing-bound.
    """
    if lags < 0 or steepest < 0:
        raise ValueError(f"lags is {lags} and steepest {steepest}: neither may be negative")
    return (np.linalg.norm(W_h, ord=2) * steepest) ** np.arange(lags + 1)
