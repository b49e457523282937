"""Timing: what every benchmark shares, whatever it measures."""

import math
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch


def interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int, pause: float = 0.05
) -> dict[str, list[float]]:
    """Return the seconds that each function took in each round.

    In a round each runs once, so that a machine that slows down slows all of them. Before it is
    timed it waits and runs once untimed: the threads of NumPy and of PyTorch spin for a while
    after their work, on the processors that the next needs, and its data goes into the caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            time.sleep(pause)
            function()
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float]) -> tuple[float, float, float]:
    """Return least, median and largest."""
    return min(values), statistics.median(values), max(values)


def ratios(seconds: Mapping[str, list[float]], a: str, b: str) -> list[float]:
    """Return the seconds of ``a`` over those of ``b``, round by round."""
    return [x / y for x, y in zip(seconds[a], seconds[b], strict=True)]


def geometric_mean(values: list[float]) -> float:
    """Return the n-th root of the product of n values."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def product_peak(dtype: type[np.floating], size: int, rounds: int) -> dict[str, float]:
    """Return the GFLOP/s of the fastest square matrix product in NumPy and in PyTorch."""
    A, B = np.random.default_rng(0).normal(size=(2, size, size)).astype(dtype)
    A_torch, B_torch = torch.from_numpy(A), torch.from_numpy(B)
    seconds = interleaved({"NumPy": lambda: A @ B, "PyTorch": lambda: A_torch @ B_torch}, rounds)
    return {name: 2 * size**3 / min(values) / 1e9 for name, values in seconds.items()}


def seconds_a_step(train: Callable[[int], object], steps: int) -> float:
    """Return how long a step takes: ``train(n)`` does n steps, and is warmed up first."""
    train(steps)
    start = time.perf_counter()
    train(steps)
    return (time.perf_counter() - start) / steps


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
