"""The units of a recurrent layer: what they follow, which add nothing, and the layer without them.

States are rows here: ``h`` is (N, H), the hidden state at N moments, from one text or from many.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked

Params = dict[str, np.ndarray]


@checked
def correlations(
    h: Float[np.ndarray, "N H"], feature: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "H"]:
    """Return the correlation of every unit with a feature: 0 for a unit that never moves.

    Raises
    ------
    ValueError
        If the feature is the same at all moments: nothing can follow it.
    """
    if np.ptp(feature) == 0:
        raise ValueError(
            f"expected a feature that varies, got {feature[0]} at all {len(h)} moments"
        )
    units, target = h - h.mean(axis=0), feature - feature.mean()
    moved = units.std(axis=0) > 0
    together = np.zeros(h.shape[1])
    together[moved] = (
        units[:, moved].T @ target / (len(h) * units[:, moved].std(axis=0) * target.std())
    )
    return together


@checked
def still_units(h: Float[np.ndarray, "N H"], tolerance: float) -> list[int]:
    """Return the units whose state stays within ``tolerance`` of its mean at every moment."""
    return np.flatnonzero(np.abs(h - h.mean(axis=0)).max(axis=0) <= tolerance).tolist()


@checked
def duplicate_units(h: Float[np.ndarray, "N H"], least: float) -> list[tuple[int, int]]:
    """Return the pairs of units whose correlation is ``least`` or more in size, the closest first.

    A unit that never moves follows none.
    """
    moving = np.flatnonzero(h.std(axis=0) > 0)
    size = np.abs(np.corrcoef(h[:, moving], rowvar=False)).reshape(len(moving), len(moving))
    first, second = np.nonzero(np.triu(size >= least, k=1))
    order = np.argsort(-size[first, second], kind="stable")
    return [(int(moving[first[k]]), int(moving[second[k]])) for k in order]


@checked
def best_substitute(
    h: Float[np.ndarray, "N H"], units: Sequence[int]
) -> tuple[Float[np.ndarray, "U R"], Float[np.ndarray, "U"]]:
    """Return A and a with h[units] ≈ A h[others] + a: the least squares over all moments.

    Parameters
    ----------
    units
        The U units to be explained by the R = H − U others, which keep their order.
    """
    others = _others(units, h.shape[1])
    mean = h.mean(axis=0)
    centred = h - mean
    A = np.linalg.lstsq(centred[:, others], centred[:, list(units)], rcond=None)[0].T
    return A, mean[list(units)] - A @ mean[others]


@checked
def substitute_units(
    params: Mapping[str, np.ndarray],
    readout: Mapping[str, np.ndarray],
    units: Sequence[int],
    A: Float[np.ndarray, "U R"],
    a: Float[np.ndarray, "U"],
) -> tuple[Params, Params]:
    """Return a layer and its read-out without some units, with A h[others] + a in their place.

    Wherever h was read, by the layer's own W_h and by the read-out, the columns of the removed
    units are added to those of the others as A has it, and what a gives goes into the biases. With
    A = 0 the units are clamped to the constants a.

    Parameters
    ----------
    params
        ``W_x``, ``W_h`` and ``b`` of an RNN (one block of rows) or an LSTM (four).
    readout
        ``W`` (K, H) and ``b`` (K,).
    units
        The U units that go.

    Raises
    ------
    ValueError
        If a unit is not among 0 … H − 1 or named twice, none is left, or A and a do not fit them.
    """
    W_x, W_h, b = (params[name] for name in ("W_x", "W_h", "b"))
    H = W_h.shape[1]
    others = _others(units, H)
    if A.shape != (len(units), len(others)):
        raise ValueError(f"expected A of shape {(len(units), len(others))}, got {A.shape}")
    rows = np.concatenate([block * H + others for block in range(len(b) // H)])
    gone = np.array(units)
    layer = {
        "W_x": W_x[rows],
        "W_h": W_h[np.ix_(rows, others)] + W_h[np.ix_(rows, gone)] @ A,
        "b": b[rows] + W_h[np.ix_(rows, gone)] @ a,
    }
    W = readout["W"]
    return layer, {"W": W[:, others] + W[:, gone] @ A, "b": readout["b"] + W[:, gone] @ a}


def _others(units: Sequence[int], H: int) -> np.ndarray:
    if len(set(units)) < len(units) or not all(0 <= unit < H for unit in units):
        raise ValueError(f"expected different units among 0 to {H - 1}, got {list(units)}")
    if len(units) == H:
        raise ValueError(f"expected at least one of {H} units to stay, got all of them to remove")
    return np.setdiff1d(np.arange(H), list(units))
