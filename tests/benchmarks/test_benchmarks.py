"""The benchmarks measure what they say; nothing here depends on how fast the machine is."""

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import __main__ as command
from benchmarks import characters, lstm_step, per_gate, timing, transformer

ROOT = Path(__file__).parent.parent.parent


# The timing core


def test_interleaved_runs_in_rounds_and_warms_up():
    calls = []
    seconds = timing.interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, 0
    )
    assert "".join(calls) == "aabb" * 3  # each once untimed, once timed
    assert [len(values) for values in seconds.values()] == [3, 3]
    assert all(value >= 0 for values in seconds.values() for value in values)


def test_arithmetic():
    assert timing.spread([3.0, 1.0, 2.0]) == (1, 2, 3)
    assert timing.ratios({"a": [1.0, 4.0], "b": [2.0, 2.0]}, "a", "b") == [0.5, 2]
    assert timing.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2, rel=1e-15)


def test_seconds_a_step_warms_up(monkeypatch):
    clock = iter([10.0, 16.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    trained = []
    assert timing.seconds_a_step(trained.append, 3) == 2
    assert trained == [3, 3]


def test_product_peak_counts_two_operations_an_entry(monkeypatch):
    monkeypatch.setattr(timing, "interleaved", lambda functions, rounds: {"x": [2.0, 0.5]})
    assert timing.product_peak(np.float32, size=10, rounds=2) == {"x": 2 * 10**3 / 0.5 / 1e9}


def test_markdown_table():
    assert timing.markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


# The training step


def test_flop_of_the_products():
    """Counted product by product: an (m, k) by (k, n) product is 2 m k n operations."""
    T, B, D, H = 2, 3, 5, 7

    def product(m, k, n):
        return 2 * m * k * n

    forward = product(T * B, D, 4 * H) + T * product(B, H, 4 * H)
    inputs = product(T * B, 4 * H, D) + T * product(B, 4 * H, H)
    weights = product(4 * H, T * B, D) + product(4 * H, T * B, H)
    assert lstm_step.flop(T, B, D, H) == forward + inputs + weights


@given(
    T=st.integers(1, 6),
    B=st.integers(1, 4),
    D=st.integers(1, 5),
    H=st.integers(1, 8),
)
@settings(max_examples=20)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_all_three_compute_the_same_gradients(dtype, tolerance, T, B, D, H):
    ours, theirs, loop = (step() for step in lstm_step.steps(T, B, D, H, dtype).values())
    shapes = {"x": (T, B, D), "h0": (B, H), "c0": (B, H)}
    shapes |= {"W_x": (4 * H, D), "W_h": (4 * H, H), "b": (4 * H,)}
    assert set(ours) == set(shapes)
    for name, shape in shapes.items():
        for other in (theirs, loop):
            assert other[name].shape == ours[name].shape == shape
            assert other[name].dtype == ours[name].dtype == dtype
            difference = np.abs(other[name] - ours[name]).max()
            assert difference <= tolerance * np.abs(ours[name]).max(), name


def test_each_step_starts_afresh():
    """Twice the same step gives the same gradients: none are added up from call to call."""
    for step in lstm_step.steps(3, 2, 4, 5, np.float64).values():
        first = {name: a.copy() for name, a in step().items()}
        again = step()
        for name, a in first.items():
            np.testing.assert_array_equal(again[name], a)


def test_splitting_by_gate_and_back():
    params = {"W_x": np.arange(24.0).reshape(8, 3), "W_h": np.ones((8, 2)), "b": np.arange(8.0)}
    weights = per_gate.split_by_gate(params)
    np.testing.assert_array_equal(weights["W_xf"], params["W_x"][2:4])
    assert weights["b_o"].tolist() == [6, 7]
    for name, a in per_gate.join_gates(weights).items():
        np.testing.assert_array_equal(a, params[name])


def test_report_of_the_step():
    record = {
        "dtype": "float32",
        "shape": (1, 2, 3, 4),
        "flop": 6_000_000_000,
        "peak_gflops": {"NumPy": 8.0, "PyTorch": 12.0},
        "seconds": {
            lstm_step.OURS: [1.0, 2.0, 3.0],
            lstm_step.TORCH: [2.0, 2.0, 2.0],
            lstm_step.LOOP: [8.0, 8.0, 8.0],
        },
    }
    other = record | {"seconds": record["seconds"] | {lstm_step.TORCH: [0.5, 0.5, 0.5]}}
    lines = lstm_step.report([record, other]).splitlines()
    (first, _, mean) = (line for line in lines if "float32" in line)
    assert "(1, 2, 3, 4)" in first
    assert "2e+03 (1e+03–3e+03)" in first
    assert "**1.00** (0.50–1.50)" in first  # ours / torch, round by round
    assert "**0.25** (0.12–0.38)" in first  # ours / loop
    assert "3 of 12 (25%)" in first
    assert mean == "| float32 | **2.00** | **0.25** |"  # of 1 and 4, and of 0.25 twice


# The character models


def test_transformer_has_the_size_of_the_recipe():
    model = transformer.Transformer(65)
    # nanoGPT prints 0.80M for it, without the positions: embedding, and in each layer the
    # attention's 4 and the MLP's 8 times 128², and two gains; and the last gain.
    weights = sum(p.numel() for p in model.parameters())
    assert weights == 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128
    assert f"{(weights - 64 * 128) / 1e6:.2f}" == "0.80"


def test_transformer_does_not_look_ahead():
    torch.manual_seed(0)
    model = transformer.Transformer(9)
    symbols = torch.randint(9, (2, 64))
    changed = symbols.clone()
    changed[:, 40:] = (changed[:, 40:] + 1) % 9
    with torch.no_grad():
        before, after = model(symbols), model(changed)
    assert before.shape == (2, 64, 9)
    torch.testing.assert_close(before[:, :40], after[:, :40])
    assert not torch.allclose(before[:, 40:], after[:, 40:])


def test_transformer_learns():
    torch.manual_seed(0)
    ids = np.tile(np.arange(7), 60)
    model = transformer.Transformer(7)
    assert transformer.evaluate(model, ids, stride=64)[0] > 0.9 * math.log(7)
    transformer.train(model, ids, steps=60)
    assert transformer.evaluate(model, ids, stride=64)[0] < 0.5


def test_transformer_rate():
    rates = [transformer.learning_rate(step, 1100) for step in range(1100)]
    assert rates[0] == 0
    assert rates[50] == pytest.approx(5e-4)
    assert max(rates) == rates[100] == 1e-3
    assert rates[600] == pytest.approx((1e-3 + 1e-4) / 2)
    assert rates[-1] == pytest.approx(1e-4, rel=1e-3)
    assert all(a > b for a, b in itertools.pairwise(rates[100:]))


@pytest.mark.parametrize("n", [2, 64, 65, 66, 200])
@pytest.mark.parametrize("stride", [1, 16, 64])
def test_every_symbol_is_scored_once(n, stride):
    """A model that always says 'the next symbol is k + 1' finds each target exactly once."""

    class Counter(torch.nn.Module):
        def forward(self, symbols):
            return 50 * torch.nn.functional.one_hot((symbols + 1) % 201, 201).double()

    ids = np.arange(n)
    loss, scored = transformer.evaluate(Counter(), ids, stride)
    assert scored == n - 1
    assert loss < 1e-12
    loss, _ = transformer.evaluate(Counter(), np.where(ids == n - 1, 0, ids), stride)
    assert loss == pytest.approx(50 / (n - 1))  # one target wrong, by 50 nats


def test_characters(monkeypatch):
    text = "the quick brown fox jumps over the lazy dog\n" * 60
    recipe = characters.Recipe(hidden_size=4, steps=8, batch_size=2)
    monkeypatch.setattr(timing, "seconds_a_step", lambda train, steps: train(steps) or 0.5)
    result = characters.measure(text, seconds=2.0, recipe=recipe, trial_steps=1, eval_streams=4)
    assert result["characters"] == len(text) == 2640
    assert result["validation_characters"] == 264
    for record in (result["lstm"], result["transformer"]):
        assert record["steps"] == int(0.97 * 2.0 / 0.5)
        assert record["scored"] == 264  # all of them, 264 being a multiple of 4 streams
        assert 0 < record["loss"] < 2 * math.log(30)
    assert result["lstm"]["characters_a_step"] == 16
    assert result["transformer"]["characters_a_step"] == 12 * 64
    report = characters.report(result)
    for record in (result["lstm"], result["transformer"]):
        assert f"**{record['loss']:.3f}**" in report
        assert f"{record['loss'] / math.log(2):.3f}" in report
        assert f"{record['weights']:,}" in report


def test_validation_text_of_tiny_shakespeare_divides_by_the_streams():
    assert 111_540 % command.EVAL_STREAMS == 0


# The command


def run(*arguments):
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "--threads", "1", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_smoke():
    done = run("--smoke")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "- threads: 1\n" in done.stdout
    assert "| (3, 2, 4, 5) | float32 |" in done.stdout
    assert "| (3, 2, 4, 5) | float64 |" in done.stdout
    assert "| character model (LSTM) |" in done.stdout
    assert "| Transformer |" in done.stdout


def test_a_record_is_of_a_whole_run():
    done = run("--smoke", "--record")
    assert done.returncode == 2
    assert "--record is for a whole run" in done.stderr


def test_machine_and_versions_can_be_recorded():
    written = json.loads(json.dumps({"machine": command.machine(), "versions": command.versions()}))
    assert written["machine"]["threads"] == torch.get_num_threads()
    assert written["machine"]["features_torch"]
    assert written["versions"]["numpy"] == np.__version__
    assert written["versions"]["torch"] == torch.__version__
