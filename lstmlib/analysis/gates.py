"""The gates and states of an LSTM along a sequence, and how long they say it remembers."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy import lstm_step


class GateTrace(NamedTuple):
    """What an LSTM computed at every step, each (T, B, H)."""

    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray


@checked
def trace_gates(
    params: Mapping[str, np.ndarray],
    x: Float[np.ndarray, "T B D"],
    state: tuple[Float[np.ndarray, "B H"], Float[np.ndarray, "B H"]] | None = None,
) -> GateTrace:
    """Run an LSTM over x, from the given state (0 by default), and return all its gates and states.

    Parameters
    ----------
    params
        ``layer.params`` of ``lstmlib.numpy.LSTM``, or what ``lstmlib.weights.from_torch`` makes of
        the weights of a layer of PyTorch.
    """
    W_x, W_h, b = (params[name] for name in ("W_x", "W_h", "b"))
    B, H = x.shape[1], W_h.shape[1]
    h, c = np.zeros((2, B, H), x.dtype) if state is None else state
    steps = []
    for x_t in x:
        (h, c), cache = lstm_step(x_t, (h, c), W_x, W_h, b)
        steps.append((cache.i, cache.f, cache.g, cache.o, c, h))
    return GateTrace(*(np.stack(part) for part in zip(*steps, strict=True)))


@checked
def half_life(f: Float[np.ndarray, "T B H"]) -> Float[np.ndarray, "H"]:
    """Return after how many steps the forget gates of each unit have halved what its cell held.

    Along the direct path a cell's content is multiplied by f at every step: on average over the T
    steps and B examples by the geometric mean of f, whose n-th power is 1/2 for
    n = ln(1/2) / mean(ln f). It is infinite where f is 1 throughout.

    Raises
    ------
    ValueError
        If a gate is outside the range 0 < f ≤ 1.
    """
    if not ((f > 0) & (f <= 1)).all():
        raise ValueError(f"expected gates above 0 and up to 1, got {f.min()} to {f.max()}")
    with np.errstate(divide="ignore"):
        return np.log(0.5) / np.log(f).mean(axis=(0, 1))  # eq-inside-halflife
