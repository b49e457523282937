"""The equations of chapters/06_lstm_backward.ipynb against autograd and central differences.

The reference is a network of one example in torch, equation by equation, that keeps the gradient of
every intermediate quantity; checked are the chapter's ``backward``, the library's
``lstm_step_backward`` and the layer ``LSTM``.
"""

import numpy as np
import pytest
import torch

from lstmlib.analysis import cell_path
from lstmlib.numpy import LSTM, LSTMState, lstm_step, lstm_step_backward, tanh

CHAPTER = "06_lstm_backward"
SIZES = [(5, 3, 2, 4), (1, 2, 3, 1), (4, 1, 5, 3), (7, 2, 1, 6)]

everywhere = pytest.mark.parametrize("sizes", SIZES, ids=str)


class Case:
    """A random network, what torch says of it, and what the chapter and the library say."""

    def __init__(self, sizes, backward):
        T, B, D, H = sizes
        rng = np.random.default_rng(T)
        self.T, self.H = T, H
        self.params = {n: 1.5 * p for n, p in LSTM(D, H, rng=rng).params.items()}
        self.x = rng.normal(size=(T, B, D))
        self.state = LSTMState(*rng.normal(size=(2, B, H)))
        self.r = rng.normal(size=(T, B, H))  # the loss is Σ r h + h² / 2
        state, self.caches, h = self.state, [], []
        for x_t in self.x:
            state, cache = lstm_step(x_t, state, **self.params)
            self.caches.append(cache)
            h.append(state.h)
        self.dh_loss = self.r + np.stack(h)
        self.exact = self.by_autograd()
        self.ours = backward(self.caches, self.dh_loss)
        self.steps = self.by_steps()

    def by_autograd(self):
        """Gradients of all quantities at all steps, by the six equations on columns."""
        leaf = {n: torch.tensor(a, requires_grad=True) for n, a in self.params.items()}
        blocks = {
            f"{n}{gate}": block
            for n, a in leaf.items()
            for gate, block in zip("ifgo", a.chunk(4), strict=True)
        }
        x = torch.tensor(self.x, requires_grad=True)
        first = [torch.tensor(a, requires_grad=True) for a in self.state]
        names = ["h", "c", "i", "f", "g", "o", *(f"z_{gate}" for gate in "ifgo")]
        kept = {name: {} for name in names}
        loss = 0
        for n in range(self.x.shape[1]):
            h, c = (a[n] for a in first)
            for t in range(self.T):
                z = {
                    k: blocks[f"W_x{k}"] @ x[t, n] + blocks[f"W_h{k}"] @ h + blocks[f"b{k}"]
                    for k in "ifgo"
                }
                i, f, o = (1 / (1 + torch.exp(-z[k])) for k in "ifo")
                g = torch.tanh(z["g"])
                c = f * c + i * g
                h = o * torch.tanh(c)
                loss = loss + torch.dot(torch.tensor(self.r[t, n]), h) + torch.dot(h, h) / 2
                now = {"h": h, "c": c, "i": i, "f": f, "g": g, "o": o}
                for name, a in (now | {f"z_{k}": z[k] for k in "ifgo"}).items():
                    a.retain_grad()
                    kept[name][t, n] = a
        loss.backward()
        grads = {n: a.grad.numpy() for n, a in leaf.items()}
        grads |= {"x": x.grad.numpy(), "h0": first[0].grad.numpy(), "c0": first[1].grad.numpy()}
        for name, tensors in kept.items():
            grads[name] = np.empty((*self.x.shape[:2], self.H))
            for place, a in tensors.items():
                grads[name][place] = a.grad.numpy()
        return grads | {"z": np.concatenate([grads[f"z_{k}"] for k in "ifgo"], axis=-1)}

    def by_steps(self):
        """What ``lstm_step_backward`` hands back at each step, from the last to the first."""
        back, results = LSTMState(*np.zeros((2, *self.state.h.shape))), []
        for dh_t, cache in zip(self.dh_loss[::-1], self.caches[::-1], strict=True):
            dx, back, grads = lstm_step_backward((dh_t + back.h, back.c), cache)
            results.append((dx, back, grads))
        return results[::-1]

    def agrees(self, *names):
        for name in names:
            near(self.ours[name], self.exact[name])


def near(ours, expected, tolerance=1e-12):
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).max() < tolerance * max(1, np.abs(expected).max())


