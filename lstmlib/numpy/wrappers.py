"""Layers made of recurrent layers: two that read in opposite directions, or several stacked."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked
from lstmlib.numpy._checks import Precision, check_lengths


class Layer(Protocol):
    """What wrappers wrap, and are: RNN, LSTM, GRU, Bidirectional, Stacked."""

    input_size: int
    output_size: int
    dtype: Precision

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The weights by name."""

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """The gradients of the last backward pass, with the same names and shapes."""

    def forward(
        self, x: np.ndarray, state: Any = None, lengths: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return the outputs (T, B, output_size) and the state at the end."""

    def backward(
        self, dh: np.ndarray | None, dstate: Any = None, truncate: int | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return the gradients of the inputs and of the first state."""


def _merged(parts: Mapping[str, Layer], which: str) -> Mapping[str, np.ndarray]:
    """Return the params or grads of all parts in one read-only mapping: the arrays are the parts'.

    They can be changed in place; replacing one here would not reach the part, so it is an error.
    """
    return MappingProxyType(
        {
            f"{part}.{name}": a
            for part, layer in parts.items()
            for name, a in getattr(layer, which).items()
        }
    )


class Bidirectional:
    """Two layers that read the sequence in opposite directions, their outputs side by side.

    Output t is [h_t of ``forward_layer``, h_t of ``backward_layer``]; the second has read the steps
    from the end of the sequence back to t. Schuster and Paliwal (1997).

    Parameters
    ----------
    forward_layer, backward_layer
        Layers of the same input size and dtype.

    Attributes
    ----------
    params, grads
        Those of the two layers, as ``forward.W_x``, …, ``backward.W_x``, ….
    """

    def __init__(self, forward_layer: Layer, backward_layer: Layer) -> None:
        if forward_layer.input_size != backward_layer.input_size:
            raise ValueError(
                f"forward_layer has input_size {forward_layer.input_size}, backward_layer has "
                f"{backward_layer.input_size}: both read the same x"
            )
        if forward_layer.dtype != backward_layer.dtype:
            raise TypeError(
                f"forward_layer is {forward_layer.dtype.__name__}, "
                f"backward_layer is {backward_layer.dtype.__name__}: they must be the same"
            )
        self.forward_layer, self.backward_layer = forward_layer, backward_layer
        self.input_size = forward_layer.input_size
        self.output_size = forward_layer.output_size + backward_layer.output_size
        self.dtype = forward_layer.dtype
        self._order: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The weights of both layers."""
        return _merged({"forward": self.forward_layer, "backward": self.backward_layer}, "params")

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """The gradients of both layers."""
        return _merged({"forward": self.forward_layer, "backward": self.backward_layer}, "grads")

    @checked
    def forward(
        self,
        x: Float[np.ndarray, "T B D"],
        state: tuple[Any, Any] | None = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> tuple[Float[np.ndarray, "T B H"], tuple[Any, Any]]:
        """Run both layers over the sequences x.

        Parameters
        ----------
        state
            The states the two layers start from: the first at step 0, the second at each sequence's
            end.
        lengths
            Where the sequences end; the second layer starts there.

        Returns
        -------
        h, state
            The outputs at every step, and the states of the two layers when they have read all.
        """
        T, B, _ = x.shape
        steps = np.arange(T)[:, None]
        if lengths is None:
            reverse = np.broadcast_to(T - 1 - steps, (T, B))
        else:
            check_lengths(lengths, T)
            reverse = np.where(steps < lengths, lengths - 1 - steps, steps)  # eq-variants-reverse
        order = reverse, np.arange(B)
        state_f, state_b = (None, None) if state is None else state
        h_f, state_f = self.forward_layer.forward(x, state_f, lengths)
        h_b, state_b = self.backward_layer.forward(x[order], state_b, lengths)
        self._order = order
        # eq-variants-bidirectional
        return np.concatenate([h_f, h_b[order]], axis=-1), (state_f, state_b)

    @checked
    def backward(
        self,
        dh: Float[np.ndarray, "T B H"] | None,
        dstate: tuple[Any, Any] | None = None,
        truncate: int | None = None,
    ) -> tuple[Float[np.ndarray, "T B D"], tuple[Any, Any]]:
        """Backpropagate through both layers.

        Parameters
        ----------
        dh, dstate
            The gradients of what forward returned; None where the loss does not use it.
        truncate
            Steps in a chunk of truncated BPTT, as for the layers: each counts from where it starts
            to read.

        Returns
        -------
        dx, dstate
            The gradients of x and of the two states that forward started from.
        """
        if self._order is None:
            raise RuntimeError("Bidirectional.backward needs a forward pass before it")
        H = self.forward_layer.output_size
        dh_f, dh_b = (None, None) if dh is None else (dh[..., :H], dh[..., H:])
        dstate_f, dstate_b = (None, None) if dstate is None else dstate
        dx_f, dstate_f = self.forward_layer.backward(dh_f, dstate_f, truncate)
        dh_b = None if dh_b is None else dh_b[self._order]
        dx_b, dstate_b = self.backward_layer.backward(dh_b, dstate_b, truncate)
        return dx_f + dx_b[self._order], (dstate_f, dstate_b)


class Stacked:
    """Layers on top of each other: each reads the outputs of the one below, after dropout.

    Parameters
    ----------
    layers
        From the bottom up; the output size of each is the input size of the next.
    dropout
        The probability p that an output of a layer below is set to 0 on its way up; the others are
        divided by 1 − p, so that the expected value stays the same. Drawn anew for each unit, step
        and example, as in PyTorch.
    rng
        Where the dropped outputs are drawn from; needed where dropout > 0.

    Attributes
    ----------
    training
        Whether outputs are dropped: True at first; set it to False to evaluate.
    params, grads
        Those of the layers, as ``0.W_x``, …, ``1.W_x``, ….
    """

    @checked
    def __init__(
        self,
        layers: Sequence[Any],
        *,
        dropout: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not layers:
            raise ValueError("layers is empty: at least one layer is needed")
        for l in range(1, len(layers)):
            below, above = layers[l - 1], layers[l]
            if below.output_size != above.input_size:
                raise ValueError(
                    f"layer {l - 1} has output_size {below.output_size}, "
                    f"but layer {l} has input_size {above.input_size}"
                )
            if below.dtype != above.dtype:
                raise TypeError(
                    f"layer {l - 1} is {below.dtype.__name__}, "
                    f"layer {l} is {above.dtype.__name__}: they must be the same"
                )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}: a probability, at least 0 and less than 1")
        if dropout > 0 and rng is None:
            raise ValueError(f"dropout is {dropout}: pass the rng that says what is dropped")
        self.layers: list[Layer] = list(layers)
        self.dropout, self.rng = dropout, rng
        self.training = True
        self.input_size, self.output_size = layers[0].input_size, layers[-1].output_size
        self.dtype = layers[0].dtype
        self._masks: list[np.ndarray | None] = []

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The weights of all layers."""
        return _merged({str(l): layer for l, layer in enumerate(self.layers)}, "params")

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """The gradients of all layers."""
        return _merged({str(l): layer for l, layer in enumerate(self.layers)}, "grads")

    @checked
    def forward(
        self,
        x: Float[np.ndarray, "T B D"],
        state: tuple[Any, ...] | None = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> tuple[Float[np.ndarray, "T B H"], tuple[Any, ...]]:
        """Run the layers from the bottom up.

        Parameters
        ----------
        state
            One state a layer.
        lengths
            Where the sequences end.

        Returns
        -------
        h, state
            The outputs of the top layer at every step, and the state of every layer at the end.
        """
        states = self._of_each("state", state)
        masks: list[np.ndarray | None] = []
        ends = []
        h = x
        for l, layer in enumerate(self.layers):
            mask = None
            if l > 0 and self.training and self.rng is not None and self.dropout > 0:
                kept = self.rng.random(h.shape) >= self.dropout
                mask = kept.astype(self.dtype) / self.dtype(1 - self.dropout)
                h = h * mask  # eq-variants-dropout
            masks.append(mask)
            h, end = layer.forward(h, states[l], lengths)  # eq-variants-stacked
            ends.append(end)
        self._masks = masks
        return h, tuple(ends)

    @checked
    def backward(
        self,
        dh: Float[np.ndarray, "T B H"] | None,
        dstate: tuple[Any, ...] | None = None,
        truncate: int | None = None,
    ) -> tuple[Float[np.ndarray, "T B D"], tuple[Any, ...]]:
        """Backpropagate from the top layer down.

        Parameters
        ----------
        dh, dstate
            The gradients of what forward returned; None where the loss does not use it.
        truncate
            Steps in a chunk of truncated BPTT, as for the layers.

        Returns
        -------
        dx, dstate
            The gradients of x and of the states that forward started from.
        """
        if not self._masks:
            raise RuntimeError("Stacked.backward needs a forward pass before it")
        dstates = self._of_each("dstate", dstate)
        starts = []
        for layer, mask, dstate_l in zip(
            reversed(self.layers), reversed(self._masks), reversed(dstates), strict=True
        ):
            dx, start = layer.backward(dh, dstate_l, truncate)
            starts.append(start)
            dh = dx if mask is None else dx * mask
        return dx, tuple(reversed(starts))

    def _of_each(self, name: str, state: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Return the state (or gradient) of each layer, None where none was given."""
        if state is None:
            return (None,) * len(self.layers)
        if len(state) != len(self.layers):
            raise ValueError(
                f"{name} has {len(state)} entries, expected one for each of the "
                f"{len(self.layers)} layers"
            )
        return state
