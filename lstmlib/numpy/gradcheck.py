"""Backward passes checked against central differences (chapter 1).

∂L/∂θ ≈ (L(θ + ε) − L(θ − ε)) / 2ε, one entry θ at a time: slow, and right whatever the backward
pass says.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked

EPS = 1e-5  # near the cube root of float64's rounding error, where they are best: eq-ann-step-size


@dataclass(frozen=True)
class Entry:
    """The entry of one array where the two gradients differ most."""

    error: float
    name: str
    index: tuple[int, ...]
    backward: float
    difference: float

    def __str__(self) -> str:
        where = f"{self.name}[{', '.join(map(str, self.index))}]"
        return (
            f"{self.error:.1e} at {where}: "
            f"backward {self.backward:.6g}, central difference {self.difference:.6g}"
        )


class Worst(float):
    """The largest relative error, a number; printed, it says where it is.

    Attributes
    ----------
    name, index
        The array and the entry with the largest error.
    entries
        The worst entry of every array, by the array's name.
    """

    name: str
    index: tuple[int, ...]
    entries: dict[str, Entry]

    def __new__(cls, entries: dict[str, Entry]) -> "Worst":
        """Choose the worst of the entries."""
        worst = max(entries.values(), key=lambda entry: (np.isnan(entry.error), entry.error))
        self = super().__new__(cls, worst.error)
        self.entries, self.name, self.index = entries, worst.name, worst.index
        return self

    def __repr__(self) -> str:
        return str(self.entries[self.name])

    __str__ = __repr__


@checked
def gradcheck(
    layer: Any,
    x: Float[np.ndarray, "*S"] | Mapping[str, np.ndarray],
    state: Any = None,
    lengths: Int[np.ndarray, "B"] | None = None,
) -> Worst:
    """Compare the gradients of a backward pass with central differences, entry by entry.

    The loss of a layer is the sum of its outputs and of its last state, each entry times a fixed
    random weight, so that no two errors can cancel; checked are ``x``, every array of ``params``
    and the first state.

    Parameters
    ----------
    layer
        A layer; or a function of x that returns (loss, gradient). A function of several arrays
        takes a dict of them as x and returns their gradients as a dict.
    x
        Where to check: for a layer its input.
    state
        The state to start from; zeros by default.
    lengths
        Where the sequences end, for a layer that takes them.

    Returns
    -------
    worst
        The largest relative error; printed, it names the array and the index where it is. The
        errors of an array are relative to its largest central difference, or to 1e-5 of the largest
        of all arrays where that is more: what is smaller drowns in the rounding of the loss.

    Raises
    ------
    TypeError
        An array is not float64: in float32 the differences drown in rounding errors.
    """
    if isinstance(x, Mapping):
        _require_float64(x)
        arrays = {name: a.copy() for name, a in x.items()}
        return _compare(lambda: layer(arrays)[0], arrays, layer(arrays)[1])
    _require_float64({"x": x})
    if hasattr(layer, "forward"):
        _require_float64(layer.params)
        return _check_layer(layer, x, state, lengths)
    x = x.copy()
    return _compare(lambda: layer(x)[0], {"x": x}, {"x": layer(x)[1]})


def _require_float64(arrays: Mapping[str, np.ndarray]) -> None:
    for name, a in arrays.items():
        if a.dtype != np.float64:
            raise TypeError(f"{name} is {a.dtype}: gradcheck needs float64")


def _check_layer(layer: Any, x: Any, state: Any, lengths: np.ndarray | None) -> Worst:
    probe = deepcopy(layer).forward(x, *(() if lengths is None else (state, lengths)))
    recurrent = isinstance(probe, tuple)
    if recurrent:
        form = probe[1]
        given = _named("state", form if state is None else state).values()
        state = _like(form, [np.zeros_like(a) if state is None else a.copy() for a in given])
    start = deepcopy(layer)  # each run is that of a copy of it, so that dropout draws the same
    x = x.copy()

    def run(layer: Any) -> list[np.ndarray]:
        """Return all results: the outputs, and the arrays of the last state."""
        if not recurrent:
            return [layer.forward(x)]
        h, end = layer.forward(x, state, lengths)
        return [h, *_named("state", end).values()]

    results = run(layer)
    draw = np.random.default_rng(0)
    weights = [draw.standard_normal(r.shape) for r in results]
    if recurrent:
        dx, dstate = layer.backward(weights[0], _like(state, weights[1:]))
        arrays = {"x": x, **start.params, **_named("state", state)}
        gradients = {"x": dx, **layer.grads, **_named("state", dstate)}
    else:
        dx = layer.backward(weights[0])
        arrays = {"x": x, **start.params}
        gradients = {"x": dx, **layer.grads}

    def loss() -> float:
        results = run(deepcopy(start))
        return sum(float(np.vdot(w, r)) for w, r in zip(weights, results, strict=True))

    return _compare(loss, arrays, gradients)


def _compare(
    loss: Callable[[], float], arrays: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]
) -> Worst:
    """Change every entry of the arrays by ±ε in place, and compare the loss with the gradients."""
    for name, a in arrays.items():
        if name not in gradients:
            raise ValueError(f"no gradient of {name}: gradients of {', '.join(gradients)}")
        if gradients[name].shape != a.shape:
            raise ValueError(f"{name} has shape {a.shape}, its gradient {gradients[name].shape}")
    differences = {}
    for name, a in arrays.items():
        differences[name] = difference = np.empty_like(a)
        for index in np.ndindex(a.shape):
            value = a[index]
            a[index] = value + EPS
            above = loss()
            a[index] = value - EPS
            below = loss()
            a[index] = value
            difference[index] = (above - below) / (2 * EPS)  # eq-ann-gradcheck

    sizes = {name: float(np.abs(difference).max()) for name, difference in differences.items()}
    entries = {}
    for name in arrays:
        scale = max(sizes[name], 1e-5 * max(sizes.values())) or 1.0
        error = np.abs(gradients[name] - differences[name]) / scale  # eq-ann-gradcheck
        index = tuple(int(k) for k in np.unravel_index(error.argmax(), error.shape))
        entries[name] = Entry(
            error=float(error[index]),
            name=name,
            index=index,
            backward=float(gradients[name][index]),
            difference=float(differences[name][index]),
        )
    return Worst(entries)


def _named(name: str, state: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a state by name: state, or state.h and state.c, or state[0].h, …."""
    if isinstance(state, np.ndarray):
        return {name: state}
    fields = getattr(state, "_fields", None)
    names = (
        [f"{name}.{f}" for f in fields] if fields else [f"{name}[{k}]" for k in range(len(state))]
    )
    return {n: a for part, s in zip(names, state, strict=True) for n, a in _named(part, s).items()}


def _like(state: Any, arrays: list[np.ndarray]) -> Any:
    """Return a state built like the given one of the arrays, in the order of ``_named``."""
    rest = iter(arrays)

    def build(s: Any) -> Any:
        if isinstance(s, np.ndarray):
            return next(rest)
        return type(s)(*map(build, s)) if hasattr(s, "_fields") else tuple(map(build, s))

    return build(state)
