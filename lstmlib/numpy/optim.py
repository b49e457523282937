"""Optimisers: each changes the arrays of ``params`` in place, given ``grads`` with the same keys.

The rate ``lr`` is an attribute: a schedule sets it before each step.
"""

import math
from collections.abc import Mapping

import numpy as np

from lstmlib._shapes import checked

Arrays = Mapping[str, np.ndarray]


class SGD:
    """Stochastic gradient descent: v ← μ v + g, θ ← θ − η v, with momentum μ and rate η (lr)."""

    @checked
    def __init__(self, params: Arrays, lr: float, momentum: float = 0.0) -> None:
        self.params, self.lr, self.momentum = params, lr, momentum
        self._v = _zeros(params)

    @checked
    def step(self, grads: Arrays) -> None:
        """Change the parameters by one step against their gradients."""
        _check(self.params, grads)
        for name, p in self.params.items():
            v = self._v[name]
            v[...] = self.momentum * v + grads[name]
            p -= self.lr * v  # eq-ann-descent


class RMSProp:
    """RMSProp (Tieleman and Hinton, 2012): v ← ρ v + (1 − ρ) g², θ ← θ − η g / (√v + ε)."""

    @checked
    def __init__(self, params: Arrays, lr: float, rho: float = 0.99, eps: float = 1e-8) -> None:
        self.params, self.lr, self.rho, self.eps = params, lr, rho, eps
        self._v = _zeros(params)

    @checked
    def step(self, grads: Arrays) -> None:
        """Change the parameters by one step against their gradients."""
        _check(self.params, grads)
        for name, p in self.params.items():
            v, g = self._v[name], grads[name]
            v[...] = self.rho * v + (1 - self.rho) * g**2
            p -= self.lr * g / (np.sqrt(v) + self.eps)


class Adam:
    """Adam (Kingma and Ba, 2015).

    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g² start at 0; with m̂ = m / (1 − β₁ᵏ) and v̂ = v
    / (1 − β₂ᵏ), which undo that start, step k is θ ← θ − η m̂ / (√v̂ + ε).
    """

    @checked
    def __init__(
        self,
        params: Arrays,
        lr: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        self.params, self.lr = params, lr
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self._m, self._v = _zeros(params), _zeros(params)
        self._k = 0

    @checked
    def step(self, grads: Arrays) -> None:
        """Change the parameters by one step against their gradients."""
        _check(self.params, grads)
        self._k += 1
        for name, p in self.params.items():
            m, v, g = self._m[name], self._v[name], grads[name]
            m[...] = self.beta1 * m + (1 - self.beta1) * g
            v[...] = self.beta2 * v + (1 - self.beta2) * g**2
            m_hat = m / (1 - self.beta1**self._k)
            v_hat = v / (1 - self.beta2**self._k)
            p -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


@checked
def clip_grad_norm(grads: Arrays, max_norm: float) -> float:
    """Scale the gradients in place, so that their norm ‖g‖ over all of them is at most max_norm.

    Pascanu, Mikolov and Bengio (2013): where ‖g‖ > max_norm, g ← g · max_norm / ‖g‖.

    Returns
    -------
    norm
        ‖g‖ before scaling.

    Raises
    ------
    ValueError
        ‖g‖ is NaN or infinite; the gradients are left as they were.
    """
    norm = math.sqrt(sum(float(np.linalg.norm(g.astype(np.float64))) ** 2 for g in grads.values()))
    if not math.isfinite(norm):
        bad = [name for name, g in grads.items() if not np.isfinite(g).all()]
        raise ValueError(f"the norm of the gradients is {norm}; not finite: {', '.join(bad)}")
    if norm > max_norm:
        for g in grads.values():
            g *= max_norm / norm  # eq-vanishing-clip
    return norm


def _check(params: Arrays, grads: Arrays) -> None:
    """Raise ValueError unless there is a gradient of every parameter's shape."""
    for name, p in params.items():
        if name not in grads:
            raise ValueError(f"no gradient of {name}: gradients of {', '.join(grads)}")
        if grads[name].shape != p.shape:
            raise ValueError(f"{name} has shape {p.shape}, its gradient {grads[name].shape}")


def _zeros(params: Arrays) -> dict[str, np.ndarray]:
    return {name: np.zeros_like(p) for name, p in params.items()}
