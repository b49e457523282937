"""Submissions that want more than marks: none gets one it did not earn, none stops the run."""

import contextlib
import dataclasses
import json
import os
import socket
import time
from pathlib import Path

import pytest

from lstmlib.grading import student
from lstmlib.grading.grade import Grader
from lstmlib.grading.sandbox import FILES, PROCESSES

from .notebooks import earned, reference, submission

# What is written in place of the solution of task 1; the others are right.
IN_TASK = {
    "an endless loop": "def lstm_step(**_):\n    while True:\n        pass",
    "an endless loop that catches all": """
def lstm_step(**_):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    "a memory bomb": "def lstm_step(**_):\n    return np.ones(10**10)",
    "a list that grows": "def lstm_step(**_):\n    a = [0]\n    while True:\n        a += a",
    "an answer of 100 MB": "def lstm_step(**_):\n    return np.ones(12 * 2**20)",
    "an answer that is everything": """
class Everything(np.ndarray):
    def __eq__(self, other):
        return True
    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__

def lstm_step(h_prev, **_):
    return np.zeros_like(h_prev).view(Everything), np.nan * h_prev, (h_prev,) * 4
""",
    "a deep answer": """
def lstm_step(**_):
    a = []
    for _ in range(900):
        a = [a]
    return a
""",
    "strings that take the room of the longest": """
def lstm_step(**_):
    return ["x" * 3_000_000] + ["a"] * 200_000, 1, 2
""",
    "an array of nothing, without end": "def lstm_step(**_):\n    return np.zeros((10**9, 0))",
    "arrays of nothing, without end": "def lstm_step(**_):\n    return np.zeros((3, 10**9, 0))",
    "an exit": "def lstm_step(**_):\n    raise SystemExit(0)",
    "an error that cannot be shown": """
class Strange(Exception):
    def __str__(self):
        raise RuntimeError
def lstm_step(**_):
    raise Strange
""",
    "no function": "lstm_step = 42",
    "the library's own": "from lstmlib.numpy import lstm_step",
    "PyTorch's": "import torch\n\ndef lstm_step(**_):\n    return torch.nn.LSTMCell",
    "the library's files, found": """
def lstm_step(**_):
    import lstmlib, pathlib
    exec((pathlib.Path(lstmlib.__file__).parent / "numpy" / "lstm.py").read_text(), globals())
""",
}

# What a cell does at the end of a notebook whose first task is wrong, to look right.
AT_THE_END = {
    "patched comparisons": """
import numpy.testing, math
for module, name in [(np, "allclose"), (np, "array_equal"), (np, "isclose"), (np, "abs"),
                     (np.testing, "assert_allclose"), (math, "isclose")]:
    setattr(module, name, lambda *a, **k: True)
""",
    "a patched checker": """
import lstmlib.grading.compare as compare, lstmlib.grading.questions as questions
compare.difference = questions.difference = lambda *a, **k: ""
questions.judge = lambda *a: None
questions.Verdict.share = 1.0
""",
    "a patched child": """
import sys, gc
for name, module in list(sys.modules.items()):
    if name.startswith("lstmlib.grading"):
        for key in list(vars(module)):
            if key in ("encode", "decode", "answer"):
                setattr(module, key, lambda *a, **k: {"value": 1, "points": 100})
""",
    "forged results": """
import json, os
for k in range(3, 64):
    try:
        os.write(k, b'{"number": "0", "value": 1}\\n' * 100)
    except OSError:
        pass
""",
    "forged results with the right numbers": """
import gc, os, threading, time
def forge():
    while True:
        for k in range(3, 16):
            try:
                os.write(k, b'{"number": "%s", "value": [1, 2]}\\n' % os.urandom(16).hex().encode())
            except OSError:
                pass
threading.Thread(target=forge, daemon=True).start()
""",
    "results written where they might be looked for": """
import json
for name in ("results.json", "marks.json", "marks.csv", "/tmp/results.json"):
    open(name, "w").write(json.dumps({"score": 100}))
""",
}

# What a cell does that has everything right, and then spoils it for itself.
SPOILT = {
    "a dead kernel": "import os\nos._exit(0)",
    "a crash": "import ctypes\nctypes.string_at(0)",
    "a killed process": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "closed answers": "import os\nos.closerange(3, 64)",
    "a line without an end": """
import os
for k in range(3, 64):
    try:
        while True:
            os.write(k, b"x" * 2**16)
    except OSError:
        pass
""",
    "deep JSON": """
import os
for k in range(3, 64):
    try: os.write(k, b"[" * 100000 + b"\\n")
    except OSError: pass
""",
}

# What a cell tries that has everything right, and keeps its marks.
IN_VAIN = {
    "an exit": "import sys\nsys.exit(1)",
    "100 MB of output": "for _ in range(100):\n    print('x' * 2**20)",
    "a fork bomb": """
import os
def bomb():
    while True:
        try:
            os.fork()
        except OSError:
            pass
if os.fork() == 0:
    bomb()
""",
    "too many threads": """
import threading, time
for _ in range(1000):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
""",
    "a full disk": "with open('large', 'wb') as f:\n    while True:\n        f.write(bytes(2**20))",
    "the parent killed": """
import os, signal
for p in [os.getppid(), *range(1, 5000)]:
    if p not in (os.getpid(), 1):
        try: os.kill(p, signal.SIGKILL)
        except OSError: pass
""",
    "all processes killed": "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nos.kill(-1, 15)",
    "limits raised": """
import resource
for what in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU):
    resource.setrlimit(what, (-1, -1))
