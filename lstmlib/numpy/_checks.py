"""What the layers share: checks of their arguments, and sequences of different lengths."""

import numpy as np

Precision = type[np.float32] | type[np.float64]


def check_dtype(name: str, a: np.ndarray, dtype: Precision) -> None:
    """Raise TypeError unless ``a`` has the layer's dtype."""
    if a.dtype != dtype:
        given, expected = a.dtype.name, np.dtype(dtype).name
        raise TypeError(
            f"{name} is {given}, the layer's weights are {expected}: "
            f"pass {name}.astype(np.{expected}), or make the layer with dtype=np.{given}"
        )


def check_finite(name: str, a: np.ndarray) -> None:
    """Raise ValueError, naming the first index, if ``a`` holds NaN or an infinity."""
    finite = np.isfinite(a)
    if not finite.all():
        index = tuple(int(k) for k in np.argwhere(~finite)[0])
        at = ", ".join(map(str, index))
        raise ValueError(
            f"{name}[{at}] is {a[index]}: every value must be finite "
            f"({np.count_nonzero(~finite)} of {a.size} are not)"
        )


def check_sizes(**sizes: int) -> None:
    """Raise ValueError unless every size is at least 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}: it must be at least 1")


def check_input(x: np.ndarray, input_size: int, dtype: Precision) -> None:
    """Raise unless ``x`` is not empty, has the layer's features and dtype, and is finite."""
    if x.shape[-1] != input_size:
        raise ValueError(
            f"x has shape {x.shape}: its last axis is {x.shape[-1]}, "
            f"but the layer's input_size is {input_size}"
        )
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: every axis must be at least 1 long")
    check_dtype("x", x, dtype)
    check_finite("x", x)


def check_state(name: str, s: np.ndarray, hidden_size: int, dtype: Precision) -> None:
    """Raise unless the state ``s`` has the layer's number of units and dtype, all finite."""
    if s.shape[-1] != hidden_size:
        raise ValueError(
            f"{name} has shape {s.shape}: its last axis is {s.shape[-1]}, "
            f"but the layer's hidden_size is {hidden_size}"
        )
    check_dtype(name, s, dtype)
    check_finite(name, s)


def check_gradient(name: str, da: np.ndarray, shape: tuple[int, ...], dtype: Precision) -> None:
    """Raise unless the gradient ``da`` has the shape of what it is the gradient of."""
    if da.shape != shape:
        raise ValueError(
            f"{name} has shape {da.shape}, but what forward returned has shape {shape}, and a "
            "gradient has the shape of what it is the gradient of"
        )
    check_dtype(name, da, dtype)


def check_lengths(lengths: np.ndarray, T: int) -> None:
    """Raise ValueError unless every length is from 1 to T."""
    wrong = (lengths < 1) | (lengths > T)
    if wrong.any():
        b = int(wrong.argmax())
        raise ValueError(f"lengths[{b}] is {lengths[b]}: x has {T} steps, so it must be 1 to {T}")


def check_truncate(truncate: int | None) -> None:
    """Raise ValueError unless the number of steps in a chunk is at least 1."""
    if truncate is not None and truncate < 1:
        raise ValueError(f"truncate is {truncate}: a chunk has at least 1 step")


def padding(T: int, lengths: np.ndarray) -> np.ndarray:
    """Return (T, B) booleans: true where step t is past the end of sequence b."""
    return np.arange(T)[:, None] >= lengths


def outputs(h: np.ndarray, lengths: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return a copy of h (T, B, H), 0 in the padding, and h at each sequence's end (B, H)."""
    T, B, _ = h.shape
    out = h.copy()
    if lengths is None:
        return out, h[-1].copy()
    out[padding(T, lengths)] = 0
    return out, h[lengths - 1, np.arange(B)]


def output_gradients(
    dh: np.ndarray | None,
    dh_end: np.ndarray | None,
    name: str,
    shape: tuple[int, int, int],
    lengths: np.ndarray | None,
    dtype: Precision,
) -> np.ndarray:
    """Return the immediate gradient of h (T, B, H), given those of both results of ``outputs``."""
    T, B, _ = shape
    if dh is None:
        total = np.zeros(shape, dtype)
    else:
        check_gradient("dh", dh, shape, dtype)
        total = dh.copy()
        if lengths is not None:
            total[padding(T, lengths)] = 0
    if dh_end is not None:
        check_gradient(name, dh_end, shape[1:], dtype)
        last = T - 1 if lengths is None else lengths - 1
        total[last, np.arange(B)] += dh_end
    return total
