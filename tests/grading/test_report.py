import csv
import json
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lstmlib.grading import report
from lstmlib.grading.grade import GradingError, Mark, Row
from lstmlib.grading.report import UNTOUCHED, WRITTEN, plain, safe, write_all

from . import small
from .notebooks import SITE

NAMES = ["double", "quadruple", "half", "why", "guess"]


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return small.read(tmp_path_factory.mktemp("master"))


def row(file="ada.ipynb", student="ada", answer="Because.", score=0.5, **more):
    marks = {
        "double": Mark(
            1.5,
            "a large one: stops with IndexError: hidden case (and 1 more of 3 cases)",
            "right in the cases that your check has, but not in all others",
            "Look at <b>.",
            "05_lstm#sec-lstm-step",
            problems={"a large one": "expected 42"},
        ),
        "quadruple": Mark(2, said="right", chapter="05_lstm"),
        "half": Mark(0.0, "expected 31.5, got 3", "not right", chapter="05_lstm"),
        "why": Mark(None),
        "guess": Mark(1, "reaches 0.5", "reaches 0.5", chapter="05_lstm", score=score),
    }
    return Row(file, student, more.pop("late", False), marks=marks, answers={"why": answer}, **more)


def unreadable(file="bob.pdf"):
    said = "expected a notebook, got a PDF"
    return Row(file, "bob", False, said, {name: Mark() for name in NAMES})


