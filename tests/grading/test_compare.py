import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lstmlib.grading.compare import difference
from lstmlib.grading.values import decode, encode

from .test_values import ARRAYS, VALUES

rng = np.random.default_rng(0)
A = rng.normal(size=(3, 4))
SQUARE = rng.normal(size=(3, 3))
TABLE = "result should be an array of shape (3, 4), but is "
SHAPE = "result has the right shape, but "
FLOATS = arrays.arrays(
    float,
    arrays.array_shapes(max_side=4),
    elements=st.floats(-10, 10).filter(lambda x: x == 0 or abs(x) > 1e-3),
)


@pytest.mark.parametrize(
    ("returned", "expected", "said"),
    [
        # arrays: the shape
        (A.T, A, TABLE + "an array of shape (4, 3): is it transposed?"),
        (A[0], A, TABLE + "an array of shape (4,)"),
        (A[None], A, TABLE + "an array of shape (1, 3, 4)"),
        (1.5, A, TABLE + "a number"),
        ((A, A), A, TABLE + "an array of shape (2, 3, 4)"),
        ([[1], [2, 3]], A, TABLE + "a list of length 2"),
        ("abc", A, TABLE + "a str of length 3"),
        ({"a": 1}, A, TABLE + "a dict of length 1"),
        (None, A, TABLE + "None"),
        # arrays: the numbers
        (SQUARE.T, SQUARE, SHAPE + "is transposed"),
        (-A, A, SHAPE + "has the wrong sign"),
        (0 * A, A, SHAPE + "is 0 throughout"),
        (A / 3, A, SHAPE + "is 0.33333 times what it should be"),
        (-2 * A, A, SHAPE + "is -2 times what it should be"),
        (1.00012 * A, A, SHAPE + "is 1.0001 times what it should be"),
        (
            A.astype(np.float32),
            A,
            SHAPE + "agrees to a few digits only: single precision, a difference quotient, "
            "or something small added?",
        ),
        (np.where(A > 1, np.nan, A + 1), A, SHAPE + "contains NaN"),
        (np.where(A > 1, np.inf, A + 1), A, SHAPE + "contains infinite numbers"),
        (A + np.eye(3, 4), A, SHAPE + "3 of its 12 numbers are wrong"),
        ([1.0, np.nan, 3.0], np.array([1.0, np.nan, 2.0]), SHAPE + "1 of its 3 numbers is wrong"),
        ([1.0, np.inf, 3.0], np.array([1.0, -np.inf, 3.0]), SHAPE + "1 of its 3 numbers is wrong"),
        ([0.0, 1e-10], np.zeros(2), SHAPE + "1 of its 2 numbers is wrong"),
        # numbers
        (3, 2, "result is 3, which is not right"),
        (-2, 2.0, "result has the wrong sign"),
        (0, 2.0, "result is 0, which is not right"),
        (np.nan, 2.0, "result is NaN"),
        (-np.inf, 2.0, "result is infinite"),
        (2**80, 2.0, "result is 1.20893e+24, which is not right"),
        (False, True, "result is 0, which is not right"),
        ("2", 2, "result should be a number, but is a str of length 1"),
        ([2], 2, "result should be a number, but is an array of shape (1,)"),
        # lists and tuples
        ((1, 2), [1, 2, 3], "result should be a list of 3, but is a tuple of length 2"),
        (5, (1, 2), "result should be a tuple of 2, but is a value of type int"),
        ("ab", ["a", "b"], "result should be a list of 2, but is a str of length 2"),
        (None, [1], "result should be a list of 1, but is None"),
        ((A, A), (A, -A), "result[1] has the right shape, but has the wrong sign"),
        (
            (A, (1, A)),
            [A, [1, A.T]],
            "result[1][1] should be an array of shape (4, 3), but is an array of shape (3, 4): is "
            "it transposed?",
        ),
        # dicts
        ([1], {"a": 1}, "result should be a dict, but is a list of length 1"),
        ({"b": 1}, {"a": 1}, "result should have the keys ['a'], but has ['b']"),
        ({1: 1, "a": 2}, {"a": 1}, "result should have the keys ['a'], but has [1, 'a']"),
        ({"b" * 99: 1}, {"a": 1}, "result should have the keys ['a'], but has a list of length 1"),
        (
            {"a": 1, "b": (0, 2)},
            {"b": (0, 1), "a": 1},
            "result['b'][1] is 2, which is not right",
        ),
        # strings and None
        ("ba", "ab", "result should be 'ab', but is 'ba'"),
        ("b" * 99, "ab", "result should be 'ab', but is a str of length 99"),
        (1, "1", "result should be '1', but is 1"),
        (A, "ab", "result should be 'ab', but is an array of shape (3, 4)"),
        ("None", None, "result should be None, but is 'None'"),
        (0, None, "result should be None, but is 0"),
    ],
)
def test_what_is_said(returned, expected, said):
    assert difference(returned, expected, 1e-8) == said