""",
    "an endless cell": "while True: pass",
    "an error": "1 / 0",
    "no Python": "this is no Python",
    "an editor's commands": "%matplotlib inline\n!pip install everything\nnp.ones(3)",
    "a cell in another language": "%%bash\nrm -rf /",
    "processes side by side": """
import multiprocessing
with multiprocessing.Pool(2) as pool:
    if pool.map(abs, [-1, -2]) != [1, 2]:
        del lstm_step
""",
    "the source of a function": """
import inspect
right, source = lstm_step, lstm_step
del lstm_step
if "def lstm_step" in inspect.getsource(source):
    lstm_step = right
""",
    "input": "input('your marks? ')",
}


@pytest.fixture(scope="module")
def lstm(lstm):
    return dataclasses.replace(lstm, seconds=12)  # for those that hang


@pytest.fixture(scope="module")
def grader(lstm, sandbox):
    return Grader(lstm, sandbox, seed=1)


def with_cell(book, source):
    book["cells"].append(student.code("end", source))
    return book


@pytest.mark.parametrize("source", IN_TASK.values(), ids=IN_TASK)
def test_a_task_that_is_not_solved_earns_nothing(lstm, graded, source):
    row = graded(reference(lstm, lstm_step=source))
    assert row.marks["lstm_step"].points == 0
    assert row.marks["lstm_step"].reason or row.status != "graded"


@pytest.mark.parametrize("source", AT_THE_END.values(), ids=AT_THE_END)
def test_what_is_patched_or_forged_changes_no_mark(lstm, graded, source):
    wrong = {task.name: task.mistakes[0].source for task in lstm.tasks.values() if task.mistakes}
    row = graded(with_cell(submission(lstm, wrong), source))
    assert all(not points for points in earned(row).values())


@pytest.mark.parametrize("source", SPOILT.values(), ids=SPOILT)
def test_a_process_that_ends_has_a_row_that_says_so(lstm, graded, source):
    row = graded(with_cell(reference(lstm), source))
    assert row.status.startswith("stopped: ")
    assert all(not points for points in earned(row).values())


def test_a_process_that_answers_twice_is_stopped(lstm, graded):
    # What it has answered by then may be right.
    row = graded(with_cell(reference(lstm), "import os\nos.fork()"))
    assert row.status == "stopped: the process answered what it was not asked"
    assert row.points < sum(mark.points or 0 for mark in graded(reference(lstm)).marks.values())


@pytest.mark.parametrize("source", IN_VAIN.values(), ids=IN_VAIN)
def test_what_does_no_harm_costs_no_mark(lstm, graded, source):
    row = graded(with_cell(reference(lstm), source))
    right = {
        task.name: None if task.kind == "text" else task.points for task in lstm.tasks.values()
    }
    assert (row.status, earned(row)) == ("graded", right)


def test_edited_test_cells_change_no_mark(lstm, graded):
    wrong = {task.name: task.mistakes[0].source for task in lstm.tasks.values() if task.mistakes}
    book = submission(lstm, wrong)
    for cell in book["cells"]:
        if cell["id"].startswith("check"):
            cell["source"] = "check = lambda name, answer: print(f'{name}: right, in 3 cases.')"
    assert all(not points for points in earned(graded(book)).values())


def test_the_hidden_cases_cannot_be_read(lstm, graded):
    # What it finds comes back in its error, which is in the row.
    spy = f"""
import os, pathlib, sys
found = []
for name in ({str(lstm.path)!r}, "/proc/1/environ", "/proc/1/cwd", "/etc/passwd", "/root/.bashrc"):
    try:
        if read := open(name, "rb").read(20):
            found.append((name, read))
    except OSError:
        pass
for root, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "site-packages")]
    found += [(root, file) for file in files if file.endswith(".ipynb")]
raise ValueError(found)
"""
    row = graded(with_cell(submission(lstm, {}), spy))
    [error] = [error for error in row.errors.values() if "ValueError: [" in error]
    assert error.endswith("ValueError: []")


def test_hidden_cases_are_not_told_by_the_submission(lstm, grader, graded):
    # What it has been called with, it says in the errors that its student is told.
    spy = """
