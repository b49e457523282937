"""A Transformer of the size of nanoGPT's recipe for a CPU, trained as that recipe says.

Four layers of four heads, 128 wide, blocks of 64 characters, batches of 12, no dropout, no biases;
AdamW, rate 1e-3 falling to 1e-4 along a cosine after 100 steps of warm-up, betas 0.9 and 0.99.
Written here from the recipe (https://github.com/karpathy/nanoGPT, README and
config/train_shakespeare_char.py) with torch's layers.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS, HEADS, WIDTH, BLOCK, BATCH = 4, 4, 128, 64, 12
RATE, LAST_RATE, WARMUP, BETAS, WEIGHT_DECAY, CLIP = 1e-3, 1e-4, 100, (0.9, 0.99), 0.1, 1.0


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.project = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm_2 = nn.LayerNorm(WIDTH, bias=False)
        self.expand = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.contract = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        heads = [
            a.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for a in self.qkv(self.norm_1(x)).chunk(3, -1)
        ]
        attended = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.project(attended.transpose(1, 2).flatten(2))
        return x + self.contract(F.gelu(self.expand(self.norm_2(x))))


class Transformer(nn.Module):
    """Logits (B, T, V) of the next symbol for symbols (B, T), T at most 64."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(vocab_size, WIDTH)
        self.positions = nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if "norm" not in name:
                residual = name.endswith(("project.weight", "contract.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, symbols: Tensor) -> Tensor:
        x = self.symbols(symbols) + self.positions.weight[: symbols.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.symbols.weight)  # the embedding, once more


def learning_rate(step: int, steps: int) -> float:
    """Return the rate of a step, counted from 0: up over the warm-up, then down along a cosine."""
    if step < WARMUP:
        return RATE * step / WARMUP
    progress = (step - WARMUP) / max(1, steps - WARMUP)
    return LAST_RATE + (RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def train(model: Transformer, ids: np.ndarray, steps: int, seed: int = 0) -> None:
    """Train on random blocks of ``ids``."""
    text = torch.from_numpy(ids)
    generator = torch.Generator().manual_seed(seed)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    gains = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": gains, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=BETAS)
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        starts = torch.randint(len(text) - BLOCK, (BATCH, 1), generator=generator)
        window = text[starts + torch.arange(BLOCK + 1)]
        logits = model(window[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()


@torch.no_grad()
def evaluate(model: Transformer, ids: np.ndarray, stride: int) -> tuple[float, int]:
    """Return the mean loss of ``ids[1:]`` in nats, and how many symbols that are.

    Windows of 64 inputs begin every ``stride`` symbols, and each scores what none before it has.
    With 64 they stand side by side, and a symbol is predicted from the 1 to 64 before it, as in
    training; with less, from at least 64 - stride + 1, but at the start of the text.
    """
    model.eval()
    text = torch.from_numpy(ids)
    total, scored = 0.0, 0
    for start in range(0, len(ids) - 1, stride):
        if scored == len(ids) - 1:
            break
        window = text[start : start + BLOCK + 1]
        new = start + len(window) - 1 - scored
        logits = model(window[None, :-1])[0, -new:]
        total += F.cross_entropy(logits, window[-new:], reduction="sum").item()
        scored += new
    return total / scored, scored
