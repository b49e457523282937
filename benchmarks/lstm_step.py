"""The training step of the NumPy LSTM beside torch.nn.LSTM and a plain per-gate NumPy loop.

A step is forward and backward with all gradients: of x, h0, c0, W_x, W_h and b.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import per_gate, timing
from lstmlib.numpy import LSTM
from lstmlib.weights import to_torch

SHAPES = [(64, 32, 66, 128), (28, 64, 28, 128), (128, 64, 128, 512)]
"""(T, B, D, H): a character model, digits by rows, a large one."""
OURS, TORCH, LOOP = "lstmlib.numpy", "torch.nn.LSTM", "per-gate loop"
Gradients = dict[str, np.ndarray]


def flop(T: int, B: int, D: int, H: int) -> int:
    """Return the multiplications and additions of a step's matrix products.

    Forward, z = W_x x + W_h h takes 2 · 4H (D + H) for each of the T B inputs; backward, the
    gradients of the inputs and those of the weights take as much each.
    """
    return 3 * 2 * 4 * H * (D + H) * T * B


def steps(
    T: int, B: int, D: int, H: int, dtype: type[np.floating]
) -> dict[str, Callable[[], Gradients]]:
    """Return the three steps, as functions that return the gradients; same weights and inputs."""
    rng = np.random.default_rng(0)
    layer = LSTM(D, H, rng=rng, dtype=dtype)
    x = rng.normal(size=(T, B, D)).astype(dtype)
    h0, c0, dh_T, dc_T = rng.normal(size=(4, B, H)).astype(dtype)
    dh = rng.normal(size=(T, B, H)).astype(dtype)

    def ours() -> Gradients:
        layer.forward(x, (h0, c0))
        dx, dstate = layer.backward(dh, (dh_T, dc_T))
        return {"x": dx, "h0": dstate.h, "c0": dstate.c, **layer.grads}

    module = torch.nn.LSTM(D, H, dtype=torch.from_numpy(x).dtype)
    module.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(layer.params).items()})
    inputs = {"x": x, "h0": h0[None], "c0": c0[None]}
    leaves = {name: torch.from_numpy(a).requires_grad_() for name, a in inputs.items()}
    dout = [torch.from_numpy(a) for a in (dh, dh_T[None], dc_T[None])]

    def torch_lstm() -> Gradients:
        for leaf in [*leaves.values(), *module.parameters()]:
            leaf.grad = None
        h, state = module(leaves["x"], (leaves["h0"], leaves["c0"]))
        torch.autograd.backward([h, *state], dout)
        weights = {"W_x": module.weight_ih_l0, "W_h": module.weight_hh_l0, "b": module.bias_ih_l0}
        grads = {name: leaf.grad.numpy() for name, leaf in (leaves | weights).items()}
        return grads | {"h0": grads["h0"][0], "c0": grads["c0"][0]}

    weights = per_gate.split_by_gate(layer.params)

    def loop() -> Gradients:
        _, _, _, caches = per_gate.forward(x, h0, c0, weights)
        dx, dh0, dc0, grads = per_gate.backward(dh, dh_T, dc_T, caches, weights)
        return {"x": dx, "h0": dh0, "c0": dc0, **per_gate.join_gates(grads)}

    return {OURS: ours, TORCH: torch_lstm, LOOP: loop}


def measure(
    shapes: list[tuple[int, int, int, int]], rounds: int, peak_size: int
) -> list[dict[str, Any]]:
    """Return one record for each dtype and shape: its seconds, round by round."""
    records = []
    for dtype in (np.float32, np.float64):
        peak = timing.product_peak(dtype, peak_size, rounds)
        for shape in shapes:
            seconds = timing.interleaved(steps(*shape, dtype), rounds)
            records.append(
                {
                    "dtype": np.dtype(dtype).name,
                    "shape": shape,
                    "flop": flop(*shape),
                    "peak_gflops": peak,
                    "seconds": seconds,
                }
            )
    return records


def report(records: list[dict[str, Any]]) -> str:
    """Return the records as Markdown: times, ratios, GFLOP/s, and geometric means."""
    rows, means = [], []
    for dtype in dict.fromkeys(record["dtype"] for record in records):
        of_dtype = [record for record in records if record["dtype"] == dtype]
        medians = []
        for record in of_dtype:
            seconds = record["seconds"]
            rate = record["flop"] / timing.spread(seconds[OURS])[1] / 1e9
            peak = max(record["peak_gflops"].values())
            to_torch_lstm, to_loop = (
                timing.ratios(seconds, OURS, other) for other in (TORCH, LOOP)
            )
            medians.append([timing.spread(values)[1] for values in (to_torch_lstm, to_loop)])
            rows.append(
                [
                    f"({', '.join(map(str, record['shape']))})",
                    dtype,
                    *(_ms(seconds[name]) for name in (OURS, TORCH, LOOP)),
                    _ratio(to_torch_lstm),
                    _ratio(to_loop),
                    f"{rate:.0f} of {peak:.0f} ({rate / peak:.0%})",
                ]
            )
        columns = zip(*medians, strict=True)
        means.append(
            [dtype, *(f"**{timing.geometric_mean(list(column)):.2f}**" for column in columns)]
        )
    head = ["(T, B, D, H)", "dtype", f"{OURS}, ms", f"{TORCH}, ms", f"{LOOP}, ms"]
    head += [f"ours / {TORCH}", f"ours / {LOOP}", "ours, GFLOP/s of peak"]
    mean_head = ["geometric mean of the medians", f"ours / {TORCH}", f"ours / {LOOP}"]
    return (
        "Median (least–largest) of the rounds. Ratios are taken round by round; below 1, ours is\n"
        "faster. Rates are of the matrix products of a step, beside one large product.\n\n"
        f"{timing.markdown_table(head, rows)}\n\n{timing.markdown_table(mean_head, means)}"
    )


def _ms(seconds: list[float]) -> str:
    least, median, largest = timing.spread([1000 * value for value in seconds])
    return f"{median:.3g} ({least:.3g}–{largest:.3g})"


def _ratio(values: list[float]) -> str:
    least, median, largest = timing.spread(values)
    return f"**{median:.2f}** ({least:.2f}–{largest:.2f})"
