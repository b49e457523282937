"""Arguments for every figure, and no pyplot state left behind."""

import numpy as np
import pytest

from lstmlib import plots


def arguments():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(7, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, size=7)
    return {
        plots.loss_curves: ({"training": ([1, 2, 3], [3.0, 2.0, 1.5])},),
        plots.curves: ({"one": ([1, 2], [0.5, 1.0]), "runs": ([1, 2], [[1, 2], [2, 4]])}, "x", "y"),
        plots.runs: ({"RNN": [0.5, 0.6], "LSTM": [1.0, 0.9, 1.0]}, "x"),
        plots.heat_map: (rng.normal(size=(2, 3)), "ab", "xyz"),
        plots.next_symbol_bars: (rng.dirichlet(np.ones(5), size=3), [0.5, 1, 1.5], "ab \nc"),
        plots.digit_as_rows: (images[0],),
        plots.belief_by_row: (images[0], rng.dirichlet(np.ones(10), size=28)),
        plots.confusion_matrix: (rng.integers(0, 9, size=(10, 10)),),
        plots.mistakes: (images, labels, (labels + 1) % 10),
        plots.augmentation_grid: (images, np.stack([images] * 3)),
    }


@pytest.fixture(params=arguments().items(), ids=lambda item: item[0].__name__)
def drawing(request):
    """One function of lstmlib.plots, and arguments for it."""
    return request.param
