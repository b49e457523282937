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
    )  # eq-inside-correlation
    return together


@checked
def find_units(
    h: Float[np.ndarray, "N H"], features: Mapping[str, Float[np.ndarray, "N"]], count: int = 1
) -> dict[str, list[tuple[int, float]]]:
    """Return, for each feature, the ``count`` units that follow it most closely.

    Searched are all units; each comes with its correlation, the largest in size first. A feature
    that never changes has no units.

    Raises
    ------
    ValueError
        If count is below 1 or above H.
    """
    if not 1 <= count <= h.shape[1]:
        raise ValueError(f"expected a count from 1 to {h.shape[1]}, got {count}")
    found: dict[str, list[tuple[int, float]]] = {}
    for name, feature in features.items():
        r = correlations(h, feature) if np.ptp(feature) > 0 else np.zeros(0)
        best = np.argsort(-np.abs(r), kind="stable")[:count]
        found[name] = [(int(unit), float(r[unit])) for unit in best]
    return found


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
def removal_order(
    h: Float[np.ndarray, "N H"], importance: Float[np.ndarray, "H"], count: int
) -> list[int]:
    """Return the ``count`` units that can best be replaced by those that stay, one after the other.

    In each round goes the unit with the smallest product of its importance and the mean square of
    what the units that are left do not explain of it, by least squares.

    Parameters
    ----------
    importance
        How much an error in each unit costs, such as the mean square of dL/dh; 1 for all leaves the
        choice to what can be explained.

    Raises
    ------
    ValueError
        If count is not from 0 to H − 1, or an importance is negative.
    """
    H = h.shape[1]
    if not 0 <= count < H or (importance < 0).any():
        raise ValueError(
            f"expected a count from 0 to {H - 1} and importances of 0 or more, "
            f"got {count} and {importance.min()}"
        )
    centred = (h - h.mean(axis=0)).astype(np.float64)
    S = centred.T @ centred / len(h)
    P = np.linalg.inv(S + 1e-9 * max(np.trace(S), 1e-300) / H * np.eye(H))
    gone: list[int] = []
    for _ in range(count):
        cost = importance / np.diag(P)  # eq-inside-residual, eq-inside-cost
        cost[gone] = np.inf
        u = int(cost.argmin())
        gone.append(u)
        P = P - np.outer(P[:, u], P[u]) / P[u, u]  # eq-inside-downdate
        P[gone, gone] = 1
    return gone


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
    layer = {  # eq-inside-substitute, eq-inside-clamp
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
