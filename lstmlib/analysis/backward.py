"""Gradients of a trained LSTM's answer: with respect to its states, and to what it read."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Integer

from lstmlib._shapes import checked
from lstmlib.numpy import lstm_step, lstm_step_backward, softmax


@checked
def back_through(
    params: Mapping[str, np.ndarray],
    x: Float[np.ndarray, "T B D"],
    dh: Float[np.ndarray, "T B H"],
) -> tuple[Float[np.ndarray, "T B H"], Float[np.ndarray, "T B D"]]:
    """Return dL/dh_t of every step of an LSTM that starts from 0, and dL/dx_t.

    Parameters
    ----------
    params
        ``W_x``, ``W_h`` and ``b``, as in ``LSTM.params`` or from ``lstmlib.weights.from_torch``.
    dh
        What the read-out gives each h_t directly. What h_t does to the loss through later steps is
        added here: dL/dh_t is the total derivative.
    """
    W_x, W_h, b = (params[name] for name in ("W_x", "W_h", "b"))
    state = tuple(np.zeros((2, *dh.shape[1:]), x.dtype))
    caches = []
    for x_t in x:
        state, cache = lstm_step(x_t, tuple(state), W_x, W_h, b)
        caches.append(cache)
    total, dx = np.empty_like(dh), np.empty_like(x)
    dh_next, dc_next = np.zeros((2, *dh.shape[1:]), x.dtype)
    for t in reversed(range(len(x))):
        total[t] = dh[t] + dh_next
        dx[t], (dh_next, dc_next), _ = lstm_step_backward((total[t], dc_next), caches[t])
    return total, dx


@checked
def saliency(
    layers: Sequence[Mapping[str, np.ndarray]],
    readout: Mapping[str, np.ndarray],
    x: Float[np.ndarray, "T B D"],
    chosen: Integer[np.ndarray, "B"],
) -> Float[np.ndarray, "T B D"]:
    """Return ∂ ln p(chosen) / ∂x: how the answer after the last step moves with every input.

    Parameters
    ----------
    layers
        The ``params`` of one LSTM, or of several on top of each other, the lowest first.
    readout
        ``W`` (K, H) and ``b`` (K,), before a softmax.
    chosen
        The class whose probability is meant, for each of the B examples.

    Raises
    ------
    ValueError
        If there is no layer, or a class is not among 0 … K − 1.

    Equation: eq-inside-saliency.
    """
    W, b = readout["W"], readout["b"]
    if not layers or not ((chosen >= 0) & (chosen < len(b))).all():
        raise ValueError(
            f"expected at least one layer and classes from 0 to {len(b) - 1}, "
            f"got {len(layers)} layers and classes {np.unique(chosen).tolist()}"
        )
    inputs = [x]
    for params in layers:
        inputs.append(_states(params, inputs[-1]))
    p = softmax(inputs[-1][-1] @ W.T + b)
    dlogits = np.eye(len(b), dtype=x.dtype)[chosen] - p
    gradient = np.zeros_like(inputs[-1])
    gradient[-1] = dlogits @ W
    for params, below in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
        _, gradient = back_through(params, below, gradient)
    return gradient


def _states(params: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    state = tuple(np.zeros((2, x.shape[1], params["W_h"].shape[1]), x.dtype))
    h = []
    for x_t in x:
        state, _ = lstm_step(x_t, tuple(state), params["W_x"], params["W_h"], params["b"])
        h.append(state[0])
    return np.stack(h)
