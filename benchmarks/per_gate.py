"""A plain NumPy LSTM: one step at a time, one gate at a time, as one writes it first.

It is what the fused layer of ``lstmlib.numpy`` is compared with. Each gate has its own weights, and
every step its own products, forward and backward.
"""

import numpy as np

GATES = "ifgo"


def split_by_gate(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return each gate's weights: ``W_xi`` (H, D), ``W_hi`` (H, H), ``b_i`` (H,), and so on."""
    return {
        f"{name}{gate}" if name != "b" else f"b_{gate}": part.copy()
        for name, array in params.items()
        for gate, part in zip(GATES, np.split(array, 4), strict=True)
    }


def join_gates(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return ``W_x``, ``W_h`` and ``b``, the gates stacked in the order i, f, g, o."""
    return {
        name: np.concatenate([weights[prefix + gate] for gate in GATES])
        for name, prefix in {"W_x": "W_x", "W_h": "W_h", "b": "b_"}.items()
    }


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(x, h_prev, c_prev, weights):
    z = {
        gate: x @ weights[f"W_x{gate}"].T + h_prev @ weights[f"W_h{gate}"].T + weights[f"b_{gate}"]
        for gate in GATES
    }
    i, f, g, o = sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, (x, h_prev, c_prev, i, f, g, o, c)


def step_backward(dh, dc, cache, weights, grads):
    """Add this step's part to ``grads``; return dx, dh_prev and dc_prev."""
    x, h_prev, c_prev, i, f, g, o, c = cache
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c**2)
    dz = {
        "i": dc * g * i * (1 - i),
        "f": dc * c_prev * f * (1 - f),
        "g": dc * i * (1 - g**2),
        "o": dh * tanh_c * o * (1 - o),
    }
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    for gate in GATES:
        grads[f"W_x{gate}"] += dz[gate].T @ x
        grads[f"W_h{gate}"] += dz[gate].T @ h_prev
        grads[f"b_{gate}"] += dz[gate].sum(0)
        dx += dz[gate] @ weights[f"W_x{gate}"]
        dh_prev += dz[gate] @ weights[f"W_h{gate}"]
    return dx, dh_prev, dc * f


def forward(x, h, c, weights):
    """Return the outputs (T, B, H), the last h and c, and what the way back needs."""
    outputs, caches = [], []
    for x_t in x:
        h, c, cache = step(x_t, h, c, weights)
        outputs.append(h)
        caches.append(cache)
    return np.stack(outputs), h, c, caches


def backward(dh, dh_next, dc_next, caches, weights):
    """Return dx, dh0, dc0 and the gradients of the weights."""
    grads = {name: np.zeros_like(array) for name, array in weights.items()}
    dx = []
    for dh_t, cache in zip(reversed(dh), reversed(caches), strict=True):
        dx_t, dh_next, dc_next = step_backward(dh_t + dh_next, dc_next, cache, weights, grads)
        dx.append(dx_t)
    return np.stack(dx[::-1]), dh_next, dc_next, grads
