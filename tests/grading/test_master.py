import json

import numpy as np
import pytest

from lstmlib.grading import master, student
from lstmlib.grading.master import MasterError

from . import small
from .notebooks import SITE, SOURCE


@pytest.fixture
def read(tmp_path):
    def read(**changed):
        return small.read(tmp_path, **changed)

    return read


def test_a_master_is_read(read):
    assignment = read()
    assert assignment.number == 9
    assert assignment.title == "A small one"
    assert assignment.points == 13
    assert (assignment.seconds, assignment.memory) == (60, 1500)
    assert assignment.without == assignment.masked == assignment.objectives == []
    assert list(assignment.tasks) == ["double", "quadruple", "half", "why", "guess"]
    double, quadruple, half, why, guess = assignment.tasks.values()
    assert double.solution.startswith("def double(x):")
    assert double.alternatives == ["def double(x):\n    return 2 * x"]
    assert (double.chapter, quadruple.chapter) == ("05_lstm", "06_lstm_backward#sec-four")
    assert (double.tolerance, half.tolerance) == (1e-8, 1e-3)
    assert quadruple.uses == ["double"]
    assert why.rubric == "1 for each"
    assert guess.levels == [[0.5, 1], [0.9, 4]]


def test_mistakes_are_changes_of_the_solution(read):
    square, one = read().tasks["double"].mistakes
    assert "return x * x" in square.source
    assert (square.hint, square.chapter) == ("That is the square.", "04_gates#sec-square")
    assert "y = x + x\n    return y[0]" in one.source
    assert one.chapter == "05_lstm"


def test_cases_are_drawn_and_hidden_ones_if_asked(read):
    tasks = read().tasks
    double = tasks["double"]
    public = double.draw(np.random.default_rng(0), hidden=False)
    assert [case.name for case in public] == ["a vector", "a matrix"]
    both = double.draw(np.random.default_rng(0), hidden=True)
    assert [case.name for case in both] == ["a vector", "a matrix", "a large one"]
    np.testing.assert_array_equal(public[0].arguments["x"], both[0].arguments["x"])
    (signs,) = tasks["guess"].draw(np.random.default_rng(0), hidden=True)
    np.testing.assert_array_equal(signs.secret, signs.arguments["x"] > 0)


def test_a_namespace_is_what_runs_up_to_a_task(read):
    assignment = read()
    names = assignment.namespace(assignment.tasks["double"])
    assert names["double"](2) == 4
    assert "quadruple" not in names
    wrong = {"double": "def double(x):\n    return 3 * x"}
    assert assignment.namespace(solutions=wrong)["quadruple"](1) == 9
    halves = {assignment.namespace(student=f"s{k}")["half"] for k in range(9)}
    assert len(halves) > 3


def test_what_a_solution_prints_is_not_shown(read, capsys):
    read(imports=("code", "import numpy as np\nprint('noise')")).namespace()
    assert capsys.readouterr().out == ""


def test_a_call_takes_the_place_of_the_call(read):
    listed = "#| call\ndef call(function, **arguments):\n    return [function(**arguments)]"
    tasks = read(more=code(listed)).tasks  # behind the last task
    assert tasks["double"].caller()(dict, x=1) == {"x": 1}
    assert tasks["guess"].caller()(dict, x=1) == [{"x": 1}]


def test_the_student_gets_no_solution(read):
    book = student.notebook(read(), SOURCE, SITE)
    text = json.dumps(book)
    for secret in ("x + x", "2 * x", "double(double", "x > 0", "a large one", "1 for each", "So."):
        assert secret not in text
    cells = {cell["id"]: "".join(cell["source"]) for cell in book["cells"]}
    assert cells["double"] == "def double(x):\n    # your code here\n    raise NotImplementedError"
    assert cells["half"] == "half = ...  # a number"
    assert cells["check-double"] == 'check("double", double)'
    assert cells["answer-ask-why"].startswith("<!-- answer: why -->")
    assert cells["end"] == "The end."
    assert "double-cases" not in cells
    assert list(cells).index("student") < list(cells).index("double")
    assert all(cell["cell_type"] != "raw" for cell in book["cells"])


