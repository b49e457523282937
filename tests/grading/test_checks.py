import base64
import json
import zlib

import numpy as np
import pytest

from lstmlib.grading import unpack
from lstmlib.grading.checks import is_number, pack, single
from lstmlib.grading.questions import judge
from lstmlib.grading.student import questions

from . import small
from .notebooks import SITE


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return questions(small.read(tmp_path_factory.mktemp("master")))


@pytest.fixture
def check(asked):
    return unpack(pack(asked), SITE)


@pytest.fixture
def told(check, capsys):
    def told(name, answer):
        check(name, answer)
        return capsys.readouterr().out.splitlines()

    return told


def to_be_written(x):
    raise NotImplementedError


def right_for_vectors(x):
    return 2 * x if x.ndim == 1 else x


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x + x, ["double: right, in 2 cases."]),
        (lambda x: (2 * x).tolist(), ["double: right, in 2 cases."]),
        (to_be_written, ["double: still to be written."]),
        (
            lambda x: x * x,
            [
                'double: not yet right, in the case "a vector": result has the right shape, but 3 '
                "of its 3 numbers are wrong.",
                "  Hint: That is the square.",
                f"  To reread: {SITE}/chapters/04_gates.html#sec-square",
            ],
        ),
        (
            lambda x: (2 * x)[0],
            [
                'double: not yet right, in the case "a vector": result should be an array of shape '
                "(3,), but is a number.",
                "  Hint: One entry only.",
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
        (
            right_for_vectors,
            [
                'double: not yet right, in the case "a matrix": result has the right shape, but is '
                "0.5 times what it should be.",
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
        (
            lambda x: None,
            [
                'double: not yet right, in the case "a vector": returns None: is there a return?',
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
        (
            lambda x: x + np.ones(7),
            [
                'double: not yet right, in the case "a vector": stops with ValueError: operands '
                "could not be broadcast together with shapes (3,) (7,).",
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
        (
            lambda y: y,
            [
                'double: not yet right, in the case "a vector": stops with TypeError: <lambda>() '
                "got an unexpected keyword argument 'x'.",
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
        (
            3.5,
            [
                'double: not yet right, in the case "a vector": stops with TypeError: '
                "'float' object is not callable.",
                f"  To reread: {SITE}/chapters/05_lstm.html",
            ],
        ),
    ],
)
def test_what_a_student_reads_of_a_function(told, function, said):
    assert told("double", function) == said


def test_what_a_task_uses_is_named_where_the_mistake_is_not_known(told):
    assert told("quadruple", lambda x: 4 * x) == ["quadruple: right, in 1 case."]
    assert told("quadruple", lambda x: x) == [
        'quadruple: not yet right, in the case "a number": result is 2.5, which is not right.',
        "  It uses double: run the check of that first, since a mistake there shows here.",
        f"  To reread: {SITE}/chapters/06_lstm_backward.html#sec-four",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "half: still to be answered."),
        (
            0.12345678,
            "half: 0.123457 is noted (0.1 % off still counts). "
            "It is marked when you have handed in.",
        ),
        (7, "half: 7 is noted (0.1 % off still counts). It is marked when you have handed in."),
        (
            np.float32(0.5),
            "half: 0.5 is noted (0.1 % off still counts). It is marked when you have handed in.",
        ),
        (
            np.int64(-3),
            "half: -3 is noted (0.1 % off still counts). It is marked when you have handed in.",
        ),
        ("7", "half: expected a finite number, got a str of length 1."),
        (None, "half: expected a finite number, got None."),
        (np.ones(1), "half: expected a finite number, got an array of shape (1,)."),
        (np.array(1.0), "half: expected a finite number, got an array of shape ()."),
        (True, "half: expected a finite number, got a value of type bool."),
        (np.nan, "half: expected a finite number, got nan."),
        (np.float32(-np.inf), "half: expected a finite number, got -inf."),
        (1j, "half: expected a finite number, got a value of type complex."),
        (np.complex64(1), "half: expected a finite number, got a value of type complex64."),
        (10**400, "half: expected a finite number, got a value of type int."),
    ],
)
def test_what_a_student_reads_of_a_number(told, answer, said):
    assert told("half", answer) == [said]
    assert is_number(answer) == said.endswith("handed in.")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x > 1, 'guess: runs, and in the case "signs" returns an array of shape (20,).'),
        (to_be_written, "guess: still to be written."),
        (lambda x: 1 / 0, 'guess: in the case "signs", stops with ZeroDivisionError: division by '),
        (lambda x: {1, 2}, 'guess: in the case "signs", stops with TypeError: expected numbers, '),
    ],
)
def test_what_a_student_reads_of_an_open_task(told, function, said):
    (line,) = told("guess", function)
    assert line.startswith(said)


@pytest.mark.parametrize("name", ["triple", "why", ""])
def test_an_unknown_name_is_refused(check, name):
    with pytest.raises(ValueError, match=r"expected one of \['double', 'guess', 'half', 'quadrupl"):
        check(name, len)


def test_an_example_is_the_first_case_and_may_be_changed(check, told):
    first = check.example("double")
    assert list(first) == ["x"]
    assert first["x"].shape == (3,)
    first["x"] *= 0
    first["y"] = 1
    assert check.example("double")["x"].all()
    assert told("double", lambda x: 2 * x) == ["double: right, in 2 cases."]


def test_a_function_that_changes_its_arguments_harms_no_later_check(told):
    def doubled(x):
        x *= 2
        return x

    for _ in range(3):
        assert told("double", doubled) == ["double: right, in 2 cases."]


def test_a_function_that_always_returns_the_same_array_is_wrong(told):
    kept = np.zeros(3)

    def into(x):
        np.copyto(kept, 2 * x if x.ndim == 1 else 0)
        return kept

    assert "a matrix" in told("double", into)[0]


def test_packing_keeps_what_the_checks_need(asked, check):
    for name, question in asked.items():
        again = check.questions[name]
        assert [case.name for case in again.cases] == [case.name for case in question.cases]
        assert [k.hint for k in again.known] == [k.hint for k in question.known]
        for key in ("name", "kind", "points", "chapter", "tolerance", "uses", "call"):
            assert getattr(again.task, key) == getattr(question.task, key)
        if question.expected:
            assert judge(again, question.expected).right
            for known in question.known:
                found = list(question.expected)
                found[known.case] = known.outcome
                assert judge(again, found).hint == known.hint


def test_what_is_packed_holds_nothing_to_hide(asked):
    text = zlib.decompress(base64.b64decode(pack(asked))).decode()
    data = json.loads(text)
    assert {key for part in data for key in part["task"]}.isdisjoint(
        {"solution", "hidden", "score", "mistakes", "alternatives", "rubric", "answer"}
    )
    for hidden in ("x + x", "x * x", "large one", "SOLUTION", '"secret"'):
        assert hidden not in text
    assert next(part for part in data if part["task"]["name"] == "guess")["expected"] == []
    assert next(part for part in data if part["task"]["name"] == "half")["cases"] == []


def test_packing_is_the_same_every_time_and_lines_may_break_it(asked):
    text = pack(asked)
    assert text == pack(asked)
    broken = "\n".join(text[k : k + 96] for k in range(0, len(text), 96))
    assert list(unpack(f"\n{broken}\n", SITE).questions) == list(asked)


def test_single_precision_is_for_arrays_of_floats_at_any_depth():
    value = {"a": (np.ones(2), [np.arange(2), 1.5, None]), "b": np.array([1e300])}
    kept = single(value)
    assert kept["a"][0].dtype == np.float32
    assert kept["a"][1][0].dtype == np.arange(2).dtype
    assert kept["a"][1][1:] == [1.5, None]
    assert np.isinf(kept["b"]).all()
