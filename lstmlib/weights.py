"""One set of weights in three layouts: lstmlib.numpy's, PyTorch's and Keras 3's.

Plain arrays and dicts go in and come out, so neither torch nor keras is needed here::

    module.load_state_dict({k: torch.tensor(a) for k, a in to_torch(layer.params).items()})
    keras_layer.set_weights(to_keras(layer.params))
    for name, a in from_torch(module.state_dict()).items():
        layer.params[name][...] = a

Known are RNN, LSTM and GRU, each also in both directions and stacked, and Dense. Which it is need
not be said: ``W_h`` has as many blocks of H rows as the layer has gates, G = 1, 4 or 3.

============  ======================  ==========================  ================================
what          lstmlib.numpy           torch.nn                    keras.layers
============  ======================  ==========================  ================================
input         ``W_x`` (GH, D)         ``weight_ih_l0`` (GH, D)    ``kernel`` (D, GH)
recurrent     ``W_h`` (GH, H)         ``weight_hh_l0`` (GH, H)    ``recurrent_kernel`` (H, GH)
bias          ``b`` (GH,)             ``bias_ih_l0`` and          ``bias`` (GH,), of a GRU
                                      ``bias_hh_l0``, added       (2, 3H), added
LSTM's gates  i, f, g, o              i, f, g, o                  i, f, c, o (c is our g)
GRU's gates   r, z, n                 r, z, n                     z, r, h (h is our n)
GRU's b_hn    ``b_hn`` (H,)           n's part of ``bias_hh_l0``  h's part of the second bias row
two ways      ``forward.W_x`` …,      ``…_l0`` and                all of the forward layer, then
              ``backward.W_x`` …      ``…_l0_reverse``            all of the backward layer
stacked       ``0.W_x``, ``1.W_x``    ``…_l0``, ``…_l1``          one layer after the other
Dense         ``W`` (K, D), ``b``     ``weight``, ``bias``        ``kernel`` (D, K), ``bias``
============  ======================  ==========================  ================================

Of two biases only the sum is ever used, so ours is that sum; in the other direction the bias goes
to the first, and the second is 0. GRU's n = tanh(W_xn x + b_n + r ⊙ (W_hn h + b_hn)) is the
exception: there the two are different weights and stay apart.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Params = dict[str, np.ndarray]
Cells = dict[tuple[int, str], Params]
"""The params of each recurrent layer, by its place in the stack and its direction."""

KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}
SUFFIX = {"forward": "", "backward": "_reverse"}
TORCH_NAMES = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def to_torch(params: Mapping[str, np.ndarray]) -> Params:
    """Return weights as the state dict of ``torch.nn.RNN``, ``GRU``, ``LSTM`` or ``Linear``.

    Parameters
    ----------
    params
        ``layer.params`` of RNN, GRU, LSTM, Bidirectional or Stacked, or of Dense.

    Returns
    -------
    dict of arrays
        Copies, with torch's names; ``load_state_dict`` wants them as tensors.

    Raises
    ------
    ValueError
        If names are missing or unknown, shapes do not fit, or layers differ in kind or size, which
        torch's cannot.
    """
    if set(params) == {"W", "b"}:
        _check_dense(params["W"], params["b"])
        return {"weight": params["W"].copy(), "bias": params["b"].copy()}
    cells = _from_names(params)
    kinds = {_gates_and_units(cell["W_h"]) for cell in cells.values()}
    if len(kinds) > 1:
        found = ", ".join(f"{KINDS[G]} of {H} units" for G, H in sorted(kinds))
        raise ValueError(f"expected layers of one kind and size, as torch has them, got {found}")
    state_dict = {}
    for (layer, direction), cell in cells.items():
        arrays = [cell["W_x"], cell["W_h"], *_two_biases(cell)]
        for name, array in zip(TORCH_NAMES, arrays, strict=True):
            state_dict[f"{name}_l{layer}{SUFFIX[direction]}"] = array.copy()
    return state_dict


def from_torch(state_dict: Mapping[str, Any]) -> Params:
    """Return the weights of a torch layer with the names and shapes of ``layer.params``.

    Parameters
    ----------
    state_dict
        ``module.state_dict()`` of ``torch.nn.RNN``, ``GRU``, ``LSTM`` (any number of layers, one or
        two directions) or ``Linear``: tensors on the CPU, or arrays.

    Returns
    -------
    dict of arrays
        Copies, named as Stacked and Bidirectional name them where there are several layers or two
        directions.

    Raises
    ------
    ValueError
        If names are missing or unknown (as with ``bias=False`` and ``proj_size``), or shapes do not
        fit.
    """
    arrays = {key: np.asarray(value).copy() for key, value in state_dict.items()}
    if "weight" in arrays:
        _check_names(arrays, ["weight", "bias"], "torch.nn.Linear")
        _check_dense(arrays["weight"], arrays["bias"])
        return {"W": arrays["weight"], "b": arrays["bias"]}

    found: dict[tuple[int, str], Params] = {}
    for key, array in arrays.items():
        match = re.fullmatch(r"(\w+)_l(\d+)(_reverse)?", key)
        if not match:
            raise ValueError(
                f"unknown name {key!r}: expected the state dict of one torch.nn.RNN, GRU, LSTM or "
                "Linear, with names such as 'weight_ih_l0' or 'weight'"
            )
        name, layer, reverse = match.groups()
        found.setdefault((int(layer), "backward" if reverse else "forward"), {})[name] = array
    cells: Cells = {}
    for place, cell in found.items():
        _check_names(cell, TORCH_NAMES, f"torch's layer {place[0]}, {place[1]}")
        W_x, W_h, b_x, b_h = (cell[name] for name in TORCH_NAMES)
        cells[place] = {"W_x": W_x, "W_h": W_h} | _one_bias(W_h, b_x, b_h)
    return _to_names(_ordered(cells))


def to_keras(params: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return weights in the order of ``get_weights()`` of the same layer in Keras 3.

    Parameters
    ----------
    params
        ``layer.params`` of RNN, GRU, LSTM, Bidirectional or Stacked, or of Dense.

    Returns
    -------
    list of arrays
        Copies. A GRU's are those of ``keras.layers.GRU`` with ``reset_after=True``, the default;
        those of Stacked are in the order of a ``keras.Sequential`` of the layers.

    Raises
    ------
    ValueError
        If names are missing or unknown, or shapes do not fit.
    """
    if set(params) == {"W", "b"}:
        _check_dense(params["W"], params["b"])
        return [params["W"].T.copy(), params["b"].copy()]
    weights = []
    for cell in _from_names(params).values():
        W_x, W_h, b = cell["W_x"], cell["W_h"], cell["b"]
        if "b_hn" in cell:
            W_x, W_h = _swap_r_and_z(W_x), _swap_r_and_z(W_h)
            b = np.stack([_swap_r_and_z(bias) for bias in _two_biases(cell)])
        weights += [W_x.T.copy(), W_h.T.copy(), b.copy()]
    return weights


