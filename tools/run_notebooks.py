"""Run chapters from top to bottom and write them in normal form: twice gives the same bytes.

    python tools/run_notebooks.py [--check] chapters/09_shakespeare.ipynb ...

A chapter is written only when all of its cells have run, and then in one step: after an error or
Ctrl-C the file is what it was. ``--check`` writes nothing and fails where a file would change.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

HERE = Path(__file__).resolve().parent
LIMIT = 60  # seconds a chapter may take on 2 cores
KEPT_METADATA = {"mystnb", "tags"}
WIDGET = "application/vnd.jupyter.widget-view+json"
SLUG = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")

# What the kernel of a chapter sees, here and when the tests run the chapter again.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # sums in the same order, and the models are too small for two
    "SOURCE_DATE_EPOCH": "0",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
    "IPYKERNEL_CELL_NAME": "<cell>",
    "MATPLOTLIBRC": str(HERE / "matplotlibrc"),
    "PYTHONSTARTUP": str(HERE / "kernel_startup.py"),
}


class ChapterError(Exception):
    """A chapter that does not run, or that cannot be put in normal form."""


def name_cells(notebook: NotebookNode) -> None:
    """Give each cell without a slug for an id one made from its first words."""
    taken = {cell.id for cell in notebook.cells if is_slug(cell.id)}
    for cell in notebook.cells:
        if not is_slug(cell.id):
            words = re.findall(r"[a-z0-9]+", cell.source.lower())[:4] or ["empty"]
            if words[0][0].isdigit():
                words.insert(0, cell.cell_type)
            stem = "-".join(words)[:36].strip("-")
            cell.id, number = stem, 2
            while cell.id in taken:
                cell.id, number = f"{stem}-{number}", number + 1
            taken.add(cell.id)


def is_slug(name: str) -> bool:
    """Tell whether a cell id is a short slug, not the random id that an editor gives."""
    return SLUG.fullmatch(name) is not None and RANDOM_ID.fullmatch(name) is None


def normalise(notebook: NotebookNode) -> str:
    """Return the text of a notebook in normal form; what a run adds by chance is left out."""
    name_cells(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    count = 0
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_METADATA & cell.metadata.keys()}
        cell.metadata = NotebookNode(kept)
        cell.pop("attachments", None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            # a live figure lives in its kernel: what is committed is what a page can show
            output.get("data", {}).pop(WIDGET, None)
            if svg := output.get("data", {}).get("image/svg+xml"):
                # matplotlib's version and address
                text = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
                output.data["image/svg+xml"] = text
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def run(path: Path, timeout: float = 600) -> str:
    """Run the chapter at ``path`` in a fresh kernel and return its text in normal form."""
    text = path.read_text(encoding="utf-8")
    ids = Counter(cell.get("id") for cell in json.loads(text)["cells"])
    twice = [name for name, times in ids.items() if name and times > 1]
    if twice:
        raise ChapterError(f"{path}: cell ids must be unique; more than once: {', '.join(twice)}")
    notebook = nbformat.reads(text, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    client.create_kernel_manager().kernel_spec_manager = NbvalKernelspecManager()
    current = ""

    def remember(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = f"cell {cell_index} ({cell.id})"

    client.on_cell_start = remember
    client.on_notebook_start = interrupt_as_usual
    try:
        client.execute(env=os.environ | ENVIRONMENT)
    except CellExecutionError as error:
        raise ChapterError(f"{path}: {current} failed\n{error}") from None
    except CellTimeoutError:
        raise ChapterError(f"{path}: {current} took more than {timeout:g} s") from None
    except DeadKernelError:
        raise ChapterError(f"{path}: the kernel died in {current}") from None
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                message = f"{path}: cell {index} ({cell.id}) writes to stderr"
                raise ChapterError(f"{message}\n{output.text}")
    return normalise(notebook)


async def interrupt_as_usual(**_: object) -> None:
    """Let Ctrl-C raise KeyboardInterrupt: nbclient's own handler ends in an internal error."""
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def write(path: Path, text: str) -> None:
    """Replace the file in one step."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the chapters named; return 0 when all went well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a file would change"
    )
    parser.add_argument("chapters", nargs="+", type=Path, metavar="chapter")
    options = parser.parse_args(arguments)
    failed = False
    for path in options.chapters:
        start = time.perf_counter()
        try:
            text = run(path.resolve())
        except ChapterError as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        seconds = time.perf_counter() - start
        changed = path.read_text(encoding="utf-8") != text
        if changed and not options.check:
            write(path, text)
        verb = "would change" if options.check else "written"
        print(f"{path}: {seconds:.1f} s of {LIMIT} s, {verb if changed else 'unchanged'}")
        if seconds > LIMIT:
            print(f"{path}: longer than {LIMIT} s", file=sys.stderr)
        failed |= seconds > LIMIT or (options.check and changed)
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: the chapter that was running is unchanged")
