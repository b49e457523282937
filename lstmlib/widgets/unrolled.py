"""A recurrent network unrolled over its steps, and what chunks cut off its gradient (chapter 3)."""

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.numpy import RNN
from lstmlib.widgets.arrows import arrow
from lstmlib.widgets.controls import Choice, Slider
from lstmlib.widgets.figure import Figure, Numbers, State, check_finite, lowered, show

MOST = 8  # steps that a phone's width shows one by one
START = 1.0  # h_0: not 0, so that the first copy of w counts
LOSSES, STATES, COPIES, ADDED, BARS, TOTALS = 26, 84, 140, 176, 296, 348  # heights of the rows


class Unrolled(Figure):
    """Cut the gradient of one unit into chunks: which paths are left, and how much arrives.

    The network is h_t = tanh(w h_{t−1} + x_t) from h_0 = 1, with e_t = ½ (h_t − y*_t)². The loss is
    e_T, or the sum of all e_t. Chunks are those of ``RNN.backward(dh, truncate=k)``.

    Parameters
    ----------
    x, targets
        Eight inputs and the eight y*.
    weight
        w at first, from −1.5 to 1.5.
    steps, chunk
        T and k at first, from 1 to 8; a k above T is T.

    Raises
    ------
    ValueError
        If there are not eight inputs and targets, one is not finite, or a first value is outside
        its range.
    """

    title = "A network unrolled, and its gradient in chunks"
    scripts = ("arrows", "unrolled")

    @checked
    def __init__(
        self,
        x: Float[np.ndarray, "T"],
        targets: Float[np.ndarray, "T"],
        weight: float = 0.9,
        steps: int = MOST,
        chunk: int = 3,
        name: str = "unrolled",
    ) -> None:
        if len(x) != MOST:
            raise ValueError(f"expected {MOST} inputs and targets, got {len(x)}")
        check_finite(x=x, targets=targets)
        controls = [
            Slider("steps", "Steps T", steps, 1, MOST),
            Slider("chunk", "Steps in a chunk, k", chunk, 1, MOST),
            Slider("weight", "Recurrent weight w", weight, -1.5, 1.5, 0.1),
            Choice("loss", "Loss at", "every step", ["the last step", "every step"]),
        ]
        super().__init__(
            name,
            controls,
            {"x": x.tolist(), "targets": targets.tolist(), "start": START},
        )
        self.x, self.targets = x, targets

    def compute(self, state: State) -> Numbers:
        """Return k, the paths that chunks leave, and the gradients with chunks and without.

        Of each: dh, dL/dh_t at every step; copies, what the copy of w at every step adds to dL/dw;
        dw, the sum.
        """
        T, w = state["steps"], state["weight"]
        k = min(state["chunk"], T)
        layer = RNN(1, 1, rng=np.random.default_rng(0))
        for name, value in {"W_x": 1.0, "W_h": w, "b": 0.0}.items():
            layer.params[name][...] = value
        x, targets = (a[:T, None, None] for a in (self.x, self.targets))
        start = np.full((1, 1), START)
        h, _ = layer.forward(x, start)
        immediate = h - targets  # ∂⁺L/∂h_t
        if state["loss"] == "the last step":
            immediate[:-1] = 0
        before = np.concatenate([start[None], h[:-1]])  # h_{t−1}

        def gradients(truncate: int | None) -> Numbers:
            dz, _ = layer.backward(immediate, truncate=truncate)  # dx, as W_x is 1
            return {
                "dh": (dz / (1 - h**2)).ravel().tolist(),
                "copies": (dz * before).ravel().tolist(),
                "dw": layer.grads["W_h"].item(),
            }

        losses = _losses(state)
        return {
            "k": k,
            "paths": sum(losses),  # from e_t to the copies of steps 1 to t
            "kept": sum(t - _first(t, k) + 1 for t in losses),
            "h": h.ravel().tolist(),
            "immediate": immediate.ravel().tolist(),
            "chunks": gradients(k),
            "full": gradients(None),
        }

    def describe(self, state: State, numbers: Numbers) -> str:
        T, k, kept, paths = state["steps"], *(numbers[name] for name in ("k", "kept", "paths"))
        dw, full = (show(numbers[name]["dw"], 3) for name in ("chunks", "full"))
        starts = range(1, T + 1, k)
        chunks = ", ".join(
            f"{t} to {min(t + k - 1, T)}" if min(t + k - 1, T) > t else f"{t}" for t in starts
        )
        return (
            f"Nothing is cut: all {paths} paths from a loss back to a copy of w count, and dL/dw "
            f"is {full}. Of the gradient, {abs(numbers['full']['dh'][0]):.3f} arrives at step 1."
            if k == T
            else f"Chunks of k = {k} steps are {chunks}. No gradient goes from a chunk into the "
            f"one before: {kept} of {paths} paths from a loss back to a copy of w are left, "
            f"and dL/dw is {dw} in place of {full}. "
            f"Of the gradient, {abs(numbers['chunks']['dh'][0]):.3f} arrives at step 1 in place of "
            f"{abs(numbers['full']['dh'][0]):.3f}."
        )

    def draw(self, state: State, numbers: Numbers) -> str:
        T, k, h = state["steps"], numbers["k"], numbers["h"]
        chunks, full = numbers["chunks"], numbers["full"]
        losses = _losses(state)
        pitch = min(352 / T, 64)
        left = (378 - pitch * (T + 0.5)) / 2

        def x(t: float) -> float:
            return left + 22 + pitch * t

        def node(t: int, y: float, text: str, colour: str) -> str:
            return (
                f'<circle cx="{x(t):.1f}" cy="{y}" r="12" '
                f'style="fill:var(--card);stroke:var({colour});stroke-width:1.5"/>'
                + written(t, y + 4, text)
            )

        def written(t: float, y: float, text: str, style: str = "") -> str:
            return f'<text x="{x(t):.1f}" y="{y}" text-anchor="middle"{style}>{text}</text>'

        most = max(*map(abs, chunks["dh"]), *map(abs, full["dh"]), 1e-9)
        reached = [any(_first(e, k) <= t <= e for e in losses) for t in range(1, T + 1)]
        marks = []
        for t in range(1, T + 1, k):
            last = min(t + k - 1, T)
            marks.append(
                f'<rect x="{x(t - 0.5) + 1.5:.1f}" y="4" width="{pitch * (last - t + 1) - 3:.1f}" '
                f'height="182" rx="8" style="fill:none;stroke:var(--line);stroke-width:1.5"/>'
            )
        muted, bold = ' style="fill:var(--muted)"', ' style="font-weight:bold"'
        for t in range(1, T + 1):
            came = reached[t - 1]
            marks.append(arrow((x(t - 1) + 11, STATES - 6), (x(t) - 11, STATES - 6), "--muted", 1))
            if t in losses:
                marks.append(node(t, LOSSES, f"e{lowered(t)}", "--purple"))
                width = _width(numbers["immediate"][t - 1] / most)
                marks.append(arrow((x(t), LOSSES + 12), (x(t), STATES - 13), "--vermillion", width))
            if t > 1:  # the gradient's way to the step before
                ends = (x(t) - 11, STATES + 6), (x(t - 1) + 11, STATES + 6)
                cut = _first(t, k) == t
                if came and not cut:
                    back = chunks["dh"][t - 2] - numbers["immediate"][t - 2]
                    marks.append(arrow(*ends, "--vermillion", _width(back / most)))
                else:
                    marks.append(arrow(*ends, "--muted", 1, dashed=True))
                    if came:
                        middle = (ends[0][0] + ends[1][0]) / 2
                        marks.append(
                            f'<path d="M{middle - 3:.1f} {STATES + 14}l6 -16m-2 16l6 -16" '
                            'style="stroke:var(--ink);stroke-width:1.5;fill:none"/>'
                        )
            down = (x(t), STATES + 12), (x(t), COPIES - 12)
            width = _width(chunks["dh"][t - 1] * (1 - h[t - 1] ** 2) / most)
            marks.append(
                arrow(*down, "--vermillion", width)
                if came
                else arrow(*down, "--muted", 1, dashed=True)
            )
            marks.append(node(t, STATES, f"h{lowered(t)}", "--ink"))
            marks.append(
                f'<rect x="{x(t) - 13:.1f}" y="{COPIES - 11}" width="26" height="22" '
                'style="fill:var(--card);stroke:var(--blue);stroke-width:1.5"/>'
                + written(t, COPIES + 4, "w")
                + (
                    written(t, ADDED, _signed(chunks["copies"][t - 1], 2))
                    if came
                    else written(t, ADDED, "0", muted)
                )
            )
            size, whole = (76 * abs(a["dh"][t - 1]) / most for a in (chunks, full))
            marks.append(
                f'<rect x="{x(t) - 9:.1f}" y="{BARS - size:.1f}" width="18" height="{size:.1f}" '
                'style="fill:var(--vermillion)"/>'
                f'<rect x="{x(t) - 12:.1f}" y="{BARS - whole:.1f}" width="24" '
                f'height="{whole:.1f}" '
                'style="fill:none;stroke:var(--ink);stroke-dasharray:3 2"/>'
                + written(t, BARS + 15, f"{abs(chunks['dh'][t - 1]):.3f}", bold)
                + written(t, BARS + 30, f"{abs(full['dh'][t - 1]):.3f}", muted)
            )
        marks.append(node(0, STATES, "h₀", "--muted"))
        marks.append(written(0, ADDED, "to dw", muted))
        marks.append(written(0, BARS + 15, f"k = {k}", bold))
        marks.append(written(0, BARS + 30, "full", muted))
        marks.append('<text x="4" y="208">What arrives at each step: |dL/dhₜ|</text>')
        marks.append(f'<text x="4" y="{TOTALS}">What the copies add up to: dL/dw</text>')
        longest = max(abs(chunks["dw"]), abs(full["dw"]), 1e-9)
        for row, (label, dw, style, text) in enumerate(
            [
                (f"k = {k}", chunks["dw"], "fill:var(--vermillion)", bold),
                ("full", full["dw"], "fill:none;stroke:var(--ink);stroke-dasharray:3 2", muted),
            ]
        ):
            y, size = TOTALS + 10 + 18 * row, 145 * abs(dw) / longest
            marks.append(
                f'<text x="4" y="{y + 10}"{text}>{label}</text>'
                f'<rect x="{200 + min(dw, 0) * 145 / longest:.1f}" y="{y}" width="{size:.1f}" '
                f'height="12" style="{style}"/>'
                f'<text x="396" y="{y + 10}" text-anchor="end"{text}>{_signed(dw, 3)}</text>'
            )
        marks.append(f'<path d="M200 {TOTALS + 6}v38" style="stroke:var(--muted)"/>')
        return (
            f'<svg viewBox="0 0 400 396" aria-hidden="true">{"".join(marks)}</svg>'
            '<p style="color:var(--muted);font-size:0.8125rem;margin:0.3rem 0 0">'
            "<i>h<sub>t</sub></i> = tanh(<i>w h</i><sub><i>t</i>−1</sub> + <i>x<sub>t</sub></i>), "
            "<i>e<sub>t</sub></i> = ½ (<i>h<sub>t</sub></i> − <i>y</i>*<sub><i>t</i></sub>)². "
            "Thin arrows: forward, which is never cut. Thick arrows: the gradient, as thick as it "
            "is large. Dashed: without chunks.</p>"
        )


def _losses(state: State) -> range:
    T = state["steps"]
    return range(T if state["loss"] == "the last step" else 1, T + 1)


def _first(t: int, k: int) -> int:
    """Return the first step of the chunk in which step t is."""
    return t - (t - 1) % k


def _width(share: float) -> float:
    return 1.2 + 3.8 * abs(share)


def _signed(value: float, digits: int) -> str:
    return f"{value:+z.{digits}f}".replace("-", "−")
