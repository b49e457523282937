"""Run an experiment in several processes; what is done is kept, and a stopped run goes on."""

import json
import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lstmlib.lab import records
from lstmlib.lab.experiment import Condition, Experiment, Result

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(experiment: Experiment, folder: Path, *, processes: int = 1, progress: bool = True) -> Path:
    """Run all jobs of an experiment that are not done yet, and write its record.

    Each job runs with one thread in a process of its own kind, so that the numbers do not depend on
    how many processes there are. After each job its result is added to ``NAME.part.jsonl`` beside
    the record; a run that was stopped goes on from there.

    Parameters
    ----------
    folder
        Where the record is written.
    processes
        How many jobs run at the same time.

    Returns
    -------
    path
        The record.

    Raises
    ------
    RuntimeError
        If a job fails, with its condition and seed, or the code changes meanwhile; results that
        are there are kept.
    ValueError
        If a result is not finite, or the unfinished run beside the record is of other code.
    """
    if processes < 1:
        raise ValueError(f"expected at least one process, got {processes}")
    part = folder / f"{experiment.name}.part.jsonl"
    code = records.fingerprint(experiment)
    done = _read(part, code)
    waiting = [job for job in experiment.jobs if _key(*job) not in done]
    folder.mkdir(parents=True, exist_ok=True)
    with part.open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            print(json.dumps({"code": code}), file=file, flush=True)
        bar = tqdm(
            _results(experiment, waiting, processes),
            desc=experiment.name, initial=len(done), total=len(experiment.jobs),
            disable=not progress,
        )  # fmt: skip
        for (condition, seed), result in bar:
            _check(condition, seed, result)
            done[_key(condition, seed)] = result
            line = {"condition": condition, "seed": seed, "result": result}
            print(json.dumps(line, allow_nan=False), file=file, flush=True)
    if records.fingerprint(experiment) != code:
        raise RuntimeError(
            f"the code of {experiment.name} has changed while it ran: what is done is in {part}, "
            "and counts only if the change is taken back"
        )
    path = folder / f"{experiment.name}.json"
    results = [done[_key(*job)] for job in experiment.jobs]
    records.write(path, records.make(experiment, results, code))
    part.unlink()
    return path


def _results(
    experiment: Experiment, jobs: list[tuple[Condition, int]], processes: int
) -> Iterator[tuple[tuple[Condition, int], Result]]:
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # the processes read these when they start
    try:
        spawn = multiprocessing.get_context("spawn")
        # Ctrl-C ends the processes at once and without a word; what to say is up to this one.
        quiet: dict[str, Any] = {
            "initializer": signal.signal,
            "initargs": (signal.SIGINT, signal.SIG_DFL),
        }
        with ProcessPoolExecutor(processes, mp_context=spawn, **quiet) as pool:
            futures = {
                pool.submit(_job, experiment.function.__module__, experiment.name, *job): job
                for job in jobs
            }
            try:
                for future in as_completed(futures):
                    condition, seed = futures[future]
                    try:
                        yield futures[future], future.result()
                    except Exception as error:
                        raise RuntimeError(
                            f"{experiment.name} failed with {condition}, seed {seed}: {error}"
                        ) from error
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _job(module: str, name: str, condition: Condition, seed: int) -> Result:
    """Run one job: looked up by name, because a process can be sent names but not decorators."""
    found: Experiment = getattr(__import__(module, fromlist=[name]), name)
    return found(seed, **condition)


def _check(condition: Condition, seed: int, result: Any) -> None:
    for key, value in result.items():
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
            raise ValueError(
                f"expected finite numbers, got {key} = {value} with {condition}, seed {seed}"
            )


def _key(condition: Condition, seed: int) -> str:
    return json.dumps([condition, seed], sort_keys=True)


def _read(part: Path, code: str) -> dict[str, Result]:
    """Return the results of an unfinished run; a last line that was cut off does not count."""
    if not part.exists():
        return {}
    lines = part.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        part.write_text("".join(lines := lines[:-1]), encoding="utf-8")
    if not lines:
        return {}
    if json.loads(lines[0])["code"] != code:
        raise ValueError(
            f"{part} is an unfinished run of other code: delete it to start again, "
            f"or go back to the code that made it"
        )
    done = [json.loads(line) for line in lines[1:]]
    return {_key(job["condition"], job["seed"]): job["result"] for job in done}
