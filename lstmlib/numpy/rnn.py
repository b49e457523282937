"""The Elman network: a step, its backward step, the layer for sequences (chapters 2 and 3)."""

import math
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked
from lstmlib.numpy._checks import (
    Precision,
    check_input,
    check_lengths,
    check_sizes,
    check_state,
    check_truncate,
    output_gradients,
    outputs,
    padding,
)
from lstmlib.numpy.activations import relu, tanh
from lstmlib.numpy.init import uniform

Activation = Literal["tanh", "relu"]


class RNNCache(NamedTuple):
    """What one step keeps for its backward step."""

    x: np.ndarray
    h_prev: np.ndarray
    h: np.ndarray
    W_x: np.ndarray
    W_h: np.ndarray
    activation: Activation


@checked
def rnn_step(
    x: Float[np.ndarray, "B D"],
    h_prev: Float[np.ndarray, "B H"],
    W_x: Float[np.ndarray, "H D"],
    W_h: Float[np.ndarray, "H H"],
    b: Float[np.ndarray, "H"],
    activation: Activation = "tanh",
) -> tuple[Float[np.ndarray, "B H"], RNNCache]:
    """Compute h_t = φ(W_x x_t + W_h h_{t−1} + b), φ being tanh or ReLU.

    Returns
    -------
    h, cache
        The new state, and what ``rnn_step_backward`` needs.

    Equation: eq-rnn-step.
    """
    z = x @ W_x.T + h_prev @ W_h.T + b
    h = tanh(z) if activation == "tanh" else relu(z)
    return h, RNNCache(x, h_prev, h, W_x, W_h, activation)


@checked
def rnn_step_backward(
    dh: Float[np.ndarray, "B H"], cache: RNNCache
) -> tuple[Float[np.ndarray, "B D"], Float[np.ndarray, "B H"], dict[str, np.ndarray]]:
    """Compute the gradients of one step from dh, the total gradient of h_t.

    Parameters
    ----------
    dh
        The total derivative: what the loss at step t gives h_t, plus the dh_prev of step t + 1.

    Returns
    -------
    dx, dh_prev, grads
        The gradients of x_t and h_{t−1}, and the immediate ones ∂⁺ of ``W_x``, ``W_h`` and ``b`` at
        this step, whose sum over all steps is the total gradient.
    """
    x, h_prev, h, W_x, W_h, activation = cache
    dz = dh * (1 - h**2) if activation == "tanh" else dh * (h > 0)  # eq-bptt-dz
    dx = dz @ W_x  # eq-bptt-inputs
    dh_prev = dz @ W_h
    return dx, dh_prev, {"W_x": dz.T @ x, "W_h": dz.T @ h_prev, "b": dz.sum(axis=0)}


