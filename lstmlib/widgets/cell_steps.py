"""The LSTM, one operation at a time: forward, then with its gradients back (chapters 5 and 6).

What is drawn and said of each operation is in tables, from which both languages draw. In their
templates ``{f}`` is f at the step that is shown, ``{c.p}`` is c at the step before it, ``{c.n}`` at
the one after it and ``{c.1}`` at step 1; ``{t}``, ``{p}`` and ``{n}`` are the numbers of these
steps, ``{_t}``, ``{_p}`` and ``{_n}`` the same as indices in plain text.
"""

import json
import re
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy import LSTMState, lstm_step, lstm_step_backward
from lstmlib.widgets.controls import Number, Slider
from lstmlib.widgets.figure import Figure, Numbers, State, check_finite, lowered

MOST = 3  # steps whose states a phone's width shows
LIMIT = 10.0  # of inputs and biases: there a sigmoid is within 0.00005 of its end
GATES = "ifgo"

FORWARD = ("z", "i", "f", "g", "o", "keep", "add", "c", "tanh", "h")
BACKWARD = ("dh", "do", "dc", "df", "di", "dg", "dz", "dx", "dh_prev", "dc_prev")
WEIGHTS = ("dW_x", "dW_h", "db")

# What is drawn. A ref is a name as in a template. A wire or a node is lit while the operation done
# last is one of its refs; it is known once one of its refs forward is, and has been passed by a
# gradient once one of its refs back is.
Point = tuple[float, float]
Wire = tuple[list[Point], list[str], list[str]]  # …, refs forward, refs back
Node = tuple[
    float, float, float, float, str, str, list[str], list[str]
]  # middle, size, text, kind, …
Label = tuple[float, float, str, str, str]  # x, y, anchor, symbol, ref of its number

WAYS = ("pale", "known", "known back", "now on", "now back")  # what is drawn later lies above
STYLE = """
.cell-steps {
  display: flex; flex-wrap: wrap; gap: 0.6rem 1.2rem;
  --layer: light-dark(#fdf0e4, #43301d); --operation: light-dark(#e3edf6, #1d3448);
}
.cell-steps > svg { flex: 3 1 21rem; min-width: 0; }
.cell-steps > div { flex: 2 1 15rem; min-height: 11.5rem; }
.cell-steps p { margin: 0 0 0.2rem; padding-left: 1.2em; text-indent: -1.2em; }
.cell-steps :is(.first, .more) { font-size: 0.9rem; }
.cell-steps .more { margin-left: 1.2em; }
.cell-steps div { font-variant-numeric: tabular-nums; }
.cell-steps code { font-size: 0.8rem; color: var(--muted); }
.lstmlib-figure .cell-steps text { font-size: 13px; }
.lstmlib-figure .cell-steps :is(text.back, text[text-anchor="middle"]) { font-size: 12px; }
.cell-steps .light { fill: var(--card); }
.cell-steps .known { color: var(--ink); }
.cell-steps .pale { color: var(--line); }
.cell-steps text.pale { color: var(--muted); }
.cell-steps .on { color: var(--blue); }
.cell-steps .back { color: var(--vermillion); }
.cell-steps text.now:not([text-anchor="middle"]) { font-weight: bold; }
.cell-steps :is(.line, .node) { fill: none; stroke: currentColor; stroke-width: 1.4; }
.cell-steps .line.back { stroke-dasharray: 5 3; }
.cell-steps :is(.line, .node).now { stroke-width: 3; }
.cell-steps .head { fill: currentColor; }
.cell-steps .step { fill: var(--card); }
.cell-steps .layer { fill: var(--layer); }
.cell-steps .operation { fill: var(--operation); }
.lstmlib-figure .walk { display: flex; gap: 0.5rem; }
.lstmlib-figure .walk button { touch-action: manipulation; }
.lstmlib-figure .inputs {
  display: grid; grid-template-columns: repeat(6, 1fr); gap: 0.3rem 0.8rem; margin: 0.8rem 0;
}
.lstmlib-figure .inputs label { grid-column: span 3; gap: 0.3rem; }
.lstmlib-figure .inputs label:has([data-set^="x_"]) { grid-column: span 2; }
@media (min-width: 40rem) {
  .lstmlib-figure .inputs { grid-template-columns: repeat(7, 1fr); }
  .lstmlib-figure .inputs label.number.number { grid-column: span 1; }
}
.lstmlib-figure .inputs input { flex: 1; width: 3rem; }
"""


