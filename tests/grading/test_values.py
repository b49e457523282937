import base64
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lstmlib.grading.values import BITS, decode, described, encode

DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?"),
)
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
LEAVES = st.none() | st.booleans() | st.integers(-(2**BITS) + 1, 2**BITS - 1)
LEAVES |= st.floats() | st.text(st.characters()) | ARRAYS
VALUES = st.recursive(
    LEAVES,
    lambda parts: st.lists(parts) | st.lists(parts).map(tuple) | st.dictionaries(st.text(), parts),
    max_leaves=12,
)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b or (a != a and b != b)


@given(VALUES)
def test_what_is_encoded_is_decoded_as_it_was(value):
    assert same(decode(json.loads(json.dumps(encode(value)))), value)


@pytest.mark.parametrize("key", ["array", "tuple", "dict", "shape"])
def test_a_dict_is_no_other_value_whatever_its_keys(key):
    for value in ({key: [1]}, {key: {key: "x"}}, {"array": "", "dtype": "<f8", "shape": [0]}):
        assert decode(encode(value)) == value


@given(ARRAYS)
def test_an_array_is_read_in_its_own_order_and_can_be_written(array):
    for view in (array.T, np.asfortranarray(array), array[..., ::-1] if array.ndim else array):
        decoded = decode(encode(view))
        np.testing.assert_array_equal(decoded, view)
        assert decoded.flags.writeable
        assert decoded.flags.owndata


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.int8(-3), -3),
        (np.bool_(True), True),
        (np.str_("ab"), "ab"),
        (np.array(["a", "bc"]), ["a", "bc"]),
        (np.array("ab"), "ab"),
    ],
)
def test_scalars_and_strings_of_numpy_become_those_of_python(value, expected):
    assert same(decode(encode(value)), expected)


@pytest.mark.parametrize(
    "value",
    [
        np.array([None, "x"], dtype=object),
        np.array([1j]),
        np.array(["2026-11-21"], dtype="M8[D]"),
        np.zeros(2, dtype="f4,i4"),
        np.complex128(1),
        1j,
        b"bytes",
        {1, 2},
        {1: "a"},
        [object()],
        ({"f": print},),
        (n for n in range(3)),
        2**BITS,
        -(2**5000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_travel_is_refused(value):
    with pytest.raises(TypeError, match=r"expected .*, got"):
        encode(value)


def test_a_list_within_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(RecursionError):
        encode(value)


def array(dtype="<f8", shape=(1,), data=bytes(8)):
    return {"array": base64.b64encode(data).decode(), "dtype": dtype, "shape": list(shape)}


# NumPy reads some names as Python: "i4,(" is a SyntaxError to it, and a5 a DeprecationWarning.
WRONG_DTYPES = ["O", "|O", "|O8", "<M8[s]", "|V8", "|S8", "<U2", "<c16", "f4,f4", "(2,)f4", "i4,("]
WRONG_DTYPES += ["", "a5", "float", "f8", "<f3", "<f9999999999999999999", "<f8\n", "T", "\ud800"]


@pytest.mark.parametrize("dtype", WRONG_DTYPES)
def test_arrays_of_anything_but_numbers_are_not_made(dtype):
    with pytest.raises(ValueError, match="expected an array"):
        decode(array(dtype))


@pytest.mark.parametrize(
    "shape",
    [
        (-1,),
        (2,),
        (0,),
        (-1, -1),
        (2**31, 2**33),
        (0, 2**80),
        (2**80,),
        (1.0,),
        (True,),
        ("1",),
        (None,),
        ([1],),
        (1,) * 65,
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_are_refused(shape):
    data = b"" if 0 in shape and len(shape) > 1 else bytes(8)
    with pytest.raises(ValueError, match=r"expected|dimension"):
        decode(array(shape=shape, data=data))


@pytest.mark.parametrize("text", ["!", "AAAA AAA=", "A", "é", "AAAAAAAAAAA", "AA==AA=="])
def test_data_that_are_not_base64_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        decode(array() | {"array": text})


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tuple": 3},
        {"dict": []},
        {"array": None, "dtype": "<f8", "shape": [0]},
        {"array": "", "dtype": "<f8"},
        {"array": "", "dtype": "<f8", "shape": 0},
        {"pickle": "gASVAAAAAAAAAAAu"},
        [1, {"tuple": [{"x": 1}]}],
        2**BITS,
        [-(10**400)],
    ],
    ids=str,
)
def test_what_encode_does_not_make_is_refused(data):
    with pytest.raises(ValueError, match="expected"):
        decode(data)


@pytest.mark.parametrize(
    "wrap", [lambda d: [d], lambda d: {"tuple": [d]}, lambda d: {"dict": {"": d}}]
)
def test_deep_nesting_ends(wrap):
    data = 0
    for _ in range(100_000):
        data = wrap(data)
    with pytest.raises(RecursionError):
        decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: (
        st.lists(parts)
        | st.dictionaries(st.sampled_from(["array", "dtype", "shape", "tuple", "dict"]), parts)
        | st.fixed_dictionaries(
            {
                "array": st.text() | st.binary().map(lambda b: base64.b64encode(b).decode()),
                "dtype": st.text() | st.sampled_from([*WRONG_DTYPES, "<f8", "|u1", "<f16"]),
                "shape": st.lists(st.integers() | parts),
            }
        )
    ),
)


@given(JSON)
@example({"array": "", "dtype": "i4,(", "shape": [0]})
def test_no_json_is_more_than_refused(data):
    try:
        value = decode(data)
    except ValueError:
        return
    assert same(decode(encode(value)), value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 2)), "an array of shape (3, 2)"),
        (np.array([None]), "an array of shape (1,) of object"),
        (None, "None"),
        ((1, 2), "a tuple of length 2"),
        ([], "a list of length 0"),
        ({"a": 1}, "a dict of length 1"),
        ("abc", "a str of length 3"),
        (1.5, "a value of type float"),
    ],
)
def test_values_in_words(value, text):
    assert described(value) == text
