"""Records: what was run, with what, and what came out; and whether the code is still the same."""

import ast
import hashlib
import importlib.util
import json
import platform
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lstmlib
from lstmlib.lab.experiment import Condition, Experiment

PACKAGES = ("lstmlib", "numpy", "torch")


def folder() -> Path:
    """Return where the records are: in the repository, or in the package where it is installed."""
    package = Path(lstmlib.__file__).parent
    installed = package / "results"
    return installed if installed.is_dir() else package.parent / "results"


@dataclass(frozen=True)
class Record:
    """What an experiment came out with.

    Attributes
    ----------
    content
        The whole record, as its file has it.
    """

    content: dict[str, Any]

    def values(self, key: str, **condition: Any) -> list[Any]:
        """Return one number of every run under a condition, in the order of the seeds.

        Parameters
        ----------
        condition
            What the condition must contain; the rest of it may be anything.

        Raises
        ------
        KeyError
            If no run has such a condition, or the runs have no such number.
        """
        found = [run for run in self.content["runs"] if condition.items() <= run.items()]
        if not found:
            raise KeyError(f"{self.content['experiment']} has no run with {condition}")
        if key not in found[0]["result"]:
            raise KeyError(f"expected one of {sorted(found[0]['result'])}, got {key!r}")
        return [run["result"][key] for run in found]


def load(name: str) -> Record:
    """Return the record of an experiment.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is none of this name, or it cannot be read.
    """
    path = folder() / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no record {path.name}: python -m lstmlib.lab run {name} makes it"
        )
    try:
        return Record(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no record: {error}") from error


def make(experiment: Experiment, results: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """Return the record of an experiment whose jobs gave these results, with code of this hash."""
    runs = [
        {**condition, "seed": seed, "result": result}
        for (condition, seed), result in zip(experiment.jobs, results, strict=True)
    ]
    return {
        "experiment": experiment.name,
        "question": experiment.question,
        "command": f"python -m lstmlib.lab run {experiment.name}",
        "code": code,
        "versions": {name: version(name) for name in PACKAGES},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "python": platform.python_version(),
            "threads": 1,
        },
        "conditions": list(experiment.conditions),
        "seeds": list(experiment.seeds),
        "runs": runs,
        "summary": [
            {**condition, **_spread([run for run in runs if condition.items() <= run.items()])}
            for condition in experiment.conditions
        ],
    }


def _spread(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return median, mean, standard deviation and range of every number that the runs give."""
    summary = {}
    for key, first in runs[0]["result"].items():
        if isinstance(first, int | float):
            values = [float(run["result"][key]) for run in runs]
            summary[key] = {
                "median": statistics.median(values),
                "mean": statistics.fmean(values),
                "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
                "least": min(values),
                "largest": max(values),
            }
    return summary


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record as a whole or not at all."""
    part = path.with_suffix(".json.part")
    try:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def staleness(experiment: Experiment) -> str:
    """Say in a few words why a record is not what the experiment would give now; "" if it is."""
    try:
        content = load(experiment.name).content
    except FileNotFoundError:
        return "no record"
    if content.get("conditions") != _plain(experiment.conditions):
        return "other conditions"
    if content.get("seeds") != list(experiment.seeds):
        return "other seeds"
    if content.get("question") != experiment.question:
        return "another question"
    return "" if content.get("code") == fingerprint(experiment) else "the code has changed"


def _plain(conditions: Any) -> list[Condition]:
    return json.loads(json.dumps(list(conditions)))


def fingerprint(experiment: Experiment) -> str:
    """Return a hash of the code an experiment runs: its module, and all of lstmlib that it imports.

    Comments, docstrings and the layout of the code do not change it.
    """
    digest = hashlib.sha256()
    for module in sorted(_modules(experiment.function.__module__)):
        digest.update(module.encode())
        digest.update(ast.dump(_tree(module)).encode())
    return digest.hexdigest()[:16]


def _modules(start: str) -> set[str]:
    """Return a module and the modules of lstmlib that it imports, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(_tree(module))
    return found


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lstmlib"):
            for alias in node.names:
                yield _home(node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("lstmlib"))


def _home(package: str, name: str) -> str:
    """Return the module that a name imported from a package comes from."""
    if importlib.util.find_spec(package).submodule_search_locations is None:  # type: ignore[union-attr]
        return package
    for node in ast.walk(_tree(package)):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return node.module or package
    submodule = f"{package}.{name}"
    return submodule if importlib.util.find_spec(submodule) else package


def _tree(module: str) -> ast.Module:
    """Return the syntax of a module without its docstrings."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"expected a module with a file, got {module!r}")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            node.body = [
                line
                for line in node.body
                if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ]
    return tree
