"""The training of a smaller character model, repeated with other seeds (chapter 11)."""

from typing import Any

from lstmlib.lab.experiment import experiment, grid
from lstmlib.lab.inside import tuned_text


@experiment(
    "Do six epochs mend the removal of a quarter of the units with other seeds too?",
    conditions=grid(removed=[112], epochs=[6]),
    seeds=range(1, 5),
)
def tuned_text_repeated(seed: int, *, removed: int, epochs: int) -> dict[str, Any]:
    """Repeat ``tuned_text_long``: the seed draws the text to choose the units by, and dropout."""
    return tuned_text(seed, removed, epochs, lr=2e-3)
