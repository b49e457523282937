"""List the experiments, and run them: ``python -m lstmlib.lab``."""

import argparse
import importlib
import os
import pkgutil
import sys
from pathlib import Path

import lstmlib.lab
from lstmlib.lab import records
from lstmlib.lab.experiment import Experiment
from lstmlib.lab.run import run


def experiments() -> dict[str, Experiment]:
    """Return all experiments of ``lstmlib.lab`` by name."""
    found: dict[str, Experiment] = {}
    for module in pkgutil.iter_modules(lstmlib.lab.__path__):
        if module.name != "__main__":
            names = vars(importlib.import_module(f"lstmlib.lab.{module.name}"))
            found |= {e.name: e for e in names.values() if isinstance(e, Experiment)}
    return dict(sorted(found.items()))


def main(arguments: list[str]) -> int:
    """List, or run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lstmlib.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list", help="the experiments, and how their records stand")
    runner = commands.add_parser("run", help="run experiments and write their records")
    runner.add_argument("names", nargs="*", metavar="NAME", help="which ones")
    runner.add_argument("--all", action="store_true", help="all of them")
    runner.add_argument("--stale", action="store_true", help="those whose record is not up to date")
    runner.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    runner.add_argument("--folder", type=Path, default=records.folder(), help="(%(default)s)")
    options = parser.parse_args(arguments)
    known = experiments()
    if options.command != "run":
        for name, experiment in known.items():
            state = records.staleness(experiment) or "up to date"
            print(f"{name:32} {len(experiment.jobs):4} runs  {state:24} {experiment.question}")
        return 0
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"expected names among {', '.join(known)}, got {', '.join(unknown)}")
    chosen = [
        experiment
        for name, experiment in known.items()
        if options.all or name in options.names or (options.stale and records.staleness(experiment))
    ]
    if not (chosen or options.stale):
        parser.error("which? names, --stale or --all")
    for experiment in chosen:
        try:
            print(run(experiment, options.folder, processes=options.processes))
        except KeyboardInterrupt:
            print("stopped; what is done is kept: the same command goes on", file=sys.stderr)
            return 130
        except (RuntimeError, ValueError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