def _column(t: int, T: int) -> tuple[float, float]:
    """Return left edge and width of the box of step t; between the boxes is a tenth more."""
    box = 400 / (2.1 * T + 1.1)
    return (2.1 * t - 1) * box, box


def _layout(T: int) -> dict[str, list[Any]]:
    """Return wires, nodes and labels: T steps in a row, and below them the cell of one.

    The cell is laid out as in ``lstmlib.plots.lstm_cell``.
    """
    columns = dict(zip("figo", (74, 150, 226, 306), strict=True))
    weights = [f"{name}.1" for name in WEIGHTS]
    wires: list[Wire] = [
        ([(6, 132), (62, 132)], ["c.p"], ["dc_prev"]),
        ([(86, 132), (176, 132)], ["keep"], ["df"]),
        ([(200, 132), (394, 132)], ["c"], ["dc"]),
        ([(340, 132), (340, 152)], ["c"], ["dc"]),
        ([(340, 174), (340, 195)], ["tanh"], ["dc"]),
        ([(352, 207), (394, 207)], ["h", f"L.{T}"], ["dh"]),
        ([(188, 195), (188, 144)], ["add"], ["di", "dg"]),
        ([(74, 297), (74, 144)], ["f"], ["df"]),
        ([(150, 297), (150, 207), (176, 207)], ["i"], ["di"]),
        ([(226, 297), (226, 207), (200, 207)], ["g"], ["dg"]),
        ([(306, 297), (306, 207), (328, 207)], ["o"], ["do"]),
        ([(58, 366), (306, 366), (306, 324)], ["z_i"], ["dz_i"]),
        ([(74, 366), (74, 324)], ["z_i"], ["dz_i"]),
        ([(150, 366), (150, 324)], ["z_i"], ["dz_i"]),
        ([(226, 366), (226, 324)], ["z_i"], ["dz_i"]),
        ([(6, 366), (58, 366)], ["h.p"], ["dh_prev"]),
        ([(112, 404), (112, 367)], ["x"], ["dx"]),
    ]
    nodes: list[Node] = [
        (74, 132, 24, 24, "×", "operation", ["keep"], ["df", "dc_prev"]),
        (188, 132, 24, 24, "+", "operation", ["c"], ["df", "di", "dg"]),
        (188, 207, 24, 24, "×", "operation", ["add"], ["di", "dg"]),
        (340, 207, 24, 24, "×", "operation", ["h"], ["do", "dc"]),
        (340, 163, 46, 22, "tanh", "operation", ["tanh"], ["dc"]),
        *(
            (x, 310, 46, 26, "tanh" if q == "g" else "σ", "layer", [q, "z_i"], ["dz_i", *weights])
            for q, x in columns.items()
        ),
    ]
    labels: list[Label] = [
        (8, 103, "start", "c{_p}", "c.p"), (8, 117, "start", "dc_prev", "dc_prev"),
        (131, 103, "middle", "f·c{_p}", "keep"),
        (208, 103, "start", "c{_t}", "c"), (208, 117, "start", "dc{_t}", "dc"),
        (70, 214, "end", "f", "f"), (70, 229, "end", "df", "df"),
        (144, 250, "end", "i", "i"), (144, 265, "end", "di", "di"),
        (232, 250, "start", "g", "g"), (232, 265, "start", "dg", "dg"),
        (312, 266, "start", "o", "o"), (312, 281, "start", "do", "do"),
        (194, 174, "start", "i·g", "add"),
        (333, 189, "end", "tanh(c{_t})", "tanh"),
        (392, 233, "end", "h{_t}", "h"), (392, 247, "end", "dh{_t}", "dh"),
        *((x + 4, 341, "start", "z", f"z_{q}") for q, x in columns.items()),
        *((x + 4, 356, "start", "dz", f"dz_{q}") for q, x in columns.items()),
        (8, 385, "start", "h{_p}", "h.p"), (8, 400, "start", "dh_prev", "dh_prev"),
        (118, 385, "start", "x{_t}", "x"), (118, 400, "start", "dx", "dx"),
    ]  # fmt: skip
    for t in range(T + 1):
        left, box = _column(t, T)
        left += box
        for state, y in (("c", 19), ("h", 63)):
            lit = [f"{state}.{t}", *([f"L.{T}"] if state == "h" and t else [])]
            back = f"d{state}_prev.{t + 1}"
            wires.append(([(left + 1, y), (left + 1.1 * box - 1, y)], lit, [back] if t < T else []))
            middle = left + 0.55 * box
            labels.append((middle, y - 7, "middle", f"{state}{lowered(t)}", f"{state}.{t}"))
            if t < T:
                labels.append((middle, y + 14, "middle", "", back))
    for t in range(1, T + 1):
        left, box = _column(t, T)
        middle = left + box / 2
        forward = [f"{name}.{t}" for name in ("z_i", *FORWARD, "L")]
        backward = [*(f"{name}.{t}" for name in BACKWARD), *weights]
        nodes.append((middle, 39, box, 78, "", "step", forward, backward))
        labels.append((middle, 20, "middle", f"step {t}", ""))
        labels.append((middle, 43, "middle", f"x{lowered(t)}", f"x.{t}"))
        labels.append((middle, 62, "middle", "", f"dx.{t}"))
    return {"wires": wires, "nodes": nodes, "labels": labels}