@pytest.fixture
def case(sizes, defined):
    return Case(sizes, defined("backward-all", np=np, tanh=tanh)["backward"])


@everywhere
def test_hidden_state(case):
    """eq-lstmback-dh: the loss of the step, and what the four gates of the next one send back."""
    case.agrees("h")
    for t in range(case.T):
        expected = case.dh_loss[t].copy()
        for gate, W in zip("ifgo", np.split(case.params["W_h"], 4), strict=True):
            if t + 1 < case.T:
                expected += case.exact[f"z_{gate}"][t + 1] @ W
        near(case.exact["h"][t], expected)


@everywhere
def test_output_gate(case):
    """eq-lstmback-do: total gradients of autograd."""
    case.agrees("o")


@everywhere
def test_cell_state(case):
    """eq-lstmback-dc: total gradients of autograd, and the two parts written out."""
    case.agrees("c")
    for t, cache in enumerate(case.caches):
        later = case.caches[t + 1].f * case.exact["c"][t + 1] if t + 1 < case.T else 0
        now = case.exact["h"][t] * cache.o / np.cosh(cache.c) ** 2
        near(case.exact["c"][t], now + later)


@everywhere
def test_gates_of_the_cell(case):
    """eq-lstmback-df, eq-lstmback-di, eq-lstmback-dg: total gradients of autograd."""
    case.agrees("f", "i", "g")


@everywhere
def test_preactivations(case):
    """eq-lstmback-dz: four blocks in the order i, f, g, o."""
    case.agrees("z")


@everywhere
def test_inputs(case):
    """eq-lstmback-dx: the chapter's function and the library's step against autograd."""
    case.agrees("x")
    near(np.stack([dx for dx, _, _ in case.steps]), case.exact["x"])


@everywhere
def test_back_to_the_step_before(case):
    """eq-lstmback-dh-prev, eq-lstmback-dc-prev: all of it for the first states, parts elsewhere."""
    case.agrees("h0", "c0")
    for t, (_, back, _) in enumerate(case.steps):
        if t == 0:
            near(back.h, case.exact["h0"])
            near(back.c, case.exact["c0"])
        else:
            near(case.dh_loss[t - 1] + back.h, case.exact["h"][t - 1])
            before = case.caches[t - 1]
            through_h = case.exact["h"][t - 1] * before.o / np.cosh(before.c) ** 2
            near(through_h + back.c, case.exact["c"][t - 1])


@everywhere
def test_weights(case):
    """eq-lstmback-weights: a sum over steps and examples, three ways, and central differences."""
    case.agrees("W_x", "W_h", "b")
    layer = LSTM(case.x.shape[2], case.H, rng=np.random.default_rng(0))
    layer.params.update(case.params)
    layer.forward(case.x, case.state)
    layer.backward(case.dh_loss)
    dz = case.exact["z"]
    h_before = np.stack([cache.h_prev for cache in case.caches])
    for name, entering in {
        "W_x": case.x,
        "W_h": h_before,
        "b": np.ones((*dz.shape[:2], 1)),
    }.items():
        expected = sum(
            np.outer(dz[place], entering[place]) for place in np.ndindex(dz.shape[:2])
        ).reshape(case.params[name].shape)
        near(case.exact[name], expected)
        near(layer.grads[name], expected)
        near(sum(grads[name] for _, _, grads in case.steps), expected)

    def loss():
        h, _ = layer.forward(case.x, case.state)
        return np.sum(case.r * h + h**2 / 2)

    rng = np.random.default_rng(0)
    for p in layer.params.values():
        index = tuple(rng.integers(n) for n in p.shape)
        name = next(n for n, a in layer.params.items() if a is p)
        p[index] += 1e-5
        above = loss()
        p[index] -= 2e-5
        below = loss()
        p[index] += 1e-5
        assert abs((above - below) / 2e-5 - case.exact[name][index]) < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_carousel(seed, defined):
    """eq-lstmback-carousel: a gate that is 1 only adds, and the factor is 1 at every lag."""
    rng = np.random.default_rng(seed)
    layer = defined("carousel-live", LSTM=LSTM)["carousel"](3, rng)
    x = rng.normal(size=(200, 2, 1))
    assert (cell_path(layer.params, x).direct == 1).all()
    state, c = LSTMState(*np.zeros((2, 2, 3))), np.zeros((2, 3))
    for x_t in x:
        state, cache = lstm_step(x_t, state, **layer.params)
        c = c + cache.i * cache.g
        near(state.c, c)


