"""Experiments over several seeds, and their records in ``results/``.

An experiment is a function of a seed and of a condition that returns numbers. Run over all its
conditions and seeds it writes one record: the question, the command that repeats it, the code and
the versions it was made with, every number of every run, and their spread. A chapter draws the
record, and runs the same function once more on a smaller scale::

    python -m lstmlib.lab                       list the experiments and how their records stand
    python -m lstmlib.lab run NAME …            run some of them, or go on where a run was stopped
"""

from lstmlib.lab.experiment import Experiment, experiment, grid
from lstmlib.lab.records import Record, load
from lstmlib.lab.run import run

__all__ = ["Experiment", "Record", "experiment", "grid", "load", "run"]
