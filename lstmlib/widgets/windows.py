"""Windows over a series: which steps go in, which are to be forecast (chapters 2 and 8)."""

import numpy as np
from jaxtyping import Float

from lstmlib._shapes import checked
from lstmlib.data import windows
from lstmlib.widgets.controls import Slider
from lstmlib.widgets.figure import Figure, Numbers, State, check_finite

MOST = 24  # steps of a series that a phone's width shows one by one


class Windows(Figure):
    """Slide a window of ``lag`` steps in and ``horizon`` steps out over a series.

    Parameters
    ----------
    series
        2 to 24 steps of one feature.
    lag, horizon
        n and m of :func:`lstmlib.data.windows`, at first.

    Raises
    ------
    ValueError
        If the series is too short, too long or not finite, or lag or horizon is more than half
        of it.
    """

    title = "Windows over a series"
    scripts = ("windows",)

    @checked
    def __init__(
        self, series: Float[np.ndarray, "N"], lag: int = 4, horizon: int = 2, name: str = "windows"
    ) -> None:
        N = len(series)
        if not 2 <= N <= MOST:
            raise ValueError(f"expected a series of 2 to {MOST} steps, got {N}")
        check_finite(series=series)
        longest = N // 2  # so that every choice leaves a window
        if not (1 <= lag <= longest and 1 <= horizon <= longest):
            raise ValueError(
                f"expected lag and horizon from 1 to {longest}, half of the {N} steps, "
                f"got {lag} and {horizon}"
            )
        super().__init__(
            name,
            [
                Slider("lag", "Lag n: steps in", lag, 1, longest),
                Slider("horizon", "Horizon m: steps out", horizon, 1, longest),
                Slider("window", "Window j", 1, 1, N - 1),
            ],
            {"series": series.tolist()},
        )
        self.series = series

    def compute(self, state: State) -> Numbers:
        """Return the window's x and y, its number j from 1, and B, the number of windows."""
        n, m = state["lag"], state["horizon"]
        x, y = windows(self.series, n, m)
        B = x.shape[1]
        j = min(state["window"], B)
        return {"j": j, "B": B, "x": x[:, j - 1, 0].tolist(), "y": y[:, j - 1, 0].tolist()}

    def describe(self, state: State, numbers: Numbers) -> str:
        n, m, j, B = state["lag"], state["horizon"], numbers["j"], numbers["B"]
        return (
            f"Window j = {j} of {B}: X, the input, is {_steps(j, n)}; "
            f"Y, the target, is {_steps(j + n, m)}. "
            f"All windows together: X has the shape ({n}, {B}, 1), Y ({m}, {B}, 1)."
        )

    def draw(self, state: State, numbers: Numbers) -> str:
        n, m, j = state["lag"], state["horizon"], numbers["j"]
        low, high = self.series.min(), self.series.max()
        span = high - low or 1.0
        width = 400 / len(self.series)
        marks = []
        for step, value in enumerate(self.series, start=1):
            part = "X" if j <= step < j + n else "Y" if j + n <= step < j + n + m else ""
            colour = {"X": "--blue", "Y": "--vermillion", "": "--line"}[part]
            left, top = (step - 1) * width, 130 - 100 * (value - low) / span
            marks.append(
                f'<rect x="{left + 0.75:.1f}" y="{top:.1f}" width="{width - 1.5:.1f}" '
                f'height="{140 - top:.1f}" style="fill:var({colour})"/>'
                f'<text x="{left + width / 2:.1f}" y="156" text-anchor="middle">{step}</text>'
                f'<text x="{left + width / 2:.1f}" y="174" text-anchor="middle" '
                f'font-weight="bold">{part}</text>'
            )
        return f'<svg viewBox="0 20 400 160" aria-hidden="true">{"".join(marks)}</svg>'


def _steps(first: int, count: int) -> str:
    return f"step {first}" if count == 1 else f"steps {first} to {first + count - 1}"
