"""One step of a recurrent network, an equation a line; autograd does the backward pass.

The names are the formulas': ``W_x`` leads from the input, ``W_h`` from the state before, gates are
stacked in the order i, f, g, o (GRU: r, z, n), and there is one bias. They are also the names of
the NumPy layers' ``params``. ``unroll`` runs a cell over a sequence. Weights start uniform in
±1/√H, biases at 0, forget gates' biases at 1.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn, relu, sigmoid, tanh

from lstmlib._shapes import checked


class RNNCell(nn.Module):
    """Elman network (Elman 1990): h = φ(W_x x + W_h h + b), φ = tanh or ReLU."""

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh") -> None:
        super().__init__()
        functions = {"tanh": tanh, "relu": relu}
        if activation not in functions:
            raise ValueError(f"activation: expected 'tanh' or 'relu', got {activation!r}")
        self.phi = functions[activation]
        self.W_x = _uniform(hidden_size, hidden_size, input_size)
        self.W_h = _uniform(hidden_size, hidden_size, hidden_size)
        self.b = nn.Parameter(torch.zeros(hidden_size))

    @checked
    def forward(
        self, x: Float[Tensor, "B D"], h: Float[Tensor, "B H"] | None = None
    ) -> Float[Tensor, "B H"]:
        """Compute the next state from the input and the state before (``None``: zeros)."""
        if h is None:
            h = x.new_zeros(len(x), len(self.b))
        return self.phi(x @ self.W_x.T + h @ self.W_h.T + self.b)


class LSTMCell(nn.Module):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_x = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.W_h = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        self.b = _bias(hidden_size)

    @checked
    def forward(
        self,
        x: Float[Tensor, "B D"],
        state: tuple[Float[Tensor, "B H"], Float[Tensor, "B H"]] | None = None,
    ) -> tuple[Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        """Compute the next state (h, c) from the input and the state before (``None``: zeros)."""
        h, c = state or _zeros(x, len(self.b) // 4)
        z = x @ self.W_x.T + h @ self.W_h.T + self.b
        z_i, z_f, z_g, z_o = z.chunk(4, dim=1)
        i = sigmoid(z_i)
        f = sigmoid(z_f)
        g = tanh(z_g)
        o = sigmoid(z_o)
        c = f * c + i * g
        h = o * tanh(c)
        return h, c


class PeepholeLSTMCell(nn.Module):
    """LSTM whose gates see the cell (Gers, Schraudolph & Schmidhuber 2002).

    Each unit's gates see that unit's cell alone, through ``p_i``, ``p_f`` and ``p_o`` (H,). The
    input and forget gates see it before the update, the output gate after.

    Equation: eq-variants-peephole.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_x = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.W_h = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        self.p_i = _uniform(hidden_size, hidden_size)
        self.p_f = _uniform(hidden_size, hidden_size)
        self.p_o = _uniform(hidden_size, hidden_size)
        self.b = _bias(hidden_size)

    @checked
    def forward(
        self,
        x: Float[Tensor, "B D"],
        state: tuple[Float[Tensor, "B H"], Float[Tensor, "B H"]] | None = None,
    ) -> tuple[Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        """Compute the next state (h, c) from the input and the state before (``None``: zeros)."""
        h, c = state or _zeros(x, len(self.b) // 4)
        z = x @ self.W_x.T + h @ self.W_h.T + self.b
        z_i, z_f, z_g, z_o = z.chunk(4, dim=1)
        i = sigmoid(z_i + self.p_i * c)
        f = sigmoid(z_f + self.p_f * c)
        g = tanh(z_g)
        c = f * c + i * g
        o = sigmoid(z_o + self.p_o * c)
        h = o * tanh(c)
        return h, c


class GRUCell(nn.Module):
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in PyTorch.

    ``b_hn`` (H,) is the second bias this needs: r multiplies it too.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_x = _uniform(hidden_size, 3 * hidden_size, input_size)
        self.W_h = _uniform(hidden_size, 3 * hidden_size, hidden_size)
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))
        self.b_hn = nn.Parameter(torch.zeros(hidden_size))

    @checked
    def forward(
        self, x: Float[Tensor, "B D"], h: Float[Tensor, "B H"] | None = None
    ) -> Float[Tensor, "B H"]:
        """Compute the next state from the input and the state before (``None``: zeros)."""
        if h is None:
            h = x.new_zeros(len(x), len(self.b_hn))
        a_r, a_z, a_n = (x @ self.W_x.T + self.b).chunk(3, dim=1)
        u_r, u_z, u_n = (h @ self.W_h.T).chunk(3, dim=1)
        r = sigmoid(a_r + u_r)
        z = sigmoid(a_z + u_z)
        n = tanh(a_n + r * (u_n + self.b_hn))
        return (1 - z) * n + z * h


class ConvLSTMCell(nn.Module):
    """LSTM on images, with convolutions for its matrix products (Shi et al. 2015).

    Shi's peepholes are left out. The input is (B, D, Y, X), D channels of an image; h and c are (B,
    H, Y, X). Kernels are ``W_x`` (4H, D, k, k) and ``W_h`` (4H, H, k, k), with k odd, and images
    are padded with zeros to keep their size. With k = 1 it is one LSTM, run at every pixel by
    itself.

    Equation: eq-variants-convlstm.
    """

    def __init__(self, input_size: int, hidden_size: int, kernel_size: int) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size: expected an odd number, got {kernel_size}")
        k = kernel_size
        self.W_x = _uniform(hidden_size * k * k, 4 * hidden_size, input_size, k, k)
        self.W_h = _uniform(hidden_size * k * k, 4 * hidden_size, hidden_size, k, k)
        self.b = _bias(hidden_size)

    @checked
    def forward(
        self,
        x: Float[Tensor, "B D Y X"],
        state: tuple[Float[Tensor, "B H Y X"], Float[Tensor, "B H Y X"]] | None = None,
    ) -> tuple[Float[Tensor, "B H Y X"], Float[Tensor, "B H Y X"]]:
        """Compute the next state (h, c) from the input and the state before (``None``: zeros)."""
        h, c = state or _zeros(x, len(self.b) // 4)
        # eq-variants-convolution
        z = F.conv2d(x, self.W_x, self.b, padding="same") + F.conv2d(h, self.W_h, padding="same")
        z_i, z_f, z_g, z_o = z.chunk(4, dim=1)
        i = sigmoid(z_i)
        f = sigmoid(z_f)
        g = tanh(z_g)
        o = sigmoid(z_o)
        c = f * c + i * g
        h = o * tanh(c)
        return h, c


@checked
def unroll(
    cell: nn.Module, x: Float[Tensor, "T B *_"], state: Tensor | tuple[Tensor, Tensor] | None = None
) -> tuple[Float[Tensor, "T B *_"], Any]:
    """Run a cell over a sequence: h of every step, and the state after the last."""
    if len(x) == 0:
        raise ValueError(f"expected at least one time step, got T = 0: {tuple(x.shape)}")
    h = []
    for x_t in x:
        state = cell(x_t, state)
        h.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(h), state


def _uniform(fan: int, *shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape).uniform_(-(fan**-0.5), fan**-0.5))


def _bias(hidden_size: int) -> nn.Parameter:
    b = torch.zeros(4 * hidden_size)
    b[hidden_size : 2 * hidden_size] = 1  # gates i, f, g, o
    return nn.Parameter(b)


def _zeros(x: Tensor, hidden_size: int) -> tuple[Tensor, Tensor]:
    zeros = x.new_zeros(len(x), hidden_size, *x.shape[2:])
    return zeros, zeros