def cells(path):
    """Read a table as pandas or a spreadsheet would."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def reported(assignment, tmp_path):
    def reported(*rows):
        write_all(assignment, rows, tmp_path, SITE, {"seed": 7})
        return tmp_path

    return reported


def test_marks_as_a_table(reported):
    rows = [row(late=True, version="A1"), row("zoe.ipynb", "zoe", version=" a1"), unreadable()]
    ada, bob, zoe = cells(reported(*rows) / "marks.csv")
    head = ["student", "number", "file", "status", *NAMES]
    assert list(ada) == [*head, "points", "possible", "to mark", "reasons"]
    assert (ada["student"], ada["number"]) == ("ada", "A1")
    assert [ada[name] for name in NAMES] == ["1.5", "2", "0", "", "1"]
    assert (ada["points"], ada["possible"], ada["to mark"]) == ("4.5", "13", "1")
    assert ada["reasons"].startswith("late, 2 files with the student number 'A1'; double: a large")
    assert "half: expected 31.5, got 3" in ada["reasons"]
    assert zoe["reasons"].startswith("2 files with the student number ' a1'; ")
    assert bob["status"] == "expected a notebook, got a PDF"
    assert [bob[name] for name in NAMES] == ["0"] * 5
    assert bob["to mark"] == "0"


def test_marks_as_json(reported):
    folder = reported(row("b.ipynb", "é"), row("a.ipynb", "é"))
    data = json.loads((folder / "marks.json").read_text(encoding="utf-8"))
    assert data["run"] == {"seed": 7}
    assert [one["file"] for one in data["rows"]] == ["a.ipynb", "b.ipynb"]
    first = data["rows"][0]
    assert first["student"] == "é"
    assert first["remark"] == "2 files of this student"
    assert first["marks"]["double"]["problems"] == {"a large one": "expected 42"}
    assert first["marks"]["why"]["points"] is None


def test_halves_of_characters_stop_no_report(reported):
    half = "\ud800"
    folder = reported(row(f"{half}.ipynb", half, half, errors={"0": half}, version=half))
    data = json.loads((folder / "marks.json").read_bytes())
    assert data["rows"][0]["student"] == "\ud800"
    for name in ("marks.csv", "written.csv", "leaderboard.csv"):
        assert r"\ud800" in (folder / name).read_text(encoding="utf-8-sig")
    (page,) = (folder / "feedback").iterdir()
    assert r"\ud800" in page.read_text(encoding="utf-8")


def fill(path, points, remark="", *, delimiter=",", encoding="utf-8-sig", columns=WRITTEN):
    """Mark by hand, as a spreadsheet saves it; ``points`` are those of each row."""
    entries = cells(path)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter, extrasaction="ignore")
        writer.writeheader()
        for entry, given in zip(entries, points, strict=True):
            writer.writerow(entry | {"points": given, "remark": remark})


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"encoding": "utf-8"},
        {"delimiter": ";"},
        {"delimiter": ";", "encoding": "utf-8"},
        {"delimiter": "\t"},
        {"columns": ("points", "task", "remark", "file")},
        {"columns": (*WRITTEN, "note")},
    ],
)
def test_marks_given_by_hand_are_counted_and_kept(reported, saved):
    answer = 'Because; "it",\nis\r\nso\u2028and\x0cso.'
    rows = [row("=1.ipynb", answer=answer), row("'=2.ipynb", answer="; , x"), row("3\u2028.ipynb")]
    folder = reported(*rows)
    files = [plain(entry["file"]) for entry in cells(folder / "written.csv")]
    assert sorted(files) == sorted(one.file for one in rows)
    assert [entry["points"] for entry in cells(folder / "written.csv")] == ["", "", ""]
    given = {"=1.ipynb": "2,5", "'=2.ipynb": " 0 ", "3\u2028.ipynb": ""}
    remark = "-1: good; but, 'é'\nmore"
    fill(folder / "written.csv", [given[file] for file in files], remark, **saved)
    for _ in range(2):  # a second run finds what the first has written
        reported(*rows)
        written = {plain(entry["file"]): entry for entry in cells(folder / "written.csv")}
        marks = {plain(entry["file"]): entry for entry in cells(folder / "marks.csv")}
        for file, points in {"=1.ipynb": "2.5", "'=2.ipynb": "0", "3\u2028.ipynb": ""}.items():
            assert written[file]["points"] == marks[file]["why"] == points
        assert plain(written["=1.ipynb"]["remark"]) == remark
        assert written["=1.ipynb"]["answer"] == answer
        assert marks["=1.ipynb"]["points"] == "7"
        assert marks["=1.ipynb"]["to mark"] == "0"
        assert marks["3\u2028.ipynb"]["to mark"] == "1"
    page = (folder / "feedback" / "=1.ipynb.html").read_text(encoding="utf-8")
    assert "why: 2.5 of 3" in page
    assert "good; but, &#x27;é&#x27;" in page


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from([0, 1.25, 3]))
@example("'=cmd", 3)
@example("''", 0)
@example("\r\n", 1.25)
def test_any_answer_and_remark_come_back(assignment, tmp_path_factory, text, points):
    folder = tmp_path_factory.mktemp("any")
    assume(text not in UNTOUCHED)
    rows = [row(f"{k}{text}", answer=text) for k in range(2)]
    path = folder / "written.csv"
    report.written(assignment, rows, path)
    fill(path, [str(points), ""], text)
    for _ in range(2):
        (mark,) = report.written(assignment, rows, path).values()
        assert (mark.points, mark.said) == (points, plain(text))
    assert [plain(entry["answer"]) for entry in cells(path)] == [text, text]


@pytest.mark.parametrize("answer", UNTOUCHED)
def test_what_is_not_answered_needs_no_marking(reported, answer):
    folder = reported(row(answer=answer), unreadable())
    (entry,) = cells(folder / "written.csv")
    assert (entry["points"], entry["remark"]) == ("0", "not answered")
    assert cells(folder / "marks.csv")[0]["to mark"] == "0"


def test_marks_of_files_that_are_gone_are_not_lost(reported):
    folder = reported(row(), row("bea.ipynb", "bea"))
    fill(folder / "written.csv", ["1", "2"], "kept")
    reported(row())
    reported(unreadable("ada.ipynb"))
    reported(row(), row("bea.ipynb", "bea"))
    assert [entry["points"] for entry in cells(folder / "written.csv")] == ["1", "2"]
    assert [entry["remark"] for entry in cells(folder / "written.csv")] == ["kept", "kept"]


@pytest.mark.parametrize("given", ["4", "-1", "3.01", "two", "nan", "inf", "1/2", "50%"])
def test_a_mark_that_is_none_is_refused_and_nothing_lost(reported, given):
    folder = reported(row(), row("bea.ipynb", "bea"))
    fill(folder / "written.csv", ["1", given])
    before = (folder / "written.csv").read_bytes()
    with pytest.raises(GradingError) as error:
        reported(row(), row("bea.ipynb", "bea"))
    said = f"row 3: expected points from 0 to 3 for why of bea.ipynb, got {given!r}"
    assert str(error.value) == f"{folder / 'written.csv'}, {said}"
    assert (folder / "written.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,task,points\nada.ipynb,why,3\n", r"expected the columns file, .* no \['remark'\]"),
        (b"PK\x03\x04\xff\xfe\x00", "expected a table in UTF-8, got another encoding: save it as"),
        ("file,task,points,remark\nada,why,1,schön\n".encode("latin-1"), "in UTF-8, got another"),
        (b"file,task,points,remark\n" + b"x" * 200_000, "expected a table, got field larger"),
    ],
)
def test_a_table_that_is_none_is_refused(reported, tmp_path, content, said):
    (tmp_path / "written.csv").write_bytes(content)
    with pytest.raises(GradingError, match=said):
        reported(row())
    assert (tmp_path / "written.csv").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"file,task,points,remark\n", b"\xef\xbb\xbf\r\n"])
def test_an_empty_table_has_no_marks(reported, tmp_path, content):
    (tmp_path / "written.csv").write_bytes(content)
    assert cells(reported(row()) / "written.csv")[0]["points"] == ""


def test_rows_of_the_instructor_are_no_marks(reported):
    folder = reported(row())
    with (folder / "written.csv").open("a", encoding="utf-8") as file:
        file.write(",,,sum,99,,\n\nnote\n")
    reported(row())
    assert len(cells(folder / "written.csv")) == 1


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(reported, formula):
    rows = [row(formula, formula, formula, version=formula)]
    folder = reported(*rows)
    fill(folder / "written.csv", ["1"], formula)
    reported(*rows)
    for name in ("marks.csv", "written.csv", "leaderboard.csv"):
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file))
        texts = [text for line in table for text in line]
        assert all(text[:1] not in report.FORMULA for text in texts)
        assert any(plain(text) == formula for text in texts)


@given(st.text() | st.sampled_from(FORMULAS))
def test_cells_are_plain_again(cell):
    assert plain(safe(cell)) == cell
    assert safe(cell)[:1] not in report.FORMULA or report.NUMBER.fullmatch(cell)


@pytest.mark.parametrize("number", ["-1", "-0.5000", "+2", "0", "1e-3"])
def test_numbers_stay_numbers(number):
    assert safe(number) == number == plain(number)


def test_ranks_of_the_best_first(reported):
    scores = {"d": 0.5, "a": 0.9, "c": 0.5, "b": 0.9, "e": -0.1, "f": None, "g": float("nan")}
    scores |= {"h": float("inf"), "i": 0.50001}
    folder = reported(*(row(f"{name}.ipynb", name, score=s) for name, s in scores.items()))
    table = [list(entry.values()) for entry in cells(folder / "leaderboard.csv")]
    assert table == [
        ["1", "a", "0.9000", "a.ipynb"],
        ["1", "b", "0.9000", "b.ipynb"],
        ["3", "i", "0.5000", "i.ipynb"],
        ["4", "c", "0.5000", "c.ipynb"],
        ["4", "d", "0.5000", "d.ipynb"],
        ["6", "e", "-0.1000", "e.ipynb"],
    ]


class Page(HTMLParser):
    """What a page says, and the tags and addresses in it."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.addresses = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name == "href"]

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


