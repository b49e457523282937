"""Where a gradient enters the two states of an LSTM step (chapter 6)."""

from typing import Any

from matplotlib.figure import Figure

from lstmlib._shapes import checked
from lstmlib.plots._diagram import Diagram
from lstmlib.plots._style import BLUE, INK, MUTED, VERMILLION, styled

CELL, GATES, HIDDEN = 4.4, 2.85, 1.3  # heights of the three rows
BEFORE, NOW, AFTER = 0.6, 4.2, 7.8  # steps t − 1, t, t + 1, from left to right


@checked
@styled
def cell_gradient(dh_loss: float, dh_gates: float, dc_hidden: float, dc_cell: float) -> Figure:
    """Draw the gradient's way back through a step, with the four amounts that enter its states.

    Parameters
    ----------
    dh_loss, dh_gates
        What h_t gets from the loss at step t, and from the gates of step t + 1.
    dc_hidden, dc_cell
        What c_t gets through h_t, and from c_{t+1} along the cell.
    """
    drawing = Diagram(8.6, 5.2)
    rows = {"c": CELL, "h": HIDDEN}
    columns = {"t-1": BEFORE, "t": NOW, "t+1": AFTER}
    state = {
        (row, step): drawing.node(
            (x, y), f"${row}_{{{step}}}$", radius=0.42, color=INK if step == "t" else MUTED
        )
        for row, y in rows.items()
        for step, x in columns.items()
    }
    gates = [
        drawing.node(((left + right) / 2, GATES), text, "layer", size=(1.5, 0.62))
        for left, right, text in ((BEFORE, NOW, "$z_t$"), (NOW, AFTER, "$z_{t+1}$"))
    ]
    loss = drawing.node((NOW, 0.32), "$\\mathcal{L}$", "loss", radius=0.27)

    drawing.arrow(state["c", "t+1"], state["c", "t"], color=BLUE, width=2.4)
    drawing.arrow(state["c", "t"], state["c", "t-1"], color=BLUE, width=2.4)
    drawing.text((6.0, CELL + 0.4), f"$\\times f_{{t+1}}$:  {_number(dc_cell)}", color=BLUE)
    drawing.text((2.4, CELL + 0.4), "$\\times f_t$", color=BLUE)
    way: dict[str, Any] = {"color": VERMILLION, "dashed": True, "width": 1.6}
    drawing.arrow(state["c", "t+1"], gates[1], **way)
    drawing.arrow(state["h", "t+1"], gates[1], **way)
    drawing.arrow(gates[1], state["h", "t"], **way)
    drawing.arrow(state["h", "t"], state["c", "t"], **way)
    drawing.arrow(state["h", "t+1"], state["c", "t+1"], **way)
    drawing.arrow(state["c", "t"], gates[0], **way)
    drawing.arrow(state["h", "t"], gates[0], **way)
    drawing.arrow(gates[0], state["h", "t-1"], **way)
    drawing.text((NOW + 0.1, 3.35), _number(dc_hidden), color=VERMILLION, ha="left")
    drawing.text((5.95, 1.85), _number(dh_gates), color=VERMILLION)
    drawing.arrow(loss, state["h", "t"])
    drawing.text((NOW + 0.4, 0.62), _number(dh_loss), ha="left")
    return drawing.figure


def _number(value: float) -> str:
    return f"{value:.4f}".replace("-", "\N{MINUS SIGN}")