class RNN:
    """Elman network over whole sequences: ``rnn_step`` at every step, with the same weights.

    Parameters
    ----------
    input_size, hidden_size
        D and H.
    rng
        Where the weights are drawn from: uniform in ±1/√H, as in PyTorch.
    activation
        φ: "tanh" or "relu".

    Attributes
    ----------
    params
        ``W_x`` (H, D), ``W_h`` (H, H), ``b`` (H,).
    grads
        The gradients of the last backward pass, with the same keys and shapes.
    """

    @checked
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        activation: Activation = "tanh",
        dtype: Precision = np.float64,
    ) -> None:
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        D, H = input_size, hidden_size
        self.input_size, self.hidden_size, self.output_size = D, H, H
        self.activation: Activation = activation
        self.dtype = dtype
        bound = 1 / math.sqrt(H)
        self.params = {
            "W_x": uniform((H, D), bound, rng=rng, dtype=dtype),
            "W_h": uniform((H, H), bound, rng=rng, dtype=dtype),
            "b": uniform((H,), bound, rng=rng, dtype=dtype),
        }
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._cache: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None = None

    @checked
    def forward(
        self,
        x: Float[np.ndarray, "T B D"],
        state: Float[np.ndarray, "B H"] | None = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> tuple[Float[np.ndarray, "T B H"], Float[np.ndarray, "B H"]]:
        """Run over the sequences x, from the given state (0 by default).

        Parameters
        ----------
        lengths
            Where the sequences end: of sequence b the steps from ``lengths[b]`` on are padding,
            which changes neither results nor gradients.

        Returns
        -------
        h, state
            h_t at every step (0 in the padding), and h at the last step of each sequence.

        Raises
        ------
        TypeError, ValueError
            Shapes or dtypes do not fit each other or the layer, x or the state is not finite, or a
            length is not 1 to T.
        """
        check_input(x, self.input_size, self.dtype)
        T, B, _ = x.shape
        W_x, W_h, b = (self.params[name] for name in ("W_x", "W_h", "b"))
        H = self.hidden_size
        h = np.zeros((T + 1, B, H), self.dtype)  # h[t + 1] is h_t, h[0] the given state
        if state is not None:
            check_state("state", state, H, self.dtype)
            h[0] = state
        z = x @ W_x.T + b  # the inputs' part of z, for all steps at once
        if lengths is not None:
            check_lengths(lengths, T)
            # φ is flat at −∞: no gradient comes out of the padding.
            z[padding(T, lengths)] = -np.inf
        W_hT = np.ascontiguousarray(W_h.T)
        for t in range(T):
            z[t] += h[t] @ W_hT
            if self.activation == "tanh":
                np.tanh(z[t], out=h[t + 1])
            else:
                np.maximum(z[t], 0, out=h[t + 1])
        self._cache = x, h, lengths
        return outputs(h[1:], lengths)

    @checked
    def backward(
        self,
        dh: Float[np.ndarray, "T B H"] | None,
        dstate: Float[np.ndarray, "B H"] | None = None,
        truncate: int | None = None,
    ) -> tuple[Float[np.ndarray, "T B D"], Float[np.ndarray, "B H"]]:
        """Backpropagation through time: fill ``grads``.

        Parameters
        ----------
        dh
            The gradient of the outputs h; None where the loss does not use them.
        dstate
            The gradient of the returned state.
        truncate
            Truncated BPTT with chunks of k steps: steps 0 … k−1, k … 2k−1, … are chunks, and no
            gradient flows from a chunk into the one before, as if the state were a constant at its
            start: dh_{t−1} = ∂⁺h_{t−1} + [t mod k ≠ 0] · W_hᵀ dz_t, where ∂⁺ is what the loss at
            step t − 1 gives. k = 1 is Elman's simple recurrent network.

        Returns
        -------
        dx, dstate
            The gradients of x and of the state that forward started from.
        """
        if self._cache is None:
            raise RuntimeError("RNN.backward needs a forward pass before it")
        check_truncate(truncate)
        x, h, lengths = self._cache
        T, B, D = x.shape
        H = self.hidden_size
        W_x, W_h = self.params["W_x"], self.params["W_h"]
        dz = output_gradients(dh, dstate, "dstate", (T, B, H), lengths, self.dtype)
        slope = 1 - h[1:] ** 2 if self.activation == "tanh" else h[1:] > 0
        for t in reversed(range(T)):
            dz[t] *= slope[t]  # eq-bptt-dz; dz[t] held the total gradient of h_t until here
            dh_prev = dz[t] @ W_h
            if t > 0 and (truncate is None or t % truncate != 0):
                dz[t - 1] += dh_prev  # eq-bptt-total, eq-bptt-truncated, eq-bptt-elman
        rows = dz.reshape(T * B, H)  # eq-bptt-batch: steps and examples are summed alike
        self.grads = {  # eq-bptt-weights
            "W_x": rows.T @ x.reshape(T * B, D),
            "W_h": rows.T @ h[:-1].reshape(T * B, H),
            "b": rows.sum(axis=0),
        }
        return dz @ W_x, dh_prev
