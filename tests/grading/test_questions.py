import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.grading.master import Case, Task
from lstmlib.grading.questions import Known, Outcome, Question, ask, judge, outcome, outcomes, same

from . import small

TASK = Task("f", "code", 4, "05_lstm", 1e-8)


def question(expected, known=(), task=TASK):
    cases = [Case(f"case {k}", {}) for k in range(len(expected))]
    return Question(task, cases, [Outcome(value) for value in expected], list(known))


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_the_first_case_carries_the_task_and_each_other_an_equal_share(right):
    expected = [float(k + 1) for k in range(len(right))]
    found = [Outcome(value if good else -7.5) for value, good in zip(expected, right, strict=True)]
    verdict = judge(question(expected), found)
    assert verdict.share == (sum(right) / len(right) if right[0] else 0)
    assert verdict.right == all(right)
    assert [not problem for problem in verdict.problems] == right


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (Outcome(1.0), ""),
        (Outcome(error="ValueError: shapes"), "stops with ValueError: shapes"),
        (Outcome(None), "returns None: is there a return?"),
        (Outcome(2.0), "result is 2, which is not right"),
    ],
)
def test_what_is_wrong_is_said(found, problem):
    verdict = judge(question([1.0]), [found])
    assert verdict.problems == [problem]
    assert (verdict.hint, verdict.chapter) == ("", "05_lstm")


def test_nothing_may_be_what_is_expected():
    assert judge(question([None]), [Outcome(None)]).right
    assert judge(question([None]), [Outcome(0)]).problems == ["result should be None, but is 0"]


A = np.arange(1.0, 7.0).reshape(2, 3)
KNOWN = [
    Known(0, Outcome((A.T / 3).astype(np.float32)), "turned", "04_gates", "source 0"),
    Known(1, Outcome(error="ValueError: no"), "stops", "05_lstm"),
    Known(1, Outcome(3 * A), "three times", "06_lstm_backward"),
]


@pytest.mark.parametrize(
    ("first", "second", "hint"),
    [
        (Outcome(A.T / 3), Outcome(A), "turned"),
        (Outcome(A.T / 3 * (1 + 1e-7)), Outcome(A), "turned"),
        (Outcome(A.T / 3 * (1 + 1e-4)), Outcome(A), ""),
        (Outcome(A.T / 3), Outcome(3 * A), "turned"),
        (Outcome(A), Outcome(error="ValueError: no"), "stops"),
        (Outcome(A), Outcome(error="ValueError: yes"), ""),
        (Outcome(error="ValueError: no"), Outcome(A), ""),
        (Outcome(A), Outcome(3 * A), "three times"),
        (Outcome(3 * A), Outcome(A), ""),
        (Outcome(A), Outcome(A), ""),
    ],
)
def test_a_known_mistake_is_recognised_in_the_case_that_shows_it(first, second, hint):
    verdict = judge(question([A, A], KNOWN), [first, second])
    assert verdict.hint == hint
    known = next((known for known in KNOWN if known.hint == hint), None)
    assert verdict.chapter == (known.chapter if known else "05_lstm")
    assert verdict.source == (known.source if known else "")


def test_a_right_answer_is_no_mistake_although_it_is_as_near_as_one():
    near = Known(0, Outcome(A * (1 + 1e-6)), "nearly", "05_lstm")
    assert judge(question([A], [near]), [Outcome(A)]).hint == ""
    assert judge(question([A], [near]), [Outcome(A * (1 + 1e-6))]).hint == "nearly"


def test_errors_are_the_same_if_they_say_the_same():
    assert same(Outcome(error="E: a"), Outcome(error="E: a"), 1e-8)
    assert not same(Outcome(error="E: a"), Outcome(error="E: b"), 1e-8)
    assert not same(Outcome(error="E: a"), Outcome(None), 1e-8)
    assert same(Outcome([1, 2]), Outcome(np.array([1, 2.0])), 1e-8)


def call(function, **arguments):
    return function(**arguments)


def test_a_function_may_change_its_arguments():
    arguments = {"x": np.ones(3), "steps": [1, [2]]}

    def change(x, steps):
        x += 1
        steps[1].append(3)
        return x, steps

    for _ in range(2):
        found = outcome(call, change, arguments)
        assert found.value[0].tolist() == [2, 2, 2]
        assert found.value[1] == [1, [2, 3]]
    assert arguments["x"].tolist() == [1, 1, 1]
    assert arguments["steps"] == [1, [2]]


def test_a_result_does_not_change_afterwards():
    kept = np.zeros(2)

    def same_array_again():
        kept[:] += 1
        return kept

    first, second = (outcome(call, same_array_again, {}) for _ in range(2))
    assert first.value.tolist() == [1, 1]
    assert second.value.tolist() == [2, 2]


@pytest.mark.parametrize("value", [1j, {1: 2}, {1, 2}, b"", object(), [None, (n for n in "ab")]])
def test_what_cannot_be_handed_to_the_grader_is_wrong_in_the_check_too(value):
    found = outcome(call, lambda: value, {})
    assert found.error.startswith("TypeError: expected numbers, strings, lists")


def test_what_the_grader_sees_is_what_the_check_sees():
    found = outcome(call, lambda: (np.str_("a"), np.array(["a", "b"]), np.int8(3)), {})
    assert found.value == ("a", ["a", "b"], 3)
    assert judge(question([("a", ["a", "b"], 3)]), [found]).right


def test_an_error_is_told_and_not_raised():
    def stops():
        raise KeyError("x" * 10_000)

    assert outcome(call, stops, {}).error.startswith("KeyError: 'xxx")
    assert len(outcome(call, stops, {}).error) == 500
    assert outcome(call, lambda: 1, {"x": 1}).error.startswith("TypeError: ")
    assert outcome(call, 3, {}).error == "TypeError: 'int' object is not callable"


def test_a_question_holds_the_mistakes_that_its_cases_show(tmp_path):
    assignment = small.read(tmp_path)
    task = assignment.tasks["double"]
    asked = ask(assignment, task, np.random.default_rng(1), hidden=True)
    assert [case.name for case in asked.cases] == ["a vector", "a matrix", "a large one"]
    assert [known.hint for known in asked.known] == ["That is the square.", "One entry only."]
    for case, expected in zip(asked.cases, asked.expected, strict=True):
        np.testing.assert_array_equal(expected.value, 2 * case.arguments["x"])
    for mistake in task.mistakes:
        verdict = judge(asked, outcomes(assignment, task, mistake.source, asked.cases))
        assert (verdict.hint, verdict.source) == (mistake.hint, mistake.source)
    alternative = outcomes(assignment, task, task.alternatives[0], asked.cases)
    assert judge(asked, alternative).right


def test_mistakes_of_an_earlier_task_are_carried(tmp_path):
    assignment = small.read(tmp_path)
    square = assignment.tasks["double"].mistakes[0].source
    task = assignment.tasks["quadruple"]
    asked = ask(assignment, task, np.random.default_rng(1), used={"double": square})
    assert asked.expected == [Outcome(2.5**4)]


def test_open_tasks_have_cases_and_no_answer(tmp_path):
    assignment = small.read(tmp_path)
    asked = ask(assignment, assignment.tasks["guess"], np.random.default_rng(1))
    assert len(asked.cases) == 1
    assert asked.expected == asked.known == []
