"""Tasks made of random numbers, with a time lag that can be chosen."""

import numpy as np
from jaxtyping import Float64, Int64

from lstmlib._shapes import checked


@checked
def latch(
    T: int, B: int, *, rng: np.random.Generator
) -> tuple[Float64[np.ndarray, "T B 1"], Int64[np.ndarray, "B"]]:
    """Draw sequences whose first input decides their class, and the rest of which is noise.

    The first input is +1 in class 1 and −1 in class 0, each class with chance 1/2. The T − 1 inputs
    that follow are normal with mean 0 and standard deviation 0.3. Who reads the class off the last
    state has to have kept one bit for T − 1 steps. After the latching problem of Bengio, Simard and
    Frasconi (1994), whose sequences begin with several steps that are learnt, too.

    Parameters
    ----------
    T, B
        Steps and sequences.

    Returns
    -------
    x : (T, B, 1)
        The sequences.
    y : (B,)
        Their classes, 0 or 1.

    Raises
    ------
    ValueError
        T or B is below 1.
    """
    if T < 1 or B < 1:
        raise ValueError(f"expected at least 1 step and 1 sequence, got T = {T} and B = {B}")
    y = rng.integers(0, 2, size=B)
    x = 0.3 * rng.standard_normal((T, B, 1))
    x[0, :, 0] = 2 * y - 1  # eq-vanishing-latch
    return x, y


@checked
def adding(
    T: int, B: int, *, rng: np.random.Generator
) -> tuple[Float64[np.ndarray, "T B 2"], Float64[np.ndarray, "B 1"]]:
    """Draw sequences of numbers, two of them marked, whose sum is asked for.

    The first feature is uniform between 0 and 1, the second 1 at two steps, one in each half of the
    sequence, and 0 elsewhere. Who always answers 1, the mean, has a mean squared error of 1/6.
    After the adding problem of Hochreiter and Schmidhuber (1997), in the form of Le, Jaitly and
    Hinton (2015).

    Parameters
    ----------
    T, B
        Steps, at least 2, and sequences.

    Returns
    -------
    x : (T, B, 2)
        Numbers and marks.
    y : (B, 1)
        The sum of each sequence's two marked numbers.

    Raises
    ------
    ValueError
        T is below 2 or B below 1.
    """
    if T < 2 or B < 1:
        raise ValueError(f"expected at least 2 steps and 1 sequence, got T = {T} and B = {B}")
    x = np.zeros((T, B, 2))
    x[:, :, 0] = rng.uniform(size=(T, B))
    for first, end in ((0, T // 2), (T // 2, T)):
        x[rng.integers(first, end, size=B), np.arange(B), 1] = 1
    return x, np.sum(x[:, :, :1] * x[:, :, 1:], axis=0)
