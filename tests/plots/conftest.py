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
        plots.lstm_blocks: (rng.normal(size=(8, 1)), rng.normal(size=(8, 2)), rng.normal(size=8)),
        plots.lstm_cell: ({"x": np.array([1.0]), "c": np.array([0.5, -2.0])}, ["c"]),
        plots.lstm_valves: (0.5, 1.0, -0.3, 0.0, 2.0),
        plots.hidden_layer: tuple(rng.normal(size=s) for s in [(4, 3), (2, 3), (2,), (1, 2), (1,)]),
        plots.two_planes: (
            rng.random((4, 2)),
            rng.random((4, 2)),
            np.array([0, 1, 1, 0]),
            (1, -2, 0),
        ),
        plots.cell_gradient: (0.1, -0.2, 0.3, 0.4),
        plots.next_symbol_bars: (rng.dirichlet(np.ones(5), size=3), [0.5, 1, 1.5], "ab \nc"),
        plots.digit_as_rows: (images[0],),
        plots.belief_by_row: (images[0], rng.dirichlet(np.ones(10), size=28)),
        plots.confusion_matrix: (rng.integers(0, 9, size=(10, 10)),),
        plots.mistakes: (images, labels, (labels + 1) % 10),
        plots.step_graph: ([2.0, 2.0, 1.0, -0.5], [0.5, 0.5, 0.125]),
        plots.gradient_paths: (np.tril(rng.normal(size=(3, 3))),),
        plots.gates_along_text: (rng.random((2, 4)), "a b\n", ["1", "2"]),
        plots.painted_text: (rng.normal(size=5), "a b\nc"),
        plots.digit_saliency: (images[:2], rng.normal(size=(2, 28, 28)), ["one", "two"]),
        plots.films: ({"seen": images[:2].astype(float)}, ["1", "2"]),
        plots.lstm_and_gru: (),
        plots.series_panels: ({"one": ([1, 2, 3], [2.0, 1.0, 3.0])}, "month"),
        plots.rolling_origins: (100, 60, 75, [60, 75, 88], 12),
        plots.forecast_fan: (rng.random(9), rng.random(4), np.zeros(4), np.ones(4), "x", "y"),
        plots.augmentation_grid: (images, np.stack([images] * 3)),
        plots.sequence_tasks: ({"one": ([0], [0]), "later": ([0, 1], [2, 3])},),
        plots.unrolled: (3,),
        plots.wiring: (rng.normal(size=(2, 1)), rng.normal(size=(2, 2)), rng.normal(size=2)),
    }


@pytest.fixture(params=arguments().items(), ids=lambda item: item[0].__name__)
def drawing(request):
    """One function of lstmlib.plots, and arguments for it."""
    return request.param