def from_keras(weights: Sequence[np.ndarray], *, bidirectional: bool = False) -> Params:
    """Return the weights of a Keras 3 layer with the names and shapes of ``layer.params``.

    Parameters
    ----------
    weights
        ``get_weights()`` of ``SimpleRNN``, ``GRU`` or ``LSTM``, of ``Bidirectional`` of one of
        these, of a ``Sequential`` of several, or of ``Dense``.
    bidirectional
        Whether the layers are ``Bidirectional``: from the arrays alone, two directions and two
        layers can look the same.

    Returns
    -------
    dict of arrays
        Copies, named as Stacked and Bidirectional name them where there are several layers or two
        directions.

    Raises
    ------
    ValueError
        If the number of arrays (as with ``use_bias=False``) or shapes do not fit; and for a GRU
        with ``reset_after=False``, whose n = tanh(W_xn x + W_hn (r ⊙ h) + b_n) resets before the
        product with W_hn, ours and torch's after it: no choice of weights makes the two equal.
    """
    arrays = [np.asarray(value).copy() for value in weights]
    if [a.ndim for a in arrays] == [2, 1]:
        _check_dense(arrays[0].T, arrays[1])
        return {"W": arrays[0].T.copy(), "b": arrays[1]}
    directions = ["forward", "backward"] if bidirectional else ["forward"]
    if len(arrays) == 0 or len(arrays) % (3 * len(directions)) != 0:
        raise ValueError(
            "expected kernel, recurrent_kernel and bias of each layer"
            f"{' and direction' if bidirectional else ''}, or kernel and bias of a Dense; "
            f"got {len(arrays)} arrays with shapes {[a.shape for a in arrays]}"
        )
    cells: Cells = {}
    for k in range(len(arrays) // 3):
        layer, direction = divmod(k, len(directions))
        W_x, W_h, b = arrays[3 * k].T.copy(), arrays[3 * k + 1].T.copy(), arrays[3 * k + 2]
        cell = {"W_x": W_x, "W_h": W_h, "b": b}
        G, H = _gates_and_units(W_h)
        if KINDS[G] == "GRU":
            if b.shape != (2, 3 * H):
                raise ValueError(
                    f"a GRU's bias has shape {b.shape}, expected {(2, 3 * H)}: only a GRU with "
                    "reset_after=True multiplies by r after the product with W_hn, as ours does"
                )
            W_x, W_h, b_x, b_h = (_swap_r_and_z(a) for a in (W_x, W_h, *b))
            cell = {"W_x": W_x, "W_h": W_h} | _one_bias(W_h, b_x, b_h)
        cells[layer, directions[direction]] = cell
    return _to_names(_ordered(cells))


def _swap_r_and_z(a: np.ndarray) -> np.ndarray:
    """Copy ``a`` (3H, …) from the gate order r, z, n (ours) to z, r, n (Keras's), or back."""
    first, second, n = np.split(a, 3)
    return np.concatenate([second, first, n])


def _one_bias(W_h: np.ndarray, b_x: np.ndarray, b_h: np.ndarray) -> Params:
    """Return our bias, or biases, for the two of torch and of Keras's GRU."""
    G, H = _gates_and_units(W_h)
    for bias in (b_x, b_h):
        if bias.shape != (G * H,):
            raise ValueError(
                f"expected two biases of shape {(G * H,)} in {KINDS[G]} with {H} units, "
                f"got {b_x.shape} and {b_h.shape}"
            )
    b = b_x + b_h
    if KINDS[G] != "GRU":
        return {"b": b}
    b[2 * H :] = b_x[2 * H :]
    return {"b": b, "b_hn": b_h[2 * H :].copy()}


def _two_biases(cell: Params) -> tuple[np.ndarray, np.ndarray]:
    """Return two biases for ours: all in the first, but for GRU's b_hn."""
    b_h = np.zeros_like(cell["b"])
    if "b_hn" in cell:
        b_h[2 * len(cell["b_hn"]) :] = cell["b_hn"]
    return cell["b"], b_h


def _from_names(params: Mapping[str, np.ndarray]) -> Cells:
    """Sort ``params`` into layers and directions by what stands before the names."""
    cells: Cells = {}
    for key, array in params.items():
        match = re.fullmatch(r"(?:(\d+)\.)?(?:(forward|backward)\.)?(\w+)", key)
        if not match:
            raise ValueError(
                f"unknown name {key!r}: expected names such as 'W_x', 'forward.W_x', '0.W_x' or "
                "'0.forward.W_x'"
            )
        layer, direction, name = match.groups()
        cell = cells.setdefault((int(layer or 0), direction or "forward"), {})
        if name in cell:
            raise ValueError(f"{key!r} names weights that another name has given already")
        cell[name] = array
    return _ordered(cells)


def _to_names(cells: Cells) -> Params:
    """Name the weights as Stacked and Bidirectional do."""
    stacked = len({layer for layer, _ in cells}) > 1
    bidirectional = len({direction for _, direction in cells}) > 1
    return {
        (f"{layer}." if stacked else "") + (f"{direction}." if bidirectional else "") + name: array
        for (layer, direction), cell in cells.items()
        for name, array in cell.items()
    }


def _ordered(cells: Cells) -> Cells:
    """Return the layers from the bottom up, forward first, if all are whole and fit together."""
    bidirectional = any(direction == "backward" for _, direction in cells)
    directions = ["forward", "backward"] if bidirectional else ["forward"]
    layers = sorted({layer for layer, _ in cells})
    places = [(layer, direction) for layer in range(len(layers)) for direction in directions]
    if not cells or set(places) != set(cells):
        raise ValueError(
            "expected the weights of layers 0, 1, …, of all in one direction or of all in two; "
            f"got {', '.join(f'{layer} {direction}' for layer, direction in cells) or 'none'}"
        )
    ordered = {place: cells[place] for place in places}
    D: int | None = None  # only the first layer may read any number of features
    for layer in layers:
        outputs = 0
        for direction in directions:
            D, H = _check_cell(cells[layer, direction], D, f"layer {layer}, {direction}")
            outputs += H
        D = outputs
    return ordered


def _check_cell(cell: Params, D: int | None, where: str) -> tuple[int, int]:
    """Return D and H of ``cell``, if it is whole and reads D features where D is given."""
    if "W_h" not in cell:
        _check_names(cell, ["W_x", "W_h", "b"], where)
    G, H = _gates_and_units(cell["W_h"])
    _check_names(cell, ["W_x", "W_h", "b"] + ["b_hn"] * (KINDS[G] == "GRU"), where)
    W_x = cell["W_x"]
    if W_x.ndim != 2:
        raise ValueError(f"{where}: W_x has shape {W_x.shape}, expected (GH, D)")
    D = W_x.shape[1] if D is None else D
    expected = {"W_x": (G * H, D), "W_h": (G * H, H), "b": (G * H,), "b_hn": (H,)}
    for name, array in cell.items():
        if array.shape != expected[name]:
            raise ValueError(
                f"{where}: {name} has shape {array.shape} (in our layout), expected "
                f"{expected[name]} in {KINDS[G]} with {H} units that reads {D} features"
            )
    return D, H


def _gates_and_units(W_h: np.ndarray) -> tuple[int, int]:
    """Return the number of gates G and of units H, which the shape (GH, H) of ``W_h`` tells."""
    for G in KINDS:
        if W_h.ndim == 2 and W_h.shape[0] == G * W_h.shape[1] > 0:
            return G, W_h.shape[1]
    raise ValueError(
        f"W_h has shape {W_h.shape} (in our layout): expected (GH, H) with H units and G = 1, 3 or "
        "4 gates, for RNN, GRU or LSTM"
    )


def _check_dense(W: np.ndarray, b: np.ndarray) -> None:
    """Raise ``ValueError`` unless W is (K, D) and b is (K,)."""
    if W.ndim != 2 or b.shape != W.shape[:1]:
        raise ValueError(f"expected W (K, D) and b (K,), got {W.shape} and {b.shape}")


def _check_names(arrays: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    """Raise ``ValueError`` unless ``arrays`` has exactly these names."""
    missing, unknown = set(names) - set(arrays), set(arrays) - set(names)
    if missing or unknown:
        raise ValueError(
            f"{where}: expected {', '.join(names)}; "
            f"missing {', '.join(sorted(missing)) or 'none'}, "
            f"unknown {', '.join(sorted(unknown)) or 'none'}"
        )