@pytest.mark.parametrize("seed", range(3))
def test_direct(seed):
    """eq-lstmback-direct: autograd along the cell, with gates that are held fixed."""
    rng = np.random.default_rng(seed)
    layer = LSTM(2, 4, rng=rng)
    x = rng.normal(size=(6, 1, 2))
    state, caches = LSTMState(*np.zeros((2, 1, 4))), []
    for x_t in x:
        state, cache = lstm_step(x_t, state, **layer.params)
        caches.append(cache)
    direct = cell_path(layer.params, x).direct
    for t in range(6):

        def along(c, t=t):
            for cache in caches[t + 1 :]:
                i, f, g = (torch.tensor(a[0]) for a in (cache.i, cache.f, cache.g))
                c = f * c + i * g
            return c

        J = torch.autograd.functional.jacobian(along, torch.tensor(caches[t].c[0])).numpy()
        near(np.diag(direct[t, 0]), J)


@pytest.mark.parametrize("seed", range(3))
def test_split(seed, defined):
    """eq-lstmback-split: both parts add up to autograd's total; each E_s in its term."""
    rng = np.random.default_rng(seed)
    params = {n: 2 * p for n, p in LSTM(2, 4, rng=rng).params.items()}
    x, state = rng.normal(size=(6, 1, 2)), LSTMState(*rng.normal(size=(2, 1, 4)))
    path = cell_path(params, x, state)
    caches = []
    for x_t in x:
        state, cache = lstm_step(x_t, state, **params)
        caches.append(cache)
    by_autograd = defined("split-check", np=np, torch=torch)["total_by_autograd"]
    total = [by_autograd(params, x, cache, t) for t, cache in enumerate(caches)]
    left = [
        total[s] - total[s + 1] * caches[s + 1].f for s in range(5)
    ]  # E_s: what the recursion leaves to h
    for t in range(6):
        near(path.total[t, 0], total[t])
        through_h = np.zeros((4, 4))
        for s in range(t, 5):
            stay = np.prod([np.ones((1, 4)), *(cache.f for cache in caches[t + 1 : s + 1])], axis=0)
            through_h += left[s] * stay
        near(path.through_h[t, 0], through_h)


@pytest.mark.parametrize("b_f", [-1.0, 0.0, 1.0, 3.0, 5.0])
def test_bias(b_f):
    """eq-lstmback-bias: exact without weights; with small ones as near as they are small."""
    rng = np.random.default_rng(0)
    layer = LSTM(1, 8, rng=rng, forget_bias=b_f)
    x = rng.normal(size=(21, 4, 1))
    expected = (1 / (1 + np.exp(-b_f))) ** np.arange(20, -1, -1)[:, None, None]
    errors = []
    for scale in (0.0, 0.001, 0.01):
        params = {n: p * (1 if n == "b" else scale) for n, p in layer.params.items()}
        errors.append(np.abs(cell_path(params, x).direct / expected - 1).max())
    assert errors[0] < 1e-12
    assert errors[1] < 0.02
    assert errors[1] < 0.2 * errors[2]


def test_half_life(cells):
    """eq-lstmback-halflife: after that many steps a half is left; the cell's line says the same."""
    (line,) = (line for line in cells["bias-table"].splitlines() if "eq-lstmback-halflife" in line)
    for f in np.random.default_rng(0).uniform(0.01, 0.999, size=20):
        names = {"np": np, "f": f}
        exec(line.strip(), names)
        assert abs(f ** names["half_life"] - 0.5) < 1e-12


def test_explosion_in_closed_form(defined):
    """eq-lstmback-split, eq-lstmback-direct: the unit whose total is (1/2 + w/4)^lag."""
    one_unit = defined("explode-live", np=np)["one_unit"]
    for w in np.random.default_rng(0).uniform(-6, 6, size=10):
        path = cell_path(one_unit(w), np.zeros((11, 1, 1)))
        for t in range(11):
            near(path.direct[t, 0], np.array([0.5 ** (10 - t)]))
            near(path.total[t, 0], np.array([[(0.5 + w / 4) ** (10 - t)]]))