seen = []
def lstm_step(**arguments):
    seen.append(arguments)
def lstm_forward(**_):
    raise ValueError(f"{len(seen)} seen")
"""
    row = graded(with_cell(reference(lstm), spy))
    assert f"{grader.public['lstm_step']} seen" in row.marks["lstm_forward"].said
    assert grader.public["lstm_step"] < len(grader.questions["lstm_step"].cases)


def test_nothing_is_written_outside(lstm, graded, tmp_path):
    tmp_path.chmod(0o777)
    target = tmp_path / "target"
    target.write_text("as it was")
    target.chmod(0o666)
    book = with_cell(submission(lstm, {}), f"open({str(target)!r}, 'w').write('changed')")
    assert "FileNotFoundError" in str(graded(book).errors)
    assert target.read_text() == "as it was"


def test_what_can_be_written_has_a_size(lstm, graded):
    list_all = """
mounts = [line.split() for line in open("/proc/mounts")]
raise ValueError([(where, options) for _, where, kind, options, *_ in mounts
                  if kind == "tmpfs" and options.startswith("rw") and "size=" not in options])
"""
    errors = graded(with_cell(submission(lstm, {}), list_all)).errors.values()
    assert [error for error in errors if error.endswith("ValueError: []")]


def test_where_memory_runs_out_the_submission_ends_first(lstm, graded):
    tell = "raise ValueError(open('/proc/self/oom_score_adj').read().strip())"
    errors = graded(with_cell(submission(lstm, {}), tell)).errors
    assert "line 1, ValueError: 1000" in errors.values()


def test_a_loop_in_one_task_leaves_time_for_the_others(lstm, graded):
    loop = "def {}(**_):\n    while True:\n        pass"
    row = graded(with_cell(reference(lstm), loop.format("lstm_step_backward")))
    assert row.status == "graded"
    assert row.marks["lstm_step_backward"].points == 0
    assert row.marks["lstm_step"].points == lstm.tasks["lstm_step"].points
    assert row.marks["forget_bias"].points == lstm.tasks["forget_bias"].points


def test_no_connection_is_made(lstm, graded):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        call = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"
        assert "Error" in str(graded(with_cell(submission(lstm, {}), call)).errors)
        with pytest.raises(TimeoutError):
            server.accept()


def test_nothing_is_left_running(lstm, graded):
    name = f"left-{os.getpid()}"
    start = f"""
import os, subprocess, sys
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {name!r}],
                     start_new_session=True)
"""
    row = graded(with_cell(submission(lstm, {}), start))
    assert not [error for error in row.errors.values() if "Popen" in error or "fork" in error]
    time.sleep(0.5)
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            running.append(name.encode() in (process / "cmdline").read_bytes())
    assert running
    assert not any(running)


def test_the_limits_are_those_that_are_told(lstm, graded):
    measure = """
import os, resource
raise ValueError(resource.getrlimit(resource.RLIMIT_NPROC), resource.getrlimit(resource.RLIMIT_AS),
                 resource.getrlimit(resource.RLIMIT_FSIZE), os.getuid())
"""
    errors = graded(with_cell(submission(lstm, {}), measure)).errors
    [error] = [error for error in errors.values() if "ValueError: ((" in error]
    limits = error.partition("ValueError: ")[2]
    memory, files = lstm.memory << 20, FILES << 20
    expected = f"(({PROCESSES}, {PROCESSES}), ({memory}, {memory}), ({files}, {files}), "
    assert limits.startswith(expected)
    assert not limits.endswith(" 0)")


def test_a_row_of_any_submission_is_json(lstm, graded):
    book = with_cell(submission(lstm, {}), "raise ValueError('\\ud800 \\x00 <script>')")
    row = graded(book)
    assert json.dumps(row.errors)
    assert "\0" not in "".join(row.errors.values())


@pytest.mark.parametrize("first", ["%%time", "%%capture out", "%time unused = 1\n!pip list\nnp?"])
def test_a_solution_below_an_editors_command_counts(lstm, graded, first):
    source = f"{first}\n{lstm.tasks['lstm_step'].solution}"
    assert graded(reference(lstm, lstm_step=source)).marks["lstm_step"].said == "right"


def test_a_cell_is_stopped_by_the_time_that_it_uses_and_not_by_that_which_passes(lstm, graded):
    limit = lstm.seconds / 3
    waits = with_cell(reference(lstm), f"import time\ntime.sleep({1.3 * limit})")
    assert graded(waits).errors == {}
    works = with_cell(reference(lstm), "while True: pass")
    assert "TimeIsUp" in str(graded(works).errors)
