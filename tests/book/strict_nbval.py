"""nbval as this book needs it: a pytest plugin, loaded with ``-p strict_nbval`` beside ``--nbval``.

Beyond nbval 0.11 a cell fails here when it was never run or is not to be compared; when it, or a
line of it, ends in an error that nbval overlooks (an unknown magic, a shell command); when anything
is written to stderr; and as soon as the kernel has died. Outputs are compared one by one in their
order, numbers in them by value: whole numbers exactly, others to the last digit printed (of three
decimals or four digits at least), give or take one. Of an image its presence and its format count,
of an interactive figure its page, not its live version.
Of a cell tagged ``sample``, which prints what a model trained in the chapter writes and so differs
between processors, the kinds of its outputs count, and that none is blank.
"""

import math
import os
import re
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from queue import Empty

import pytest
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel, start_new_kernel
from nbval.plugin import IPyNbCell, IPyNbFile
from run_notebooks import ENVIRONMENT, WIDGET

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
RELATIVE = 1e-6  # what float32 arithmetic differs by between processors


def differs(reference: str, computed: str) -> str | None:
    """Say where two texts differ, numbers compared by value; None where they agree."""
    if NUMBER.sub("\0", reference) != NUMBER.sub("\0", computed):
        return f"the text differs: expected\n{reference}\nbut got\n{computed}"
    pairs = zip(NUMBER.findall(reference), NUMBER.findall(computed), strict=True)
    for expected, got in pairs:
        if not same_number(expected, got):
            return f"{expected} became {got}: expected\n{reference}\nbut got\n{computed}"
    return None


def same_number(expected: str, got: str) -> bool:
    """Compare two printed numbers: whole ones exactly, others as far as they are printed."""
    if expected == got:
        return True
    if not (is_fraction(expected) and is_fraction(got)):
        return False
    printed = Decimal(expected).as_tuple()
    last_place = 10.0**printed.exponent
    # 0.5 or 1. may stand for 0.50000000: rounded is only what has three decimals or four digits
    rounded = len(printed.digits) >= 4 or printed.exponent <= -3
    # 1.5, since the binary difference of two neighbours is not quite one unit
    return math.isclose(
        float(expected), float(got), rel_tol=RELATIVE, abs_tol=1.5 * last_place * rounded
    )


def is_fraction(number: str) -> bool:
    """Tell a float as it is printed from a whole number."""
    return any(mark in number for mark in ".eE")


def compare(reference: Sequence[NotebookNode], computed: Sequence[NotebookNode]) -> str | None:
    """Say where the outputs of a cell differ from those stored; None where they agree."""
    kinds = [kind(output) for output in reference], [kind(output) for output in computed]
    if kinds[0] != kinds[1]:
        return f"expected these outputs: {kinds[0]}\nbut got: {kinds[1]}"
    for old, new in zip(reference, computed, strict=True):
        for expected, got in zip(texts(old), texts(new), strict=True):
            if difference := differs(expected, got):
                return difference
    return None


def compare_samples(
    reference: Sequence[NotebookNode], computed: Sequence[NotebookNode]
) -> str | None:
    """Say where outputs differ in kind, or hold no text; None where they do not."""
    kinds = [kind(output) for output in reference], [kind(output) for output in computed]
    if kinds[0] != kinds[1]:
        return f"expected these outputs: {kinds[0]}\nbut got: {kinds[1]}"
    if not computed or not all("".join(texts(output)).strip() for output in computed):
        return "a sample without any text"
    return None


def kind(output: NotebookNode) -> str:
    """Name what an output is: its type, and its stream, error or formats."""
    if output.output_type == "stream":
        return f"stream {output.name}"
    if output.output_type == "error":
        return f"error {output.ename}"
    return f"{output.output_type} {' '.join(sorted(output.data.keys() - {WIDGET}))}"


def texts(output: NotebookNode) -> list[str]:
    """List what is compared of an output as text: everything but images."""
    if output.output_type == "stream":
        return [output.text]
    if output.output_type == "error":
        return [output.evalue]
    data = sorted(output.data.items())
    return [str(value) for form, value in data if not (form.startswith("image/") or form == WIDGET)]


def started(folder: Path, timeout: float, attempts: int = 3) -> tuple:
    """Start a kernel; again where it died at once, for its ports may have been taken meanwhile.

    The client looks for free ports and the kernel opens them a moment later: two test processes
    that start kernels at the same time can be given the same ones.
    """
    while True:
        attempts -= 1
        try:
            return start_new_kernel(
                timeout,
                CURRENT_ENV_KERNEL_NAME,
                stderr=subprocess.DEVNULL,
                cwd=str(folder),
                env=os.environ | ENVIRONMENT,
            )
        except RuntimeError:
            if attempts == 0:
                raise


class Kernel(RunningKernel):
    """A kernel that tells when it has died, and when a cell ended in an error."""

    def __init__(self, folder: Path, startup_timeout: float) -> None:
        self.km, self.kc = started(folder, startup_timeout)
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        # with history, as in a notebook, where a closing semicolon suppresses the output
        return self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        waited = 0
        while timeout is None or waited < timeout:
            try:
                message = self.get_message(stream="shell", timeout=1)
            except Empty:
                waited += 1
                if not self.is_alive():
                    raise RuntimeError("the kernel died") from None
                continue
            if message["parent_header"].get("msg_id") == msg_id:
                self.status = message["content"]["status"]
                return
        raise Empty


class Cell(IPyNbCell):
    """A code cell that must do again what its outputs say."""

    def setup(self) -> None:
        """Mark nothing as an expected failure: after a time-out the other cells fail too."""

    def runtest(self) -> None:
        if self.options["skip"] or not self.options["check"]:
            self.raise_cell_error("a chapter's cells are all run and compared: no skip, no ignore")
        if self.cell.execution_count is None:
            self.raise_cell_error("the cell was never run: its outputs are not stored")
        super().runtest()
        if self.parent.kernel.status != "ok" and not self.options["check_exception"]:
            self.raise_cell_error("the cell ended in an error", self.stderr())
        if text := self.stderr():
            self.raise_cell_error("the cell writes to stderr", text)

    def stderr(self) -> str:
        outputs = [*self.test_outputs, *self.cell.outputs]
        return "".join(output.text for output in outputs if output.get("name") == "stderr")

    def compare_outputs(
        self, test: list, ref: list, skip_compare: Sequence[str] | None = None
    ) -> bool:
        if "sample" in self.cell.metadata.get("tags", []):
            difference = compare_samples(ref, test)
        else:
            difference = compare(ref, test)
        self.comparison_traceback = [difference or ""]
        return difference is None


class Chapter(IPyNbFile):
    """A notebook whose cells are run in one kernel, as tools/run_notebooks.py runs them."""

    def setup(self) -> None:
        self.kernel = Kernel(self.path.parent, self.config.option.nbval_kernel_startup_timeout)

    def collect(self) -> list[Cell]:
        return [
            Cell.from_parent(
                self,
                name=item.cell.id,
                cell_num=item.cell_num,
                cell=item.cell,
                options=item.options,
            )
            for item in super().collect()
        ]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    collected = yield
    return [
        Chapter.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in collected
    ]