def _formula(text: str) -> str:
    """Return a template with its variables in italics and their indices lowered."""
    text = text.replace("= {", "=\u00a0{")  # no new line between them
    variable = r"(?<![\w{.])(d?[WxhcifgozybLq]|Σ)(?:_(\{\w\}|\w+(?:−1)?))?(?![A-Za-z0-9}])"
    return re.sub(
        variable, lambda m: f"<i>{m[1]}</i>" + (f"<sub>{m[2]}</sub>" if m[2] else ""), text
    )


def _each(template: str, joined: str = "|") -> str:
    """Return the template for each gate in place of Q."""
    return joined.join(template.replace("Q", gate) for gate in GATES)


def _four(name: str) -> str:
    i, f, g, o = (f"{{{name}_{q}}} for {q}" for q in GATES)
    return f"{i}, {f}, {g} and {o}"


def _texts(T: int) -> dict[str, tuple[str, str, str, str, str]]:
    """Return of each operation its part, title, label, formulas and words."""

    def total(template: str) -> str:
        """Return the sum over the steps T, each after its step P."""
        steps = range(1, T + 1)
        return " + ".join(template.replace("T", str(t)).replace("P", str(t - 1)) for t in steps)

    forward, backward = "Forward, step {t}", "Backward, step {t}"
    return {
        "given": (
            "Given", "weights, inputs, targets", "",
            _each("W_xQ = {W_x_Q}, W_hQ = {W_h_Q}, b_Q = {b_Q}")
            + "|" + ", ".join(f"y_{t} = {{y.{t}}}" for t in range(1, T + 1)),
            "the weights, the inputs and the states h₀ = c₀ = 0. Nothing is computed yet.",
        ),
        "z": (
            forward, "four weighted sums", "eq-lstm-preactivation",
            "z_q = W_xq x_{t} + W_hq h_{p} + b_q|"
            + _each("z_Q = {W_x_Q}·{x} + {W_h_Q}·{h.p} + {b_Q} = {z_Q}"),
            f"the four boxes weigh x{{_t}} and h{{_p}} and add a bias. The sums: {_four('z')}.",
        ),
        "i": (
            forward, "input gate", "eq-lstm-gates", "i = σ(z_i)|= σ({z_i})|= {i}",
            "the input gate is {i}: this share of the candidate will be let in.",
        ),
        "f": (
            forward, "forget gate", "eq-lstm-gates", "f = σ(z_f)|= σ({z_f})|= {f}",
            "the forget gate is {f}: this share of the old cell state will be kept.",
        ),
        "g": (
            forward, "candidate", "eq-lstm-candidate", "g = tanh(z_g)|= tanh({z_g})|= {g}",
            "the candidate is {g}: what is offered to the cell, between −1 and 1.",
        ),
        "o": (
            forward, "output gate", "eq-lstm-gates", "o = σ(z_o)|= σ({z_o})|= {o}",
            "the output gate is {o}: this share of tanh(c{_t}) will be shown.",
        ),
        "keep": (
            forward, "what is kept", "eq-lstm-cell", "f·c_{p}|= {f}·{c.p}|= {keep}",
            "the forget gate multiplies the old cell state: of c{_p} = {c.p}, {keep} is kept.",
        ),
        "add": (
            forward, "what is let in", "eq-lstm-cell", "i·g|= {i}·{g}|= {add}",
            "the input gate multiplies the candidate: of g = {g}, {add} is let in.",
        ),
        "c": (
            forward, "new cell state", "eq-lstm-cell",
            "c_{t} = f·c_{p} + i·g|= {f}·{c.p} + {i}·{g}|= {keep} + {add}|= {c}",
            "what is kept and what is let in make the new cell state, c{_t} = {c}.",
        ),
        "tanh": (
            forward, "squash", "eq-lstm-hidden", "tanh(c_{t})|= tanh({c})|= {tanh}",
            "tanh makes {tanh} of the cell state, which itself stays as it is.",
        ),
        "h": (
            forward, "new hidden state", "eq-lstm-hidden",
            "h_{t} = o·tanh(c_{t})|= {o}·{tanh}|= {h}",
            "the output gate decides what is shown of the cell: h{_t} = {h}.",
        ),
        "L": (
            "Loss", "distance from the targets", "",
            f"L = ½ Σ_t (h_t − y_t)²|= ½·({total('({h.T} − {y.T})²')})|= {{L}}",
            "half the squared distances of the hidden states from their targets add up to L = {L}.",
        ),
        "dh": (
            backward, "gradient of h_{t}", "eq-lstmback-dh",
            "dh_{t} = (h_{t} − y_{t}) + dh_prev of step {n}|= ({h} − {y}) + {dh_prev.n}|= {dh}",
            "h{_t} was used by the loss, and by the sums of step {n}, which handed back "
            "{dh_prev.n}: dh{_t} = {dh}.",
        ),
        "dh last": (
            backward, "gradient of h_{t}", "eq-lstmback-dh",
            "dh_{t} = h_{t} − y_{t}|= {h} − {y}|= {dh}",
            "after the last step h{_t} was used by the loss alone: dh{_t} = {dh}.",
        ),
        "do": (
            backward, "output gate", "eq-lstmback-do",
            "do = dh_{t}·tanh(c_{t})|= {dh}·{tanh}|= {do}",
            "on the way to h{_t} the output gate was multiplied by tanh(c{_t}) = {tanh}; so is "
            "dh{_t} on the way back: do = {do}.",
        ),
        "dc": (
            backward, "gradient of c_{t}", "eq-lstmback-dc",
            "dc_{t} = dh_{t}·o·(1 − tanh²(c_{t})) + dc_prev of step {n}|"
            "= {dh}·{o}·(1 − {tanh}²) + {dc_prev.n}|= {dc}",
            "c{_t} was used by h{_t}, and by the cell of step {n}, which handed back {dc_prev.n}: "
            "dc{_t} = {dc}.",
        ),
        "dc last": (
            backward, "gradient of c_{t}", "eq-lstmback-dc",
            "dc_{t} = dh_{t}·o·(1 − tanh²(c_{t}))|= {dh}·{o}·(1 − {tanh}²)|= {dc}",
            "after the last step c{_t} was used by h{_t} alone: dc{_t} = {dc}.",
        ),
        "df": (
            backward, "forget gate", "eq-lstmback-df", "df = dc_{t}·c_{p}|= {dc}·{c.p}|= {df}",
            "on the way to c{_t} the forget gate was multiplied by c{_p} = {c.p}; so is dc{_t} "
            "on the way back: df = {df}.",
        ),
        "di": (
            backward, "input gate", "eq-lstmback-di", "di = dc_{t}·g|= {dc}·{g}|= {di}",
            "on the way to c{_t} the input gate was multiplied by g = {g}; so is dc{_t} "
            "on the way back: di = {di}.",
        ),
        "dg": (
            backward, "candidate", "eq-lstmback-dg", "dg = dc_{t}·i|= {dc}·{i}|= {dg}",
            "on the way to c{_t} the candidate was multiplied by i = {i}; so is dc{_t} "
            "on the way back: dg = {dg}.",
        ),
        "dz": (
            backward, "the four sums", "eq-lstmback-dz",
            "dz_q = dq·q·(1 − q), dz_g = dg·(1 − g²)|"
            + _each("dz_Q = {dQ}·{Q}·(1 − {Q}) = {dz_Q}").replace("{g}·(1 − {g})", "(1 − {g}²)"),
            f"the slopes of σ and tanh take the gradients back to the sums: {_four('dz')}.",
        ),
        "dx": (
            backward, "input", "eq-lstmback-dx",
            f"dx_{{t}} = {_each('W_xQ dz_Q', ' + ')}|= {_each('{W_x_Q}·{dz_Q}', ' + ')}|= {{dx}}",
            "the four sums read x{_t} with the weights W_x: dx{_t} = {dx}.",
        ),
        "dh_prev": (
            backward, "back to h_{p}", "eq-lstmback-dh-prev",
            f"dh_prev = {_each('W_hQ dz_Q', ' + ')}|= {_each('{W_h_Q}·{dz_Q}', ' + ')}|"
            "= {dh_prev}",
            "the four sums read h{_p} with the weights W_h: {dh_prev} goes back to it.",
        ),
        "dc_prev": (
            backward, "back to c_{p}", "eq-lstmback-dc-prev",
            "dc_prev = dc_{t}·f|= {dc}·{f}|= {dc_prev}",
            "along the cell the forget gate {f} is the only factor: {dc_prev} goes back to c{_p}.",
        ),
        "dW_x": (
            "Weights", "gradient of W_x", "eq-lstmback-weights",
            "dW_x = Σ_t dz_t x_t|" + _each(f"dW_xQ = {total('{dz_Q.T}·{x.T}')} = {{dW_x_Q}}"),
            f"W_x was used at every step, so the steps' gradients are added: {_four('dW_x')}.",
        ),
        "dW_h": (
            "Weights", "gradient of W_h", "eq-lstmback-weights",
            "dW_h = Σ_t dz_t h_t−1|" + _each(f"dW_hQ = {total('{dz_Q.T}·{h.P}')} = {{dW_h_Q}}"),
            "W_h was used at every step on the hidden state before it, and h₀ = 0 adds nothing: "
            f"{_four('dW_h')}.",
        ),
        "db": (
            "Weights", "gradient of b", "eq-lstmback-weights",
            "db = Σ_t dz_t|" + _each(f"db_Q = {total('{dz_Q.T}')} = {{db_Q}}"),
            f"the biases were added at every step: {_four('db')}. Nothing is left to compute.",
        ),
    }  # fmt: skip


