import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.grading import student
from lstmlib.grading.submissions import (
    LARGEST,
    LONGEST,
    UnreadableError,
    find,
    read,
    readable,
    whose,
)


@pytest.mark.parametrize(
    ("file", "student", "late"),
    [
        # Canvas
        ("doejane_12345_678910_4_lstm.ipynb", "doejane", False),
        ("doejane_LATE_12345_678910_4_lstm-1.ipynb", "doejane", True),
        ("all/o'neil-smithjosé_1_2_a.pdf", "o'neil-smithjosé", False),
        # Moodle, files and folders
        ("Jane Doe_1234567_assignsubmission_file_4_lstm.ipynb", "Jane Doe", False),
        ("Jane Doe_1234567_assignsubmission_file/4_lstm.ipynb", "Jane Doe", False),
        ("Jane Doe_1234567_assignsubmission_file_/sub/my work.ipynb", "Jane Doe", False),
        # Blackboard
        ("4_lstm_jdoe_attempt_2026-11-21-10-15-00_4_lstm.ipynb", "jdoe", False),
        ("4 lstm_jdoe_attempt_2026-11-21-10-15-00.txt", "jdoe", False),
        # Brightspace
        ("12345-67890 - Jane Doe - Nov 21, 2026 1015 AM - 4_lstm.ipynb", "Jane Doe", False),
        ("12345-67890 - Jane Doe - Nov 21, 2026 1015 AM/4_lstm.ipynb", "4_lstm", False),
        # plain
        ("ada.ipynb", "ada", False),
        ("group 1/ada.lovelace.ipynb", "ada.lovelace", False),
        ("4_lstm.ipynb", "4_lstm", False),
        (".DS_Store", ".DS_Store", False),
    ],
)
def test_whose_a_file_is(file, student, late):
    assert whose(file) == (student, late)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=255))
def test_every_name_is_somebodys(name):
    student, late = whose(name)
    assert isinstance(student, str)
    assert isinstance(late, bool)


def test_every_file_is_found_whatever_it_is(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "b" / "bob.ipynb").write_text("{}")
    (tmp_path / "a.ipynb").write_text("{}")
    (tmp_path / "c.pdf").write_bytes(b"%PDF")
    os.mkfifo(tmp_path / "d")
    (tmp_path / "e").symlink_to("nowhere")
    (tmp_path / "f").symlink_to(tmp_path / "b")
    (tmp_path / ".hidden").touch()
    found = list(find(tmp_path))
    files = [".hidden", "a.ipynb", "b/bob.ipynb", "c.pdf", "d", "e", "f"]
    assert [one.file for one in found] == files
    assert [one.student for one in found][1:3] == ["a", "bob"]
    assert [one.path.name for one in found][2] == "bob.ipynb"


def test_names_that_are_no_text_are_written_in_letters(tmp_path):
    names = [b"\xff.ipynb", b"\xfe.ipynb", b"line\nbreak\x1b[31m.ipynb", "Zoë 王.ipynb".encode()]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    found = list(find(tmp_path))
    assert {one.file for one in found} == {
        r"\xff.ipynb",
        r"\xfe.ipynb",
        r"line\nbreak\x1b[31m.ipynb",
        "Zoë 王.ipynb",
    }
    for one in found:
        assert one.path.exists()
        one.file.encode()


@given(st.binary(min_size=1))
def test_readable_names_are_printable_and_differ(name):
    text = readable(os.fsdecode(name))
    assert text.isprintable()
    assert text.encode()
    assert text != readable(os.fsdecode(name + b"\xff"))


def cell(source, kind="code", **more):
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


@pytest.fixture
def written(tmp_path):
    def written(content):
        path = tmp_path / "submission.ipynb"
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        path.write_bytes(content)
        return path

    return written


def test_sources_are_strings_or_lists_of_lines(written):
    cells = [cell("x = 1\ny = 2"), cell(["x = 1\n", "y = 2"]), cell([]), cell("# no", "markdown")]
    cells += [cell("raw", "raw"), {"cell_type": "code", "source": "z", "outputs": [{}]}]
    notebook = read(written({"cells": cells}), [])
    assert notebook.code == ["x = 1\ny = 2", "x = 1\ny = 2", "", "z"]
    assert notebook.answers == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_editors_may_save_in_their_own_way(written, encoding):
    text = json.dumps({"cells": [cell("x = 'é王'")]}, ensure_ascii=False)
    assert read(written(text.encode(encoding)), []).code == ["x = 'é王'"]


MARK = "<!-- answer: why -->\n"


@pytest.mark.parametrize(
    "cells",
    [
        [cell(MARK + "It *is*.", "markdown")],
        [cell("It *is*.", "markdown", metadata={"answer": "why"})],
        [cell(["  It *is*.\n", "\n"], "markdown", metadata={"answer": "why"})],
        [cell(f"It {MARK.strip()}*is*.", "markdown"), cell("other", "markdown")],
        [cell("It *is*.", "markdown", metadata={"answer": "why"}), cell(MARK, "markdown")],
        [cell("a", "markdown", metadata=None), cell(MARK + "It *is*.", "markdown")],
        [cell("a", "markdown", metadata={"answer": ["why"]}), cell(MARK + "It *is*.", "markdown")],
    ],
)
def test_an_answer_is_found_by_its_mark_or_its_cell(written, cells):
    assert read(written({"cells": cells}), ["why", "how"]).answers == {"why": "It *is*."}