def test_a_page_says_what_is_right_and_wrong_and_nothing_hidden(reported):
    folder = reported(
        row(errors={"0": "line 2, NameError: x", "11": "SyntaxError: y"}), unreadable()
    )
    page = Page((folder / "feedback" / "ada.ipynb.html").read_text(encoding="utf-8"))
    text = "\n".join(page.text)
    for said in (
        "Assignment 9: A small one",
        "ada, ada.ipynb",
        "4.5 of 13 points, and 1 still to be marked",
        "double: 1.5 of 3",
        "right in the cases that your check has, but not in all others",
        "quadruple: 2 of 2",
        "half: 0 of 1",
        "why: to be marked, out of 3",
        "guess: 1 of 4",
        "Code cell 1: line 2, NameError: x",
        "Code cell 12: SyntaxError: y",
    ):
        assert said in page.text
    for hidden in ("a large one", "hidden case", "expected 42", "31.5", "1 for each"):
        assert hidden not in text
    assert page.addresses[0] == f"{SITE}/chapters/05_lstm.html#sec-lstm-step"
    assert len(page.addresses) == 3  # for none that is right
    assert "b" not in page.tags  # the hint's <b> is text
    other = Page((folder / "feedback" / "bob.pdf.html").read_text(encoding="utf-8"))
    assert "expected a notebook, got a PDF" in other.text


ATTACK = "</p><script>alert(1)</script><img src=x onerror='a'>{0}%s&amp;"


def test_whatever_a_student_writes_is_text_on_the_page(assignment):
    one = row(ATTACK, ATTACK, ATTACK, errors={"0": ATTACK, ATTACK: "x", "²": "x", "٣": "x"})
    one.status = one.marks["double"].said = one.marks["double"].hint = ATTACK
    one.marks["double"].chapter = ATTACK
    marked = {(one.file, "why"): Mark(1, said=ATTACK)}
    page = Page(report.feedback_page(assignment, one, marked, SITE))
    known = {"html", "meta", "title", "style", "h1", "h2", "p", "strong", "a"}
    assert page.tags <= known
    assert sum(ATTACK in text for text in page.text) >= 6


def test_long_texts_are_cut(assignment):
    one = row(errors={"0": "e" * 10_000})
    one.marks["half"].said = "s" * 10_000
    text = report.feedback_page(assignment, one, {}, SITE)
    assert "s" * 300 in text
    assert "e" * 300 in text
    assert len(text) < 5_000


def test_each_file_has_a_page_of_its_own(reported):
    long = "王" * 80
    files = [
        "a/b.ipynb",
        "a b.ipynb",
        "A B.ipynb",
        f"{long}/{long}1",
        f"{long}/{long}2",
        "../x",
        ".",
    ]
    files += ["a b.ipynb.html", "part"]
    folder = reported(*(row(file, f"student {k}") for k, file in enumerate(files)))
    pages = [path.read_text(encoding="utf-8") for path in (folder / "feedback").iterdir()]
    assert len(pages) == len(files)
    for k in range(len(files)):
        assert sum(f"<p>student {k}, " in page for page in pages) == 1


def test_an_answer_that_is_handed_in_again_is_marked_again(reported):
    written = reported(row()) / "written.csv"
    text = written.read_text(encoding="utf-8-sig")
    written.write_text(text.replace("why,3,,,", "why,3,1,too short,"), encoding="utf-8")
    for _ in range(2):  # what was given for the earlier one is not forgotten
        [entry] = cells(reported(row(answer="Because it is.")) / "written.csv")
        assert (entry["points"], entry["answer"]) == ("", "Because it is.")
        assert entry["remark"] == "1 points for an earlier answer; too short"