class CellSteps(Figure):
    """Walk through an LSTM of one unit: each operation forward, then each gradient back.

    The loss is half the squared distance of every h_t from its target, summed; h_0 and c_0 are 0.

    Parameters
    ----------
    W_x, W_h, b
        The weights of one unit that reads one feature, in the order i, f, g, o.
    x, targets
        What it reads at each of one to three steps, and what h_t should be.
    operation
        How many operations are done at first; 8 leads to the first cell state.

    Raises
    ------
    ValueError
        If there are more than three steps, inputs or biases are not from −10 to 10, a number is
        not finite, or operation is above their number.
    """

    title = "The LSTM, one operation at a time"
    scripts = ("arithmetic", "cell_steps")

    @checked
    def __init__(
        self,
        W_x: Float[np.ndarray, "4 1"],
        W_h: Float[np.ndarray, "4 1"],
        b: Float[np.ndarray, "4"],
        x: Float[np.ndarray, "T"],
        targets: Float[np.ndarray, "T"],
        operation: int = 8,
        name: str = "cell",
    ) -> None:
        T = len(x)
        if not 1 <= T <= MOST:
            raise ValueError(f"expected 1 to {MOST} steps, got {T}")
        check_finite(W_x=W_x, W_h=W_h, targets=targets)
        for what, array in {"x": x, "b": b}.items():
            if not (np.abs(array) <= LIMIT).all():
                raise ValueError(
                    f"expected {what} from {-LIMIT:.0f} to {LIMIT:.0f}, got {array.tolist()}"
                )
        self.plan = [
            *((name, t) for t in range(1, T + 1) for name in FORWARD),
            ("L", T),
            *((name, t) for t in range(T, 0, -1) for name in BACKWARD),
            *((name, 1) for name in WEIGHTS),
        ]
        steps = range(1, T + 1)
        inputs = {f"x_{t}": f"x{lowered(t)}" for t in steps} | {f"b_{q}": f"b_{q}" for q in GATES}
        values = [*x.tolist(), *b.tolist()]
        texts = {
            name: [
                part,
                _formula(title),
                label,
                _formula(lines),
                words.replace(" = {", "\u00a0=\u00a0{"),
            ]
            for name, (part, title, label, lines, words) in _texts(T).items()
        }
        data = {
            "T": T, "W_x": W_x[:, 0].tolist(), "W_h": W_h[:, 0].tolist(), "y": targets.tolist(),
            "plan": self.plan, "texts": texts, "style": STYLE, **_layout(T),
        }  # fmt: skip
        super().__init__(
            name,
            [
                Slider("operation", "Operation", operation, 0, len(self.plan)),
                *(
                    Number(key, label, value, -LIMIT, LIMIT, 0.1)
                    for (key, label), value in zip(inputs.items(), values, strict=True)
                ),
            ],
            json.loads(json.dumps(data)),  # lists for tuples
        )
        self.T, self.W_x, self.W_h, self.targets = T, W_x, W_h, targets

    def compute(self, state: State) -> Numbers:
        """Return what the operations up to now have computed: ``c1`` is c at step 1.

        The four sums and their gradients, as the weights', are lists in the order i, f, g, o.
        """
        b = np.array([state[f"b_{q}"] for q in GATES], dtype=float)
        steps = range(1, self.T + 1)
        known: dict[str, np.ndarray] = {}
        caches = {}
        here = LSTMState(np.zeros((1, 1)), np.zeros((1, 1)))
        for t in steps:
            x = np.array([[float(state[f"x_{t}"])]])
            z = x @ self.W_x.T + here.h @ self.W_h.T + b
            here, cache = lstm_step(x, here, self.W_x, self.W_h, b)
            caches[t] = cache
            results = (
                z[0], cache.i, cache.f, cache.g, cache.o, cache.f * cache.c_prev, cache.i * cache.g,
                here.c, np.tanh(here.c), here.h,
            )  # fmt: skip
            known |= {f"{name}{t}": a for name, a in zip(FORWARD, results, strict=True)}
        errors = {t: known[f"h{t}"] - y for t, y in zip(steps, self.targets, strict=True)}
        known[f"L{self.T}"] = sum(error**2 for error in errors.values()) / 2
        back = LSTMState(np.zeros((1, 1)), np.zeros((1, 1)))
        total = dict.fromkeys(("W_x", "W_h", "b"), np.zeros(1))
        for t in reversed(steps):
            # the first six lines of lstm_step_backward, which it keeps to itself
            _, _, c_prev, i, _, g, o, c, _, _ = caches[t]
            dh = errors[t] + back.h
            dc = back.c + dh * o * (1 - np.tanh(c) ** 2)
            first = dh, dh * np.tanh(c), dc, dc * c_prev, dc * g, dc * i
            dx, back, grads = lstm_step_backward((dh, back.c), caches[t])
            results = *first, grads["b"], dx, back.h, back.c
            known |= {f"{name}{t}": a for name, a in zip(BACKWARD, results, strict=True)}
            total = {name: total[name] + grads[name].ravel() for name in total}
        known |= {f"d{name}1": a for name, a in total.items()}
        done = islice(known.items(), state["operation"])
        return {name: a.tolist() if a.size == 4 else a.item() for name, a in done}

    def describe(self, state: State, numbers: Numbers) -> str:
        name, t = self._at(state)
        part, _, _, _, words = self._text(name, t)
        said = _fill(f"{part}: {words}", t, self._values(state, numbers))
        return f"Operation {state['operation']} of {len(self.plan)}. {said}"

    def draw(self, state: State, numbers: Numbers) -> str:
        name, t = self._at(state)
        part, title, label, lines, _ = self._text(name, t)
        values = self._values(state, numbers)

        def lit(ref: str) -> bool:
            return re.sub(r"_[ifgo](?=\d)", "", _key(ref, t)) == f"{name}{t}"

        def known(ref: str) -> bool:
            return _key(ref, t) in values

        def way(forward: list[str], back: list[str]) -> str:
            if any(map(lit, [*forward, *back])):
                return "now back" if any(map(lit, back)) else "now on"
            if any(map(known, back)):
                return "known back"
            return "known" if any(map(known, forward)) else "pale"

        left, box = _column(t, self.T)
        shapes = [f'<path class="light" d="M{left:.1f} 78h{box:.1f}L400 88V410H0V88Z"/>']
        wires = [(way(forward, back), points) for points, forward, back in self.data["wires"]]
        for how, points in sorted(wires, key=lambda wire: WAYS.index(wire[0])):
            shapes.append(_wire(points, how))
        for x, y, width, height, text, kind, forward, back in self.data["nodes"]:
            how = way(forward, back)
            shapes.append(
                f'<rect class="node {kind} {how}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
                f'width="{width:.1f}" height="{height}" rx="{12 if width == height else 5}"/>'
                f'<text class="{how}" x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle">'
                f"{text}</text>"
            )
        for x, y, anchor, symbol, ref in self.data["labels"]:
            back = ref.startswith("d")
            if back and not known(ref):
                continue
            number = (
                f" {_written(ref, values[_key(ref, t)], 3 if back else 2)}" if known(ref) else ""
            )
            how = way(*(([], [ref]) if back else ([ref], [])))
            shapes.append(
                f'<text class="{how}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">'
                f"{_fill(symbol, t, values)}{number}</text>"
            )
        said = "".join(
            f'<p class="{"more" if line[0] == "=" else "first"}">{_fill(line, t, values)}</p>'
            for line in lines.split("|")
        )
        return (
            f'<div class="cell-steps"><style>{STYLE}</style>'
            f'<svg viewBox="0 -2 400 412" aria-hidden="true">{"".join(shapes)}</svg>'
            f"<div><p><b>{_fill(f'{part}: {title}', t, values)}</b></p>{said}"
            f"<p><code>{label}</code></p></div></div>"
        )

    def _at(self, state: State) -> tuple[str, int]:
        """Return the name and the step of the operation done last."""
        return self.plan[state["operation"] - 1] if state["operation"] else ("given", 1)

    def _text(self, name: str, t: int) -> list[str]:
        texts = self.data["texts"]
        last = f"{name} last"
        return texts[last if t == self.T and last in texts else name]

    def _values(self, state: State, numbers: Numbers) -> dict[str, float]:
        """Return every number that is known, each of a list under its gate: z1 as z_i1 to z_o1."""
        lists = {"W_x": self.data["W_x"], "W_h": self.data["W_h"]} | numbers
        values = {"h0": 0.0, "c0": 0.0} | {f"b_{q}": state[f"b_{q}"] for q in GATES}
        for t, y in enumerate(self.data["y"], start=1):
            values |= {f"x{t}": state[f"x_{t}"], f"y{t}": y}
        for name, value in lists.items():
            if isinstance(value, list):
                stem = name.rstrip("0123456789")
                fours = zip(GATES, value, strict=True)
                values |= {f"{stem}_{q}{name[len(stem) :]}": number for q, number in fours}
            else:
                values[name] = value
        return values