def test_a_cell_that_was_split_is_one_answer(written):
    first, second = (cell(text, "markdown", metadata={"answer": "why"}) for text in "ab")
    path = written({"cells": [first, cell("x"), second]})
    assert read(path, ["why"]).answers == {"why": "a\n\nb"}


def test_an_answer_is_no_longer_than_a_spreadsheet_takes(written):
    answer = cell("a" * 10**6, "markdown", metadata={"answer": "why"})
    answers = read(written({"cells": [answer, answer]}), ["why"]).answers
    assert answers == {"why": "a" * LONGEST}


def test_halves_of_characters_become_what_can_be_written(written):
    cells = [cell("x = '\ud800'"), cell(MARK + "\udfff!", "markdown")]
    notebook = read(written({"cells": cells}), ["why"])
    assert notebook.code == [r"x = '\ud800'"]
    assert notebook.answers == {"why": r"\udfff!"}


def test_an_answer_to_no_task_is_none(written):
    assert read(written({"cells": [cell(MARK + "x", "markdown")]}), ["how"]).answers == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7 \xff\xfe", "a PDF"),
        (b"PK\x03\x04\x00", "a zip archive or an office document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"\n <!doctype html>", "a web page"),
        (b'{"cells": [', "broken JSON"),
        (b'{"cells": ' + b"[" * 100_000, "broken JSON"),
        (b'{"cells": [' + b"9" * 5000 + b"]}", "broken JSON"),
        (b"import numpy as np\n", "something else"),
        (b"\x00\xff\x00", "something else"),
        (b"{}", "JSON that is none"),
        (b"[]", "JSON that is none"),
        (b"3", "JSON that is none"),
        (b'"cells"', "JSON that is none"),
        (b"null", "JSON that is none"),
        ({"cells": None}, "JSON that is none"),
        ({"cells": 3}, "JSON that is none"),
        ({"cells": {"a": 1}}, "JSON that is none"),
        ({"cells": [3]}, "JSON that is none"),
        ({"cells": [[]]}, "JSON that is none"),
        ({"cells": [{"cell_type": "code"}]}, "JSON that is none"),
        ({"cells": [{"source": "x"}]}, "JSON that is none"),
        ({"cells": [cell(3)]}, "JSON that is none"),
        ({"cells": [cell([3])]}, "JSON that is none"),
        ({"cells": [cell("x", "markdown", metadata=[1])]}, "JSON that is none"),
        ({"worksheets": [{"cells": []}]}, "JSON that is none"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_notebook_is_said(written, content, said):
    with pytest.raises(UnreadableError) as error:
        read(written(content), ["why"])
    assert str(error.value) == f"expected a notebook, got {said}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda parts: (
        st.lists(parts)
        | st.dictionaries(
            st.sampled_from(["cells", "cell_type", "source", "metadata", "answer"]), parts
        )
    ),
)


@given(content=st.fixed_dictionaries({"cells": JSON}) | JSON)
def test_no_json_is_more_than_unreadable(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.ipynb"
    path.write_text(json.dumps(content))
    try:
        notebook = read(path, ["why"])
    except UnreadableError:
        return
    assert all(isinstance(source, str) for source in notebook.code)


@given(content=st.binary())
def test_no_file_is_more_than_unreadable(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.ipynb"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match="expected a notebook, got"):
        read(path, ["why"])


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.ipynb"
    with path.open("wb") as file:
        file.truncate(40 * LARGEST)
    with pytest.raises(UnreadableError, match="at most 16 MB, got 640 MB: with its outputs"):
        read(path, [])


def test_what_is_no_file_is_not_read(tmp_path, written):
    real = written({"cells": []})
    link, pipe = tmp_path / "link.ipynb", tmp_path / "pipe.ipynb"
    link.symlink_to(real)
    os.mkfifo(pipe)
    (tmp_path / "broken.ipynb").symlink_to("nowhere")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    for path, said in {
        link: "a link",
        tmp_path / "broken.ipynb": "a link",
        tmp_path / "loop.ipynb": "a link",
        pipe: "something that is not a file",
        tmp_path: "something that is not a file",
        tmp_path / "none.ipynb": "not readable (No such file or directory)",
    }.items():
        with pytest.raises(UnreadableError) as error:
            read(path, [])
        assert str(error.value) == f"expected a notebook, got {said}"
    assert read(real, []).code == []


def test_cells_that_are_not_to_be_graded_keep_their_place(tmp_path):
    cells = ["a = 1", "# Not run when graded.\nb = 2", 'check("a", a)', "c = 3"]
    book = {"cells": [student.code(f"cell-{k}", source) for k, source in enumerate(cells)]}
    student.write(tmp_path / "book.ipynb", book)
    assert read(tmp_path / "book.ipynb", []).code == ["a = 1", "", "", "c = 3"]
