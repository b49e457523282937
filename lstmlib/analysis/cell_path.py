"""Along which paths an LSTM's cell state reaches a later one (chapter 6)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy import LSTMState, lstm_step, lstm_step_backward, tanh

Params = Mapping[str, np.ndarray]
State = tuple[Float[np.ndarray, "B H"], Float[np.ndarray, "B H"]]


class CellPath(NamedTuple):
    """dc_T/dc_t in two parts, for every step t of every example.

    Attributes
    ----------
    direct
        (T, B, H): what stays on the cell, the diagonal of ∏ diag(f_k) over k = t + 1 … T.
    through_h
        (T, B, H, H): all paths that leave the cell through a hidden state h_t … h_{T−1}. Row j,
        column k: unit j of c_T after unit k of c_t.
    """

    direct: np.ndarray
    through_h: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """dc_T/dc_t itself, (T, B, H, H): the sum of both parts."""
        H = self.direct.shape[-1]
        return self.direct[..., None] * np.eye(H) + self.through_h


@checked
def cell_path(
    params: Params, x: Float[np.ndarray, "T B D"], state: State | None = None
) -> CellPath:
    """Split dc_T/dc_t of an LSTM exactly into the direct path and the paths through h.

    c_t acts on c_T along the cell, and through h_t = o_t ⊙ tanh(c_t), which enters the gates of
    the next step. The Jacobians come from one backward pass that starts with the identity as the
    gradient of c_T.

    Parameters
    ----------
    params
        ``W_x`` (4H, D), ``W_h`` (4H, H), ``b`` (4H,), as in ``LSTM.params``.
    x
        The sequences along which to measure.
    state
        (h, c) to start from; zeros by default.

    Raises
    ------
    ValueError
        The arrays of params do not fit each other or x, or x has no steps.

    Equation: eq-lstmback-split.
    """
    T, B, D = x.shape
    H = params["W_h"].shape[-1]
    expected = {"W_x": (4 * H, D), "W_h": (4 * H, H), "b": (4 * H,)}
    shapes = {name: params[name].shape for name in expected}
    if T == 0 or shapes != expected:
        raise ValueError(f"for x of shape {x.shape} expected params {expected}, got {shapes}")

    # Example b stands H times in the batch, once for each row of its Jacobians.
    h, c = state or np.zeros((2, B, H), x.dtype)
    now = LSTMState(np.repeat(h, H, axis=0), np.repeat(c, H, axis=0))
    caches = []
    for x_t in np.repeat(x, H, axis=1):
        now, cache = lstm_step(x_t, now, **params)
        caches.append(cache)

    direct, through_h = np.empty((T, B * H, H)), np.empty((T, B * H, H))
    along = np.tile(np.eye(H), (B, 1))  # the part of dc_T/dc_t that stays on the cell
    off = np.zeros((B * H, H))  # the part that leaves it
    dh = np.zeros((B * H, H))  # dc_T/dh_t
    for t in reversed(range(T)):
        cache = caches[t]
        entering = dh * cache.o * (1 - tanh(cache.c) ** 2)
        direct[t], through_h[t] = along, off + entering
        _, (dh, _), _ = lstm_step_backward((dh, along + off), cache)
        along = along * cache.f  # eq-lstmback-direct
        off = (off + entering) * cache.f
    direct = np.einsum("tbjj->tbj", direct.reshape(T, B, H, H))
    return CellPath(direct, through_h.reshape(T, B, H, H))