def _key(ref: str, t: int) -> str:
    """Return the name of a number, seen from step t."""
    name, _, step = ref.partition(".")
    return (
        name
        if name[:2] in ("W_", "b_")
        else name + ({"": str(t), "p": str(t - 1), "n": str(t + 1)}.get(step, step))
    )


def _fill(template: str, t: int, values: dict[str, float]) -> str:
    """Put steps and numbers into a template; one below zero that is not alone gets brackets."""
    steps = {"t": t, "p": t - 1, "n": t + 1}

    def number(match: re.Match[str]) -> str:
        before, ref = match[1] or "", match[2]
        if ref.strip("_") in steps:
            step = steps[ref.strip("_")]
            return before + (lowered(step) if ref[0] == "_" else str(step))
        written = _written(ref, values[_key(ref, t)], 4)
        return before + (f"({written})" if before and written[0] == "−" else written)

    return re.sub(r"([·+−] ?)?\{([\w.]+)\}", number, template)


def _written(ref: str, value: float, digits: int) -> str:
    """Write a number: a given one as it is, to four digits; a very small one as a power."""
    if ref[0] in "Wbxy":
        text = re.sub(r"\.?0+$", "", f"{value:z.4f}")
    elif abs(value) < 1e-9:
        text = "0"
    elif abs(value) < 0.5 * 10**-digits:
        digit, power = f"{value:.0e}".split("e")
        text = f"{digit}e{int(power)}"
    else:
        text = f"{value:.{digits}f}"
    return text.replace("-", "−")


def _wire(points: list[Point], way: str) -> str:
    """Draw a line with an arrow's head, from its end where the gradient goes."""
    *before, (x0, y0), (x, y) = points[::-1] if "back" in way else points
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    line = "L".join(f"{a:.1f} {b:.1f}" for a, b in [*before, (x0, y0), (x - 6 * dx, y - 6 * dy)])
    sides = ((x - 8 * dx + s * dy, y - 8 * dy + s * dx) for s in (4, -4))
    head = "L".join(f"{a:.1f} {b:.1f}" for a, b in [(x, y), *sides])
    return f'<path class="line {way}" d="M{line}"/><path class="head {way}" d="M{head}Z"/>'
