"""Series of numbers: windows of n steps in, m steps out."""

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked


@checked
def windows(
    series: Float[np.ndarray, "N"] | Float[np.ndarray, "N F"], n: int, m: int
) -> tuple[Float[np.ndarray, "n B F"], Float[np.ndarray, "m B F"]]:
    """Cut a series into every window of ``n`` lagged steps and the ``m`` steps that follow it.

    The steps are on the time axis and the features on theirs: a recurrent network reads a window
    step by step.

    Parameters
    ----------
    series
        N steps, of one feature or of F.
    n
        Steps in.
    m
        Steps out.

    Returns
    -------
    x : (n, B, F)
        ``x[:, b]`` is ``series[b : b + n]``; there are B = N - n - m + 1 windows.
    y : (m, B, F)
        ``y[:, b]`` is ``series[b + n : b + n + m]``.

    Raises
    ------
    ValueError
        If n or m is below 1, or the series is shorter than one window.
    """
    if n < 1 or m < 1:
        raise ValueError(f"expected n >= 1 steps in and m >= 1 steps out, got n = {n}, m = {m}")
    if len(series) < n + m:
        raise ValueError(
            f"expected at least n + m = {n} + {m} = {n + m} steps, got a series of {len(series)}"
        )
    steps = series.reshape(len(series), -1)
    B = len(steps) - n - m + 1
    b = np.arange(B)
    return steps[np.arange(n)[:, None] + b], steps[n + np.arange(m)[:, None] + b]  # eq-rnn-windows
