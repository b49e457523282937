"""The three models of the book, on PyTorch's fused LSTM.

Sequences are time-major, ``(T, B, D)``, and a state is ``(h, c)``, each ``(L, B, H)`` for ``L``
layers. Each model offers what ``fit`` and ``evaluate`` need: ``config`` (the arguments that build
it again), ``loss`` (to be minimised), ``score`` (means to be reported) and ``stateful`` (whether
the next batch goes on where this one ended).

Initialisation: weights as PyTorch's ``nn.LSTM`` has them, uniform in ±1/√H; biases 0, except the
forget gate's, which is 1, so that a new cell remembers (Gers, Schmidhuber & Cummins 2000;
Jozefowicz et al. 2015).
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from lstmlib._shapes import checked

State = tuple[Float[Tensor, "L B H"], Float[Tensor, "L B H"]]


class StackedLSTM(nn.Module):
    """``num_layers`` LSTM layers, each reading the one below, with dropout between them.

    In training, each batch also goes without a share ``weight_drop`` of the entries of W_h, chosen
    anew (DropConnect on the recurrent weights: Merity, Keskar & Socher 2018).

    Each layer is an ``nn.LSTM`` of its own: dropout inside a multi-layer ``nn.LSTM`` draws, on a
    GPU, from a generator that can be neither saved nor restored, and an interrupted training could
    not go on exactly.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        weight_drop: float = 0.0,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers: expected 1 or more, got {num_layers}")
        if not 0 <= weight_drop < 1:
            raise ValueError(
                f"weight_drop: expected a number from 0 up to but not 1, got {weight_drop}"
            )
        self.layers = nn.ModuleList(
            nn.LSTM(input_size if layer == 0 else hidden_size, hidden_size)
            for layer in range(num_layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.weight_drop = weight_drop
        for name, parameter in self.layers.named_parameters():
            if "bias" in name:
                nn.init.zeros_(parameter)
            if "bias_ih" in name:
                nn.init.ones_(parameter[hidden_size : 2 * hidden_size])  # gates i, f, g, o

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Compute h of the top layer at every step (T, B, H), and the last state of all layers."""
        if x.shape[0] == 0:
            raise ValueError(f"expected at least one time step, got T = 0: {tuple(x.shape)}")
        hs, cs = [], []
        for index, layer in enumerate(self.layers):
            if index > 0:
                x = self.dropout(x)
            first = None
            if state is not None:
                first = (state[0][index : index + 1], state[1][index : index + 1])
            if self.training and self.weight_drop > 0:
                # One mask for all steps of the batch.
                W_h = F.dropout(layer.get_parameter("weight_hh_l0"), self.weight_drop)
                x, (h, c) = functional_call(layer, {"weight_hh_l0": W_h}, (x, first))
            else:
                x, (h, c) = layer(x, first)
            hs.append(h)
            cs.append(c)
        return x, (torch.cat(hs), torch.cat(cs))


class SequenceModel(nn.Module):
    """What the models share: a loss made of ``forward`` and ``score``."""

    config: dict[str, int | float | None]
    stateful: ClassVar[bool]

    def score(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Compute means over the targets: ``"loss"`` and, where there is one, ``"accuracy"``."""
        raise NotImplementedError

    def loss(
        self, inputs: Tensor, targets: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Compute the mean loss over the targets, and the state after the last step."""
        outputs, state = self(inputs, state)
        return self.score(outputs, targets)["loss"], state


class CharModel(SequenceModel):
    """Predict each next symbol of a text: symbols -> vectors -> LSTM -> dropout -> logits.

    Parameters
    ----------
    vocab_size
        Number V of symbols.
    hidden_size, num_layers
        Units H of each of the LSTM layers.
    dropout
        Probability of a zero in what the output layer and each LSTM layer but the first read; an
        embedding is dropped from too.
    embedding_size
        Length of the learnt vector of a symbol; ``None`` gives each its one-hot vector of length V.
    weight_drop
        Probability of a zero in each layer's W_h, drawn anew for every batch of a training.
    """

    stateful = True
    embedding: nn.Embedding | None
    one_hot: Tensor

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        embedding_size: int | None = None,
        weight_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.config = {
            "vocab_size": vocab_size,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "dropout": dropout,
            "embedding_size": embedding_size,
            "weight_drop": weight_drop,
        }
        self.dropout = nn.Dropout(dropout)
        self.embedding = None
        input_size = vocab_size
        if embedding_size is not None:
            self.embedding = nn.Embedding(vocab_size, embedding_size)
            input_size = embedding_size
        # The one-hot vector of symbol k is row k of the identity.
        self.register_buffer("one_hot", torch.eye(vocab_size), persistent=False)
        self.lstm = StackedLSTM(input_size, hidden_size, num_layers, dropout, weight_drop)
        self.output = nn.Linear(hidden_size, vocab_size)

    @checked
    def forward(
        self, symbols: Int[Tensor, "T B"], state: State | None = None
    ) -> tuple[Float[Tensor, "T B V"], State]:
        """Compute logits of what follows each symbol, and the state after the last."""
        if self.embedding is None:
            x = F.embedding(symbols, self.one_hot)
        else:
            x = self.dropout(self.embedding(symbols))
        h, state = self.lstm(x, state)
        return self.output(self.dropout(h)), state

    @checked
    def score(
        self, outputs: Float[Tensor, "T B V"], targets: Int[Tensor, "T B"]
    ) -> dict[str, Tensor]:
        """Compute the mean cross-entropy, in nats a symbol."""
        loss = F.cross_entropy(outputs.flatten(0, 1), targets.flatten())  # eq-shakespeare-loss
        return {"loss": loss}


class RowClassifier(SequenceModel):
    """Classify a sequence, such as an image read row by row: LSTM -> dropout -> logits.

    There are logits after every row, what the model would answer having seen so much; the loss uses
    those after the last.
    """

    stateful = False

    def __init__(
        self,
        input_size: int = 28,
        hidden_size: int = 128,
        num_classes: int = 10,
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.config = {
            "input_size": input_size,
            "hidden_size": hidden_size,
            "num_classes": num_classes,
            "num_layers": num_layers,
            "dropout": dropout,
        }
        self.lstm = StackedLSTM(input_size, hidden_size, num_layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, num_classes)

    @checked
    def forward(
        self, x: Float[Tensor, "T B D"], state: State | None = None
    ) -> tuple[Float[Tensor, "T B K"], State]:
        """Compute logits after each row, and the state after the last."""
        h, state = self.lstm(x, state)
        return self.output(self.dropout(h)), state

    @checked
    def score(
        self, outputs: Float[Tensor, "T B K"], targets: Int[Tensor, " B"]
    ) -> dict[str, Tensor]:
        """Compute mean cross-entropy (nats) and the share of right answers, after the last row."""
        logits = outputs[-1]
        return {
            "loss": F.cross_entropy(logits, targets),  # eq-digits-loss
            "accuracy": (logits.argmax(dim=1) == targets).float().mean(),  # eq-digits-accuracy
        }


class Forecaster(SequenceModel):
    """Forecast the ``horizon`` values after a window of a series: LSTM -> dropout -> linear."""

    stateful = False

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        horizon: int,
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.config = {
            "input_size": input_size,
            "hidden_size": hidden_size,
            "horizon": horizon,
            "num_layers": num_layers,
            "dropout": dropout,
        }
        self.lstm = StackedLSTM(input_size, hidden_size, num_layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, horizon * input_size)
        self.horizon = horizon

    @checked
    def forward(
        self, x: Float[Tensor, "T B D"], state: State | None = None
    ) -> tuple[Float[Tensor, "M B D"], State]:
        """Forecast M = ``horizon`` values, all from h of the window's last step; also the state."""
        h, state = self.lstm(x, state)
        forecast = self.output(self.dropout(h[-1]))  # (B, M·D)
        return forecast.unflatten(1, (self.horizon, -1)).transpose(0, 1), state

    @checked
    def score(
        self, outputs: Float[Tensor, "M B D"], targets: Float[Tensor, "M B D"]
    ) -> dict[str, Tensor]:
        """Compute the mean squared error."""
        return {"loss": F.mse_loss(outputs, targets)}
