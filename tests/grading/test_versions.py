import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.grading import version

STUDENTS = st.text(min_size=1).filter(str.strip)


# The first numbers of random.Random("half-life:ada") are 0.6269… and 0.4543…, and so on. Were the
# choices ever others, students would be marked by numbers that they were not given.
@pytest.mark.parametrize(
    ("student", "label", "draws"),
    [
        ("ada", "half-life", (626, 454)),
        ("s1234567", "decay", (277, 979)),
        ("José", "räume", (692, 958)),
    ],
)
def test_choices_are_the_same_forever(student, label, draws):
    assert tuple(version(student, label, a=range(1000), b=range(1000)).values()) == draws


@given(STUDENTS, st.text(), st.lists(st.lists(st.integers(), min_size=1), max_size=5))
def test_one_of_each_list_is_chosen_by_the_stream_that_python_promises(student, label, lists):
    choices = {f"name{k}": values for k, values in enumerate(lists)}
    stream = random.Random(f"{label}:{student.strip().lower()}")
    expected = {name: each[int(stream.random() * len(each))] for name, each in choices.items()}
    assert version(student, label, **choices) == expected


@given(STUDENTS, st.sampled_from([" {}", "{} ", "\t{}\n"]))
def test_spaces_and_case_do_not_matter(student, pattern):
    lists = {"a": range(10**6), "b": range(10**6)}
    same = version(student.lower(), "label", **lists)
    assert version(pattern.format(student.lower()), "label", **lists) == same
    assert version("ADA", "label", **lists) == version("ada", "label", **lists)


def test_a_list_more_leaves_the_choices_before_it():
    before = version("ada", "label", a=range(100), b="xyz")
    after = version("ada", "label", a=range(100), b="xyz", c=[1, 2])
    assert {"a": after["a"], "b": after["b"]} == before


def test_students_and_labels_draw_independently():
    names = [f"student{k}" for k in range(400)]
    drawn = {
        label: [version(name, label, a=range(4))["a"] for name in names] for label in ("x", "y")
    }
    for values in drawn.values():
        assert all(70 <= values.count(a) <= 130 for a in range(4))
    both = list(zip(drawn["x"], drawn["y"], strict=True))
    assert all(8 <= both.count((a, b)) <= 45 for a in range(4) for b in range(4))


@pytest.mark.parametrize("student", ["", "  ", "\n", None, 1234567, ...])
def test_a_student_who_is_not_filled_in_is_asked_for(student):
    with pytest.raises(ValueError, match='expected student = "…"') as error:
        version(student, "label", a=[1])
    assert repr(student) in str(error.value)


def test_a_choice_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"expected values to choose b from, got \[\]"):
        version("ada", "label", a=[1], b=[])
