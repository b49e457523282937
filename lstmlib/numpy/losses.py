"""Losses, each with its gradient."""

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked
from lstmlib.numpy._checks import check_lengths, padding
from lstmlib.numpy.activations import softmax


@checked
def softmax_cross_entropy(
    logits: Float[np.ndarray, "*N K"],
    targets: Int[np.ndarray, "*N"],
    lengths: Int[np.ndarray, "B"] | None = None,
) -> tuple[float, Float[np.ndarray, "*N K"]]:
    """Mean of −log softmax(logits)[target], and its gradient (softmax − one-hot) / count.

    With logits (T, B, K) and targets (T, B) there is a loss at every step; with (B, K) and (B,) one
    at the end.

    Parameters
    ----------
    lengths
        For a loss at every step: the steps of each sequence that count. The mean is over those, and
        the others have gradient 0.

    Returns
    -------
    loss, dlogits
        In nats, and shaped like the logits.

    Raises
    ------
    ValueError
        A target is not one of 0 … K − 1.
    """
    K = logits.shape[-1]
    counted = _counted(targets.shape, lengths)
    wrong = counted & ((targets < 0) | (targets >= K))
    if wrong.any():
        index = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise ValueError(f"targets{list(index)} is {targets[index]}: {K} logits, so 0 to {K - 1}")
    chosen = np.where(counted, targets, 0)[..., None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=-1))
    losses = log_sum - np.take_along_axis(shifted, chosen, axis=-1)[..., 0]  # eq-ann-cross-entropy
    count = int(np.count_nonzero(counted))

    dlogits = softmax(logits)  # eq-ann-dlogits
    np.put_along_axis(dlogits, chosen, np.take_along_axis(dlogits, chosen, axis=-1) - 1, axis=-1)
    dlogits[~counted] = 0
    return float(losses[counted].sum() / count), dlogits / count


@checked
def mean_squared_error(
    y: Float[np.ndarray, "*N K"],
    targets: Float[np.ndarray, "*N K"],
    lengths: Int[np.ndarray, "B"] | None = None,
) -> tuple[float, Float[np.ndarray, "*N K"]]:
    """Mean of (y − target)² over all entries, and its gradient 2 (y − target) / count.

    Parameters
    ----------
    lengths
        For y (T, B, K): the steps of each sequence that count. The mean is over those, and the
        others have gradient 0.

    Returns
    -------
    loss, dy
        dy is shaped like y.
    """
    counted = _counted(y.shape[:-1], lengths)
    error = np.where(counted[..., None], y - targets, 0)
    count = int(np.count_nonzero(counted)) * y.shape[-1]
    # eq-ann-mse and its derivative, the first half of eq-ann-backward-output
    return float(np.sum(error**2) / count), 2 * error / count


def _counted(shape: tuple[int, ...], lengths: np.ndarray | None) -> np.ndarray:
    """Return booleans of the given shape, true where the loss counts."""
    if 0 in shape or not shape:
        raise ValueError(f"a loss needs at least one target, got targets of shape {shape}")
    if lengths is None:
        return np.ones(shape, dtype=bool)
    if shape[1:] != lengths.shape:
        raise ValueError(f"lengths has shape {lengths.shape}, the targets (T, B) have {shape}")
    check_lengths(lengths, shape[0])
    return ~padding(shape[0], lengths)
