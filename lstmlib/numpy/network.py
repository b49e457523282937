"""A recurrent layer with its read-out and its loss, and the loop that trains it (chapter 2)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from lstmlib._shapes import checked
from lstmlib.numpy.ann import Dense
from lstmlib.numpy.optim import clip_grad_norm
from lstmlib.numpy.wrappers import Layer, _merged


class Loss(Protocol):
    """``softmax_cross_entropy``, ``mean_squared_error``: the loss of y and its gradient."""

    def __call__(
        self, y: np.ndarray, targets: np.ndarray, lengths: np.ndarray | None = None, /
    ) -> tuple[float, np.ndarray]:
        """Return the loss and dy."""


@runtime_checkable
class Trainable(Protocol):
    """What ``train`` trains: ``Network``, and anything else with these three."""

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The weights by name."""

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """The gradients of the last loss, with the same names and shapes."""

    def loss_and_grads(self, *batch: Any) -> float:
        """Return the loss of a batch and fill ``grads``."""


@runtime_checkable
class Optimizer(Protocol):
    """``SGD``, ``RMSProp``, ``Adam``."""

    def step(self, grads: Mapping[str, np.ndarray]) -> None:
        """Change the parameters in place."""


class Network:
    """Recurrent layer, linear read-out and loss: y_t = W h_t + b at every step, or at the last.

    Parameters
    ----------
    layer
        ``RNN``, ``LSTM``, ``GRU``, ``Bidirectional`` or ``Stacked``.
    readout
        The linear layer from h_t to y_t: its input size is the layer's output size.
    loss
        ``softmax_cross_entropy`` (y are logits) or ``mean_squared_error``.
    last
        Whether only the last step of each sequence is read out, instead of every step. (There the
        second layer of a ``Bidirectional`` has read one step only.)

    Attributes
    ----------
    params, grads
        Those of both parts, as ``layer.W_x``, …, ``readout.W``, ``readout.b``: the same arrays, so
        that an optimiser that changes them in place changes the parts.

    Raises
    ------
    TypeError, ValueError
        Layer and read-out do not fit each other.
    """

    def __init__(self, layer: Layer, readout: Dense, loss: Loss, *, last: bool = False) -> None:
        if layer.output_size != readout.input_size:
            raise ValueError(
                f"layer has output_size {layer.output_size}, "
                f"but readout has input_size {readout.input_size}"
            )
        if layer.dtype != readout.dtype:
            raise TypeError(
                f"layer is {layer.dtype.__name__}, readout is {readout.dtype.__name__}: "
                "they must be the same"
            )
        self.layer, self.readout, self.loss, self.last = layer, readout, loss, last
        self._parts: dict[str, Any] = {"layer": layer, "readout": readout}

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The weights of both parts."""
        return _merged(self._parts, "params")

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """The gradients of both parts."""
        return _merged(self._parts, "grads")

    @checked
    def forward(
        self,
        x: Float[np.ndarray, "T B D"],
        state: Any = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> tuple[Float[np.ndarray, "T B K"] | Float[np.ndarray, "B K"], Any]:
        """Run over the sequences x, from the given state (0 by default).

        Parameters
        ----------
        lengths
            Where the sequences end; what comes after is padding.

        Returns
        -------
        y, state
            The read-out of every step (T, B, K), or with ``last`` of each sequence's last (B, K);
            and the layer's state at the end.
        """
        h, state = self.layer.forward(x, state, lengths)
        return self.readout.forward(h[_ends(lengths)] if self.last else h), state

    @checked
    def loss_and_grads(
        self,
        x: Float[np.ndarray, "T B D"],
        targets: np.ndarray,
        state: Any = None,
        lengths: Int[np.ndarray, "B"] | None = None,
    ) -> float:
        """Return the loss, and fill ``grads`` by backpropagation through time.

        Parameters
        ----------
        targets
            As the loss takes them: class numbers (T, B), or (B,) with ``last``; or numbers shaped
            like y.
        state, lengths
            As for ``forward``; with lengths, only the steps before the end count.

        Raises
        ------
        TypeError, ValueError
            x, the state or the lengths do not fit the layer, or the targets do not fit y.
        """
        y, _ = self.forward(x, state, lengths)
        ends = None if self.last else lengths
        loss, dy = self.loss(y, targets, ends)  # eq-rnn-loss, eq-rnn-loss-last
        dh = self.readout.backward(dy)
        if self.last:
            dh_last, dh = dh, np.zeros((*x.shape[:2], self.layer.output_size), self.layer.dtype)
            dh[_ends(lengths)] = dh_last
        self.layer.backward(dh)
        return loss


@checked
def train(
    network: Trainable,
    batches: Iterable[tuple],
    optimizer: Optimizer,
    *,
    clip: float | None = None,
) -> list[float]:
    """Make one step of the optimiser for each batch, and return the loss of each before its step.

    Parameters
    ----------
    network
        A ``Network``, or anything else with ``params``, ``grads`` and ``loss_and_grads``.
    batches
        Tuples of what ``network.loss_and_grads`` takes: (x, targets), or (x, targets, state), …
    optimizer
        Made for ``network.params``.
    clip
        The largest norm of all gradients together; None leaves them as they are.

    Raises
    ------
    FloatingPointError
        A loss is not finite; the weights are left as they were before that batch.
    """
    losses = []
    for k, batch in enumerate(batches):
        loss = network.loss_and_grads(*batch)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss of batch {k} is {loss}")
        if clip is not None:
            clip_grad_norm(network.grads, clip)
        optimizer.step(network.grads)
        losses.append(loss)
    return losses


def _ends(lengths: np.ndarray | None) -> Any:
    """Return the index of each sequence's last step in h (T, B, H)."""
    return -1 if lengths is None else (lengths - 1, np.arange(len(lengths)))