def test_a_region_may_be_one_of_several_and_indented(read):
    source = """#| solution
class double:
    # BEGIN SOLUTION
    secret = 1
    # END SOLUTION
    def f(self):
        if True:
            # BEGIN SOLUTION
            secret = 2
            # END SOLUTION
        return x + x"""
    assignment = read(double=code(source), double_mistakes=None)
    cells = student.notebook(assignment, SOURCE, SITE)["cells"]
    (stub,) = ("".join(cell["source"]) for cell in cells if cell["id"] == "double")
    assert stub.count("raise NotImplementedError") == 2
    assert "secret" not in stub
    assert "            # your code here\n            raise" in stub


def test_an_assignment_may_ask_for_words_alone(tmp_path):
    kept = {"head", "task-why", "ask-why"}
    assignment = small.read(tmp_path, **{name: None for name in small.CELLS if name not in kept})
    cells = student.notebook(assignment, SOURCE, SITE)["cells"]
    assert {"ask-why", "answer-ask-why"} < {cell["id"] for cell in cells}


def raw(text):
    return "raw", text


def code(text):
    return "code", text


DOUBLE = small.CELLS["double"][1]
TASK = '[task]\nname = "{}"\nkind = "{}"\npoints = 3'


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"head": raw("assignment = 9\ntitle")}, "first cell: expected TOML, got"),
        (
            {"head": raw("assignment = 9")},
            r"first cell: expected \['chapters', 'minutes', 'title'\], got \['assignment'\]",
        ),
        (
            {"head": raw(small.CELLS["head"][1] + "\nmemroy = 1")},
            r"first cell: expected .*'memory'.*, got \['memroy'\]",
        ),
        ({"task_double": raw("[task")}, "cell 'task-double': expected TOML, got"),
        (
            {"task_double": raw("[tsak]")},
            r"cell 'task-double': expected \[task\] or \[\[mistake\]\], got \['tsak'\]",
        ),
        (
            {"task_double": raw('[task]\nname = "double"')},
            r"cell 'task-double': expected \['kind', 'points'\], got \['name'\]",
        ),
        (
            {"task_double": raw(TASK.format("double", "code") + "\nuse = []")},
            r"cell 'task-double': expected .*'uses'.*, got \['use'\]",
        ),
        (
            {"task_double": raw(TASK.format("double", "coding"))},
            r"cell 'task-double': expected a kind of \('code', .*, got 'coding'",
        ),
        (
            {"task_quadruple": raw(TASK.format("double", "code"))},
            "cell 'task-quadruple': expected a new name, got 'double'",
        ),
        (
            {"task_double": raw(TASK.format("a task", "code"))},
            "cell 'task-double': expected a new name, got 'a task'",
        ),
        (
            {"imports": code("#| solution\nx = 1")},
            r"cell 'imports': expected a \[task\] before it, got none",
        ),
        (
            {"double": code(DOUBLE.replace("| solution", "| solutions"))},
            r"cell 'double': expected a role of \('solution', .*, got 'solutions'",
        ),
        (
            {"double_other": code(DOUBLE)},
            "cell 'double-other': expected one cell solution of double, got another",
        ),
        (
            {"double": code(DOUBLE.replace("# BEGIN", "# START"))},
            "cell 'double': expected .* and # END SOLUTION .*, got '    # END SOLUTION'",
        ),
        (
            {"double": code("#| solution\ndef double(x):\n    return x + x")},
            "task 'double': expected # BEGIN SOLUTION … # END SOLUTION",
        ),
        (
            {"double_mistakes": raw('[[mistake]]\nchange = "x - x"\nto = ""\nhint = ""')},
            "cell 'double-mistakes': expected 'x - x' once in the solution of double, got it 0",
        ),
        (
            {"double_mistakes": raw('[[mistake]]\nchange = "x"\nto = "y"\nhint = ""')},
            "expected 'x' once in the solution of double, got it 3 times",
        ),
        (
            {"double_mistakes": raw('[[mistake]]\nchange = "x + x"\nto = "x"')},
            r"cell 'double-mistakes': expected \['hint'\], got \['change', 'to'\]",
        ),
        (
            {"double_mistakes": raw('[[mistake]]\nchange = "x + x"\nhint = "x"')},
            r"cell 'double-mistakes': expected \['to'\], got",
        ),
        (
            {
                "double_mistakes": raw(
                    '[[mistake]]\nchange = "x + x"\nto = ""\nhint = "x"\nhints = 1'
                )
            },
            r"cell 'double-mistakes': expected .*, got \['hints'\]",
        ),
        (
            {"task_double": raw('[[mistake]]\nchange = ""\nto = ""\nhint = ""')},
            r"cell 'task-double': expected \[task\] or \[\[mistake\]\], got \['mistake'\]",
        ),
        (
            {"double": None, "double_mistakes": None},
            "task 'double': expected solution, as a task of kind code has it",
        ),
        ({"double_cases": None}, "task 'double': expected cases, as"),
        ({"guess_score": None}, "task 'guess': expected score, as a task of kind open has it"),
        ({"task_guess": raw(TASK.format("guess", "open"))}, "task 'guess': expected levels, as"),
        (
            {"half": None, "half_mistakes": None},
            "task 'half': expected solution, as a task of kind number has it",
        ),
        ({"task_why": raw(TASK.format("why", "text"))}, "task 'why': expected rubric, as"),
        ({"ask_why": None}, "task 'why': expected Markdown that asks, got none"),
    ],
)
def test_errors_say_where_and_what(read, changed, said):
    with pytest.raises(MasterError, match=f"9_small.ipynb, {'.*' if said[0] == 'e' else ''}{said}"):
        read(**changed)


