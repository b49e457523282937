"""Initial weights. Every function draws from the generator it is given, and from nothing else."""

import math

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy._checks import Precision


@checked
def uniform(
    shape: tuple[int, ...], bound: float, *, rng: np.random.Generator, dtype: Precision = np.float64
) -> np.ndarray:
    """Draw from the uniform distribution on [−bound, bound).

    PyTorch's default, with bound = 1/√H for recurrent layers of H units and 1/√D for linear layers
    of D inputs.
    """
    return rng.uniform(-bound, bound, shape).astype(dtype)


@checked
def glorot(
    shape: tuple[int, int], *, rng: np.random.Generator, dtype: Precision = np.float64
) -> Float[np.ndarray, "N M"]:
    """Draw from the uniform distribution of variance 2/(N + M), for weights of shape (N, M).

    Glorot and Bengio (2010): the bound is √(6/(N + M)).
    """
    return uniform(shape, math.sqrt(6 / sum(shape)), rng=rng, dtype=dtype)


@checked
def orthogonal(
    shape: tuple[int, int], *, rng: np.random.Generator, dtype: Precision = np.float64
) -> Float[np.ndarray, "N M"]:
    """Draw a matrix with orthonormal columns (N ≥ M) or rows (N < M), uniform among all of them.

    Saxe, McClelland and Ganguli (2014). A square one keeps the length of every vector.
    """
    n, m = shape
    q, r = np.linalg.qr(rng.standard_normal((max(n, m), min(n, m))))
    q *= np.sign(np.diag(r))  # QR leaves the signs of the columns open; this makes the draw uniform
    return (q if n >= m else q.T).astype(dtype)  # eq-vanishing-orthogonal


@checked
def identity(size: int, *, dtype: Precision = np.float64) -> Float[np.ndarray, "H H"]:
    """Return the identity, from which a recurrent net of ReLUs starts as a sum of its inputs.

    Le, Jaitly and Hinton (2015).
    """
    return np.eye(size, dtype=dtype)
