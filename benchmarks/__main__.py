"""Run the benchmarks, print them as Markdown, and record them if asked to."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parent.parent / "results" / "bench.json"
EVAL_STREAMS = 20
"""Streams the validation text is read in: they divide its 111,540 characters."""
SAME_INSTRUCTIONS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
"""What holds PyTorch, its libraries, NumPy and its BLAS to AVX2, so that none has wider vectors."""
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=["step", "characters"], help="one of the two benchmarks")
    parser.add_argument(
        "--seconds",
        type=float,
        default=100,
        help="training time of each character model (%(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="rounds of the training step (%(default)s)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=PROCESSORS,
        help="(all processors: %(default)s)",
    )
    parser.add_argument(
        "--avx2", action="store_true", help="hold NumPy and PyTorch to the same instructions, AVX2"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does it work?")
    parser.add_argument("--record", action="store_true", help=f"write results/{RECORD.name}")
    options = parser.parse_args(arguments)
    if options.record and (options.only or options.smoke):
        parser.error("--record is for a whole run, without --only and --smoke")

    # NumPy's BLAS and torch read these when they are imported, hence the imports below.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    if options.avx2:
        os.environ.update(SAME_INSTRUCTIONS)
    from benchmarks import characters, lstm_step
    from lstmlib.data import shakespeare, tiny_shakespeare

    record: dict[str, Any] = {"machine": machine(), "versions": versions()}
    for name, value in (record["machine"] | record["versions"]).items():
        print(f"- {name}: {', '.join(value) if isinstance(value, list) else value}")
    print()
    if options.only != "characters":
        if options.smoke:
            step = lstm_step.measure([(3, 2, 4, 5)], rounds=2, peak_size=32)
        else:
            step = lstm_step.measure(lstm_step.SHAPES, options.rounds, peak_size=2048)
        record["step"] = step
        print(f"## Training step of the LSTM\n\n{lstm_step.report(step)}\n", flush=True)
    if options.only != "step":
        if options.smoke:
            text, seconds = shakespeare()[:6_000], 0.2
            recipe = characters.Recipe(hidden_size=8, steps=16, batch_size=4)
        else:
            text, seconds, recipe = tiny_shakespeare(), options.seconds, characters.Recipe()
        trial_steps = 2 if options.smoke else 50
        result = characters.measure(text, seconds, recipe, trial_steps, EVAL_STREAMS)
        record["characters"] = result
        print(f"## {seconds:g} seconds of training on characters\n\n{characters.report(result)}")
    if options.record:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """Return the processor, what it can do, and how many threads NumPy and torch use."""
    import numpy as np
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    build: Any = np.show_config(mode="dicts")
    return {
        "processor": model,
        "processors": PROCESSORS,
        "threads": torch.get_num_threads(),
        "features_numpy": build["SIMD Extensions"]["found"],
        "features_torch": torch.backends.cpu.get_cpu_capability(),
        "blas_numpy": build["Build Dependencies"]["blas"]["name"],
        "settings": [
            f"{name}={os.environ[name]}" for name in SAME_INSTRUCTIONS if name in os.environ
        ],
    }


def versions() -> dict[str, str]:
    """Return the versions of what is measured and of what it runs on."""
    import numpy as np
    import torch

    import lstmlib

    return {
        "lstmlib": lstmlib.__version__,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