@pytest.mark.parametrize(
    "slip",
    [
        DOUBLE.replace("#| solution\n", "#| solution \n"),
        DOUBLE.replace("#| solution\n", "#|solution\n"),
        DOUBLE.replace("#| solution\n", "\n#| solution\n"),
        DOUBLE.replace("#| solution\n", ""),
        DOUBLE.replace("    # END", "# END"),
        DOUBLE.replace("# END SOLUTION", "# END SOLUTION "),
        DOUBLE.replace("# BEGIN SOLUTION", "# BEGIN SOLUTION:"),
        DOUBLE + "\n    # BEGIN SOLUTION\n    x = 1\n      # END SOLUTION",
        "#| cases",
    ],
)
def test_a_slip_in_a_mark_gives_no_solution_away(read, slip):
    with pytest.raises(MasterError, match=r"cell 'double': expected #\| with a role in the first"):
        read(double=("code", slip))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"cells": []}',
        '{"cells": [1]}',
        '{"cells": [{}]}',
        '{"cells": 1}',
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "master.ipynb"
    with pytest.raises(MasterError, match=r"master\.ipynb: expected a notebook, got FileNotFound"):
        master.read(path)
    path.write_text(text)
    with pytest.raises(MasterError, match=r"master\.ipynb: expected a notebook, got .*Error"):
        master.read(path)


def test_cells_may_lack_an_id_and_have_lines_as_a_list(tmp_path):
    path = small.write(tmp_path / "master.ipynb")
    book = json.loads(path.read_text())
    for cell in book["cells"]:
        del cell["id"]
        cell["source"] = cell["source"].splitlines(keepends=True)
    path.write_text(json.dumps(book))
    assignment = master.read(path)
    assert list(assignment.tasks) == ["double", "quadruple", "half", "why", "guess"]
    assert assignment.cells[0].id == "cell-2"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def case(rng):\n    yield", "expected a cell that defines cases, got"),
        ("def cases(rng):\n    return []", r"double: expected cases, each with a name .* got \[\]"),
        (
            'def cases(rng):\n    yield "a large one", {}',
            r"each with a name of its own, got \['a large one', 'a large one'\]",
        ),
    ],
)
def test_cases_that_are_none_are_refused(read, source, said):
    task = read(double_cases=("code", f"#| cases\n{source}")).tasks["double"]
    with pytest.raises(MasterError, match=said):
        task.draw(np.random.default_rng(0), hidden=True)
