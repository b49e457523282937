"""The LSTM: a step (chapter 5), its backward step (chapter 6), and the layer for sequences."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked
from lstmlib.numpy._checks import (
    Precision,
    check_gradient,
    check_input,
    check_lengths,
    check_sizes,
    check_state,
    check_truncate,
)
from lstmlib.numpy.activations import sigmoid, tanh
from lstmlib.numpy.init import uniform

State = tuple[Float[np.ndarray, "B H"], Float[np.ndarray, "B H"]]


class LSTMState(NamedTuple):
    """The two states of an LSTM, each (B, H); also their gradients (dh, dc)."""

    h: np.ndarray
    c: np.ndarray


class LSTMCache(NamedTuple):
    """What one step keeps for its backward step."""

    x: np.ndarray
    h_prev: np.ndarray
    c_prev: np.ndarray
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    W_x: np.ndarray
    W_h: np.ndarray


@checked
def lstm_step(
    x: Float[np.ndarray, "B D"],
    state: State,
    W_x: Float[np.ndarray, "4*H D"],
    W_h: Float[np.ndarray, "4*H H"],
    b: Float[np.ndarray, "4*H"],
) -> tuple[LSTMState, LSTMCache]:
    """One step of an LSTM, an equation a line.

    Returns
    -------
    state, cache
        (h_t, c_t), and what ``lstm_step_backward`` needs, the gates among it.

    Equations: eq-notation-lstm, eq-intro-cell, eq-shakespeare-lstm, eq-digits-lstm.
    """
    h_prev, c_prev = state
    z = x @ W_x.T + h_prev @ W_h.T + b  # eq-lstm-preactivation, eq-lstm-batch
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    i = sigmoid(z_i)  # eq-lstm-gates
    f = sigmoid(z_f)  # eq-lstm-gates
    g = tanh(z_g)  # eq-lstm-candidate
    o = sigmoid(z_o)  # eq-lstm-gates
    c = f * c_prev + i * g  # eq-lstm-cell
    h = o * tanh(c)  # eq-lstm-hidden
    return LSTMState(h, c), LSTMCache(x, h_prev, c_prev, i, f, g, o, c, W_x, W_h)


@checked
def lstm_step_backward(
    dstate: State, cache: LSTMCache
) -> tuple[Float[np.ndarray, "B D"], LSTMState, dict[str, np.ndarray]]:
    """Compute the gradients of one step, an equation a line.

    Parameters
    ----------
    dstate
        (dh, dc): dh is the total gradient of h_t, what the loss at step t gives h_t plus the
        dh_prev of step t + 1. dc is the part of the gradient of c_t that comes from step t + 1, its
        dc_prev; the part that comes through h_t is added here.

    Returns
    -------
    dx, dstate_prev, grads
        The gradients of x_t and of (h_{t−1}, c_{t−1}), and the immediate ones ∂⁺ of ``W_x``,
        ``W_h`` and ``b`` at this step, whose sum over all steps is the total gradient.
    """
    dh, dc = dstate
    x, h_prev, c_prev, i, f, g, o, c, W_x, W_h = cache
    do = dh * tanh(c)  # eq-lstmback-do
    dc = dc + dh * o * (1 - tanh(c) ** 2)  # eq-lstmback-dc
    df = dc * c_prev  # eq-lstmback-df
    di = dc * g  # eq-lstmback-di
    dg = dc * i  # eq-lstmback-dg
    dz_i = di * i * (1 - i)
    dz_f = df * f * (1 - f)
    dz_g = dg * (1 - g**2)
    dz_o = do * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=-1)  # eq-lstmback-dz
    dx = dz @ W_x  # eq-lstmback-dx
    dh_prev = dz @ W_h  # eq-lstmback-dh-prev
    dc_prev = dc * f  # eq-lstmback-dc-prev
    # eq-lstmback-weights: the immediate part of this step, summed over the batch
    grads = {"W_x": dz.T @ x, "W_h": dz.T @ h_prev, "b": dz.sum(axis=0)}
    return dx, LSTMState(dh_prev, dc_prev), grads


class LSTM:
    """LSTM over whole sequences: ``lstm_step``'s arithmetic, the four gates in one product.

    Parameters
    ----------
    input_size, hidden_size
        D and H.
    rng
        Where the weights are drawn from: uniform in ±1/√H, as in PyTorch.
    forget_bias
        b_f at the start: with 1, the cell keeps most of its state until it learns to forget (Gers,
        Schmidhuber and Cummins, 2000; Jozefowicz, Zaremba and Sutskever, 2015).

    Attributes
    ----------
    params
        ``W_x`` (4H, D), ``W_h`` (4H, H), ``b`` (4H,), the gates in the order i, f, g, o.
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
        forget_bias: float = 1.0,
    ) -> None:
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        D, H = input_size, hidden_size
        self.input_size, self.hidden_size, self.output_size = D, H, H
        self.dtype = dtype
        bound = 1 / math.sqrt(H)
        self.params = {
            "W_x": uniform((4 * H, D), bound, rng=rng, dtype=dtype),
            "W_h": uniform((4 * H, H), bound, rng=rng, dtype=dtype),
            "b": uniform((4 * H,), bound, rng=rng, dtype=dtype),
        }
        self.params["b"][H : 2 * H] = forget_bias
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self._arrays: dict[str, np.ndarray] = {}
        self._cache: tuple[np.ndarray, ...] | None = None

    @checked
    def forward(
        self,
        x: Float[np.ndarray, "T B D"],
        state: State | None = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> tuple[Float[np.ndarray, "T B H"], LSTMState]:
        """Run over the sequences x, from the given state (0 by default).

        Parameters
        ----------
        lengths
            Where the sequences end: of sequence b the steps from ``lengths[b]`` on are padding,
            which changes neither results nor gradients.

        Returns
        -------
        h, state
            h_t at every step (0 in the padding), and (h, c) at the last step of each sequence.

        Raises
        ------
        TypeError, ValueError
            Shapes or dtypes do not fit each other or the layer, x or the state is not finite, or a
            length is not 1 to T.
        """
        check_input(x, self.input_size, self.dtype)
        T, B, D = x.shape
        H = self.hidden_size
        h0, c0 = np.zeros((2, B, H), self.dtype) if state is None else state
        check_state("state.h", h0, H, self.dtype)
        check_state("state.c", c0, H, self.dtype)
        if lengths is not None:
            check_lengths(lengths, T)

        # Inside, B is the last axis: z = W v is a product of columns, and each gate one block.
        v = self._array("v", D + H + 1, T + 1, B)  # v_t = [x_t; h_{t−1}; 1]
        h = v[D:-1]
        c = self._array("c", T + 1, H, B)  # c[t + 1] is c_t, c[0] the given state
        tanh_c = self._array("tanh_c", T, H, B)
        gates = self._array("gates", T, 4, H, B)
        v[:D, :T], v[-1] = x.transpose(2, 0, 1), 1
        h[:, 0], c[0] = h0.T, c0.T
        W = np.concatenate([self.params["W_x"], self.params["W_h"], self.params["b"][:, None]], 1)
        for sigmoid_gate in (W[: 2 * H], W[3 * H :]):
            sigmoid_gate *= 0.5  # σ(z) = (1 + tanh(z/2)) / 2, so that one tanh serves all gates
        for t in range(T):
            z = gates[t].reshape(4 * H, B)
            np.matmul(W, v[:, t], out=z)  # eq-lstm-fused
            np.tanh(z, out=z)
            i, f, g, o = gates[t]
            for s in (gates[t, :2], o):
                s += 1
                s *= 0.5
            if lengths is not None:  # eq-lstm-padding
                # Past its end a sequence has i = o = 0 and f = 1: c stays, no gradient comes out.
                gates[t][:, :, t >= lengths] = np.array([0, 1, 0, 0])[:, None, None]
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += i * g
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[:, t + 1])

        last = np.full(B, T - 1) if lengths is None else lengths - 1
        self._cache = v, c, tanh_c, gates, last
        out = h[:, 1:].transpose(1, 2, 0).copy()
        return out, LSTMState(out[last, np.arange(B)], c[T].T.copy())

    @checked
    def backward(
        self,
        dh: Float[np.ndarray, "T B H"] | None,
        dstate: State | None = None,
        truncate: int | None = None,
    ) -> tuple[Float[np.ndarray, "T B D"], LSTMState]:
        """Backpropagation through time: fill ``grads``.

        Parameters
        ----------
        dh
            The gradient of the outputs h; None where the loss does not use them.
        dstate
            The gradients (dh, dc) of the returned state.
        truncate
            Truncated BPTT with chunks of k steps: steps 0 … k−1, k … 2k−1, … are chunks, and no
            gradient flows from a chunk into the one before, as if the state (h, c) were a constant
            at its start: dh_{t−1} = ∂⁺h_{t−1} + [t mod k ≠ 0] · W_hᵀ dz_t, where ∂⁺ is what the
            loss at step t − 1 gives, and likewise for dc_{t−1}.

        Returns
        -------
        dx, dstate
            The gradients of x and of the state (h, c) that forward started from.
        """
        if self._cache is None:
            raise RuntimeError("LSTM.backward needs a forward pass before it")
        check_truncate(truncate)
        v, c, tanh_c, gates, last = self._cache
        T, _, H, B = gates.shape
        D = self.input_size
        dh_end, dc_end = np.zeros((2, B, H), self.dtype) if dstate is None else dstate
        check_gradient("dstate.h", dh_end, (B, H), self.dtype)
        check_gradient("dstate.c", dc_end, (B, H), self.dtype)
        dh_loss = self._array("dh_loss", T, H, B)  # ∂⁺: what the loss gives each h_t
        if dh is None:
            dh_loss[...] = 0
        else:
            check_gradient("dh", dh, (T, B, H), self.dtype)
            dh_loss[...] = dh.swapaxes(1, 2)
        dh_loss[last, :, np.arange(B)] += dh_end

        W_x, W_hT = self.params["W_x"], np.ascontiguousarray(self.params["W_h"].T)
        dh_t, dc = np.zeros((H, B), self.dtype), dc_end.T.copy()
        dz = np.empty((4, H, B), self.dtype)
        dz_all = self._array("dz", 4 * H, T, B)
        for t in reversed(range(T)):
            i, f, g, o = gates[t]
            dz_i, dz_f, dz_g, dz_o = dz
            dh_t += dh_loss[t]  # eq-lstmback-dh
            dc += dh_t * o * (1 - tanh_c[t] ** 2)
            np.subtract(1, gates[t], out=dz)
            dz *= gates[t]  # dz starts as the slopes: σ'(z) = s (1 − s) in i, f, o
            dz_g[...] = 1 - g**2  # and tanh'(z) in g
            dz_i *= dc * g
            dz_f *= dc * c[t]
            dz_g *= dc * i
            dz_o *= dh_t * tanh_c[t]
            dz_all[:, t] = dz.reshape(4 * H, B)
            np.matmul(W_hT, dz.reshape(4 * H, B), out=dh_t)  # from here on dh and dc of step t − 1
            dc *= f
            if truncate is not None and t > 0 and t % truncate == 0:
                cut = t <= last  # in its padding a sequence has no chunks: dc only passes through
                dh_t[:, cut], dc[:, cut] = 0, 0

        dz_all = dz_all.reshape(4 * H, T * B)
        dW = dz_all @ v[:, :T].reshape(D + H + 1, T * B).T  # Σ_t dz_t v_tᵀ
        self.grads = {"W_x": dW[:, :D], "W_h": dW[:, D:-1], "b": dW[:, -1]}
        dx = (dz_all.T @ W_x).reshape(T, B, D)
        return dx, LSTMState(dh_t.T.copy(), dc.T.copy())

    def _array(self, name: str, *shape: int) -> np.ndarray:
        """Return an array to be filled, that of the last call where it fits: new memory is slow."""
        a = self._arrays.get(name)
        if a is None or a.shape != shape:
            a = self._arrays[name] = np.empty(shape, self.dtype)
        return a
