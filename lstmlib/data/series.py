"""Series of numbers: some to learn from, and windows of n steps in, m steps out."""

from collections.abc import Iterator

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


class WindowBatches:
    """Batches of windows and of what follows each.

    Parameters
    ----------
    x, y
        (n, N, D) and (m, N, F): N windows.
    batch_size
        B. The last batch of an epoch has the windows that are left.
    seed
        Given, each epoch has its own order, the same for the same seed and epoch. Otherwise the
        windows come in their own order.

    Raises
    ------
    ValueError
        If ``batch_size`` is below 1.
    """

    @checked
    def __init__(
        self,
        x: Float[np.ndarray, "n N D"],
        y: Float[np.ndarray, "m N F"],
        batch_size: int,
        *,
        seed: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"expected batch_size >= 1, got {batch_size}")
        self.x, self.y, self.batch_size, self.seed = x, y, batch_size, seed

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-self.x.shape[1] // self.batch_size)

    def epoch(self, k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (x (n, B, D), y (m, B, F)); the order depends on (seed, k) alone."""
        order = np.arange(self.x.shape[1])
        if self.seed is not None:
            np.random.default_rng((self.seed, k)).shuffle(order)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            yield self.x[:, batch], self.y[:, batch]


@checked
def ice_cream(years: int, *, rng: np.random.Generator) -> Float[np.ndarray, "N"]:
    """Make monthly sales of ice cream, in thousands of euros: N = 12 · years, January first.

    A yearly wave with its top in July, a sharper one of half a year on top of it, growth of 3 % a
    year, and 4 % of noise that carries half of itself over to the next month.

    Raises
    ------
    ValueError
        If there is not at least one year.
    """
    if years < 1:
        raise ValueError(f"expected at least 1 year, got {years}")
    month = np.arange(12 * years)
    season = 1 - 0.6 * np.cos(2 * np.pi * (month - 0.5) / 12) + 0.12 * np.cos(np.pi * month / 3)
    noise = 0.04 * rng.standard_normal(len(month))
    for t in range(1, len(month)):
        noise[t] += 0.5 * noise[t - 1]
    return 100 * 1.03 ** (month / 12) * season * np.exp(noise)


@checked
def quarterly_revenue(years: int, *, rng: np.random.Generator) -> Float[np.ndarray, "N"]:
    """Make quarterly revenues, in millions of euros: N = 4 · years, a strong last quarter.

    A level that grows by 1.5 a quarter, ± 1 at random and for good, times a share of the year for
    each quarter, and 2 % of noise.

    Raises
    ------
    ValueError
        If there is not at least one year.
    """
    if years < 1:
        raise ValueError(f"expected at least 1 year, got {years}")
    level = 100 + np.cumsum(1.5 + rng.standard_normal(4 * years))
    season = np.tile([0.85, 0.95, 1.0, 1.2], years)
    return level * season * np.exp(0.02 * rng.standard_normal(4 * years))


@checked
def random_walk(days: int, *, rng: np.random.Generator) -> Float[np.ndarray, "N"]:
    """Make N = ``days`` prices whose daily changes, 1 % large, are independent of all before them.

    Raises
    ------
    ValueError
        If there is not at least one day.
    """
    if days < 1:
        raise ValueError(f"expected at least 1 day, got {days}")
    return 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(days)))
