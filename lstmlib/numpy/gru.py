"""The GRU in PyTorch's form: a step, its backward step, the layer for sequences (chapter 7).

z with an index is a pre-activation, z alone the update gate.
"""

import math
from typing import NamedTuple

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
)
from lstmlib.numpy.activations import sigmoid, tanh
from lstmlib.numpy.init import uniform


class GRUCache(NamedTuple):
    """What one step keeps for its backward step; m is what r scales, W_hn h_{t−1} + b_hn."""

    x: np.ndarray
    h_prev: np.ndarray
    r: np.ndarray
    z: np.ndarray
    n: np.ndarray
    m: np.ndarray
    W_x: np.ndarray
    W_h: np.ndarray


@checked
def gru_step(
    x: Float[np.ndarray, "B D"],
    h_prev: Float[np.ndarray, "B H"],
    W_x: Float[np.ndarray, "3*H D"],
    W_h: Float[np.ndarray, "3*H H"],
    b: Float[np.ndarray, "3*H"],
    b_hn: Float[np.ndarray, "H"],
) -> tuple[Float[np.ndarray, "B H"], GRUCache]:
    """One step of a GRU, an equation a line.

    Returns
    -------
    h, cache
        h_t, and what ``gru_step_backward`` needs, the gates among it.

    Equation: eq-variants-gru.
    """
    a_r, a_z, a_n = np.split(x @ W_x.T + b, 3, axis=-1)
    u_r, u_z, u_n = np.split(h_prev @ W_h.T, 3, axis=-1)
    m = u_n + b_hn
    r = sigmoid(a_r + u_r)
    z = sigmoid(a_z + u_z)
    n = tanh(a_n + r * m)
    h = (1 - z) * n + z * h_prev
    return h, GRUCache(x, h_prev, r, z, n, m, W_x, W_h)


@checked
def gru_step_backward(
    dh: Float[np.ndarray, "B H"], cache: GRUCache
) -> tuple[Float[np.ndarray, "B D"], Float[np.ndarray, "B H"], dict[str, np.ndarray]]:
    """Compute the gradients of one step, an equation a line.

    Parameters
    ----------
    dh
        The total gradient of h_t: what the loss at step t gives h_t, plus the dh_prev of step t +
        1.

    Returns
    -------
    dx, dh_prev, grads
        The gradients of x_t and h_{t−1}, and the immediate ones ∂⁺ of ``W_x``, ``W_h``, ``b`` and
        ``b_hn`` at this step, whose sum over all steps is the total gradient.
    """
    x, h_prev, r, z, n, m, W_x, W_h = cache
    # eq-variants-gru-gates
    dn = dh * (1 - z)
    dz = dh * (h_prev - n)
    dz_n = dn * (1 - n**2)
    dm = dz_n * r
    dr = dz_n * m
    dz_z = dz * z * (1 - z)
    dz_r = dr * r * (1 - r)
    da = np.concatenate([dz_r, dz_z, dz_n], axis=-1)
    du = np.concatenate([dz_r, dz_z, dm], axis=-1)
    dx = da @ W_x  # eq-variants-gru-dx
    dh_prev = dh * z + du @ W_h  # eq-variants-gru-dh-prev
    grads = {  # eq-variants-gru-weights
        "W_x": da.T @ x,
        "W_h": du.T @ h_prev,
        "b": da.sum(axis=0),
        "b_hn": dm.sum(axis=0),
    }
    return dx, dh_prev, grads


class GRU:
    """GRU over whole sequences: ``gru_step``'s arithmetic, the three gates in one product.

    Parameters
    ----------
    input_size, hidden_size
        D and H.
    rng
        Where the weights are drawn from: uniform in ±1/√H, as in PyTorch.

    Attributes
    ----------
    params
        ``W_x`` (3H, D), ``W_h`` (3H, H), ``b`` (3H,), the gates in the order r, z, n, and ``b_hn``
        (H,).
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
        dtype: Precision = np.float64,
    ) -> None:
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        D, H = input_size, hidden_size
        self.input_size, self.hidden_size, self.output_size = D, H, H
        self.dtype = dtype
        bound = 1 / math.sqrt(H)
        self.params = {
            "W_x": uniform((3 * H, D), bound, rng=rng, dtype=dtype),
            "W_h": uniform((3 * H, H), bound, rng=rng, dtype=dtype),
            "b": uniform((3 * H,), bound, rng=rng, dtype=dtype),
            "b_hn": uniform((H,), bound, rng=rng, dtype=dtype),
        }
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._cache: tuple[np.ndarray, ...] | None = None
        self._lengths: np.ndarray | None = None

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
        H = self.hidden_size
        W_x, W_h, b, b_hn = (self.params[name] for name in ("W_x", "W_h", "b", "b_hn"))
        h = np.zeros((T + 1, B, H), self.dtype)  # h[t + 1] is h_t, h[0] the given state
        if state is not None:
            check_state("state", state, H, self.dtype)
            h[0] = state
        gates = x @ W_x.T + b  # the inputs' part, for all steps at once
        if lengths is not None:
            check_lengths(lengths, T)
        m = np.empty((T, B, H), self.dtype)
        W_hT = np.ascontiguousarray(W_h.T)
        for t in range(T):
            u = h[t] @ W_hT
            rz = gates[t, :, : 2 * H]
            rz += u[:, : 2 * H]
            rz[...] = 0.5 * (1 + np.tanh(0.5 * rz))  # σ
            r, z, n = np.split(gates[t], 3, axis=-1)
            np.add(u[:, 2 * H :], b_hn, out=m[t])
            n[...] = np.tanh(n + r * m[t])
            h[t + 1] = (1 - z) * n + z * h[t]
        self._cache = x, h, gates, m
        self._lengths = lengths
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
            start.

        Returns
        -------
        dx, dstate
            The gradients of x and of the state that forward started from.
        """
        if self._cache is None:
            raise RuntimeError("GRU.backward needs a forward pass before it")
        check_truncate(truncate)
        x, h, gates, m = self._cache
        T, B, D = x.shape
        H = self.hidden_size
        W_x, W_h = self.params["W_x"], self.params["W_h"]
        dh_loss = output_gradients(dh, dstate, "dstate", (T, B, H), self._lengths, self.dtype)
        dh_prev = np.zeros((B, H), self.dtype)
        da, du = np.empty((2, T, B, 3 * H), self.dtype)
        for t in reversed(range(T)):
            dh_t = dh_loss[t] + dh_prev
            r, z, n = np.split(gates[t], 3, axis=-1)
            dz_r, dz_z, dz_n = np.split(da[t], 3, axis=-1)
            dz_n[...] = dh_t * (1 - z) * (1 - n**2)
            dz_z[...] = dh_t * (h[t] - n) * z * (1 - z)
            dz_r[...] = dz_n * m[t] * r * (1 - r)
            du[t, :, : 2 * H] = da[t, :, : 2 * H]
            np.multiply(dz_n, r, out=du[t, :, 2 * H :])
            dh_prev = dh_t * z + du[t] @ W_h
            if truncate is not None and t > 0 and t % truncate == 0:
                dh_prev = np.zeros_like(dh_prev)
        da_rows, du_rows = da.reshape(T * B, 3 * H), du.reshape(T * B, 3 * H)
        self.grads = {
            "W_x": da_rows.T @ x.reshape(T * B, D),
            "W_h": du_rows.T @ h[:-1].reshape(T * B, H),
            "b": da_rows.sum(axis=0),
            "b_hn": du_rows[:, 2 * H :].sum(axis=0),
        }
        return da @ W_x, dh_prev
