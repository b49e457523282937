"""What an experiment is: a question, a function, and the conditions and seeds it is run with."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Condition = dict[str, Any]
Result = dict[str, Any]


def grid(**choices: Sequence[Any]) -> list[Condition]:
    """Return every combination of the choices, the last one changing fastest."""
    return [dict(zip(choices, c, strict=True)) for c in itertools.product(*choices.values())]


@dataclass(frozen=True)
class Experiment:
    """A function of a seed and a condition, and all that it is to be run with.

    Attributes
    ----------
    question
        What the record answers.
    function
        ``function(seed, **condition)`` returns a dict of numbers, or of lists of numbers. All its
        randomness comes from the seed.
    conditions
        What is compared: the keyword arguments of each.
    seeds
        Each condition is run with each of them.
    """

    question: str
    function: Callable[..., Result]
    conditions: Sequence[Condition]
    seeds: Sequence[int]

    @property
    def name(self) -> str:
        """The name of the experiment, of its function, and of its record."""
        return self.function.__name__

    @property
    def jobs(self) -> list[tuple[Condition, int]]:
        """Every condition with every seed, in the order in which the record has them."""
        return [(condition, seed) for condition in self.conditions for seed in self.seeds]

    def __call__(self, seed: int, **condition: Any) -> Result:
        """Run the function once, as a chapter does."""
        return self.function(seed, **condition)


def experiment(
    question: str, *, conditions: Sequence[Condition], seeds: Sequence[int]
) -> Callable[[Callable[..., Result]], Experiment]:
    """Make a function an experiment: the decorator of every one in ``lstmlib.lab``.

    Raises
    ------
    ValueError
        If there is no condition or no seed, or one of them occurs twice.
    """
    for name, values in {"conditions": conditions, "seeds": seeds}.items():
        if not values or any(a == b for a, b in itertools.combinations(values, 2)):
            raise ValueError(f"expected different {name}, at least one, got {list(values)}")
    return lambda function: Experiment(question, function, conditions, seeds)