@given(VALUES)
def test_what_is_expected_is_right(value):
    assert difference(decode(json.loads(json.dumps(encode(value)))), value, 1e-8) == ""


@given(FLOATS, st.floats(1e-10, 0.1))
def test_entries_may_be_off_by_the_tolerance_times_the_largest(expected, tolerance):
    scale = np.abs(expected).max()
    off = np.random.default_rng(0).choice([-1, 1], size=expected.shape) * tolerance * scale
    assert difference(expected + 0.99 * off, expected, tolerance) == ""
    if scale:
        assert difference(expected + 1.01 * off, expected, tolerance)


@given(FLOATS)
def test_lists_tuples_and_arrays_of_the_same_numbers_are_the_same(array):
    def tuples(part):
        return tuple(map(tuples, part)) if isinstance(part, list) else part

    forms = [array, array.tolist(), tuples(array.tolist()), list(array)]
    for returned in forms:
        for expected in forms:
            assert difference(returned, expected, 1e-8) == ""


def test_kinds_of_numbers_are_the_same():
    for returned in (1, 1.0, True, np.float32(1), np.int8(1), np.array(1)):
        for expected in (1, 1.0, True, np.array(1.0)):
            assert difference(returned, expected, 1e-8) == ""
    array = np.array([[1, 0], [0, 1]])
    assert difference(array.astype(bool), array.astype(float), 1e-8) == ""


def test_places_without_a_finite_number_are_compared_as_they_are():
    expected = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert difference(expected.tolist(), expected, 1e-8) == ""
    for k in range(3):
        wrong = expected.copy()
        wrong[k] = 1.0
        assert difference(wrong, expected, 1e-8)
        assert difference(expected, wrong, 1e-8)


def test_an_empty_result_has_a_shape_too():
    assert difference(np.zeros((0, 3)), np.zeros((0, 3)), 1e-8) == ""
    assert difference([], np.zeros(0), 1e-8) == ""
    assert "shape (0, 3)" in difference(np.zeros((3, 0)), np.zeros((0, 3)), 1e-8)


def test_statistics_are_said_to_be_turned_up_to_their_tolerance():
    noise = 0.005 * np.random.default_rng(1).normal(size=(3, 3))
    assert "is transposed" in difference(SQUARE.T + noise, SQUARE, 0.03)
    assert "wrong sign" in difference(noise - SQUARE, SQUARE, 0.03)


NUMBERS = st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | st.none() | st.text()
ANYTHING = VALUES | ARRAYS | st.recursive(NUMBERS, st.lists) | st.lists(ARRAYS)


@given(ANYTHING, ANYTHING)
def test_whatever_is_returned_is_compared(returned, expected):
    assert isinstance(difference(returned, expected, 1e-8), str)


@given(st.data())
def test_whatever_numbers_are_returned_are_compared(data):
    shape = data.draw(arrays.array_shapes(min_dims=0, min_side=0, max_side=3))
    kinds = (float, int, bool, np.longdouble, np.float16, np.uint64)
    a, b = (data.draw(arrays.arrays(data.draw(st.sampled_from(kinds)), shape)) for _ in range(2))
    assert (difference(a, b, 1e-8) == "") >= np.array_equal(a, b, equal_nan=True)


def test_deep_and_endless_values_are_compared():
    deep = 0
    for _ in range(400):
        deep = [deep]
    for expected in (A, 1.0, "a", None, [1], {"a": 1}):
        assert difference(deep, expected, 1e-8)
    for number in (10**400, -(2**2000), [10**400], [1.5, 10**400], [[2**70, 1]]):
        assert difference(number, 1.0, 1e-8)
        assert difference(number, A, 1e-8)
