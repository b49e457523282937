"""A forecaster on one's own CSV file: trained, measured, asked; and what is wrong with the file."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

from lstmlib.data import ice_cream
from lstmlib.data.table import read_csv
from lstmlib.forecasting import LSTMForecast, of_logarithms, outcomes, rolling_forecasts
from lstmlib.torch import load_model

OPTIONS = (  # noqa: SIM905
    "--csv sales.csv --period 12 --lag 12 --horizon 4 --hidden-size 8 --epochs 3 --logarithm"
).split()


def months(count, first="2001-01"):
    return [str(np.datetime64(first) + k) for k in range(count)]


def write(path, columns):
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture
def sales(folder):
    """Ten years of ice cream, in ``sales.csv``."""
    y = ice_cream(10, rng=np.random.default_rng(0))
    write("sales.csv", {"month": months(120), "sales": y})
    return y


@pytest.fixture
def trained(run, sales):
    code, out, err = run("train", "forecast", *OPTIONS)
    assert (code, err.replace("\r", "").count("error")) == (0, 0)
    return out


def printed_errors(out):
    return {
        int(h): (float(error), float(naive))
        for h, error, naive in re.findall(r"horizon (\d+): ([\d.]+); .*: ([\d.]+)", out)
    }


def test_measured_on_what_it_has_not_seen(run, trained, sales):
    """The errors printed are those of the model in the file, on the last quarter of the lines."""
    model, extra = load_model("runs/forecast.safetensors")
    forecast = of_logarithms(LSTMForecast.from_description(model, extra))
    y, origins = sales[:, None], range(90, 117)
    error = np.abs(rolling_forecasts(forecast, y, origins) - outcomes(y, origins, 4)).mean((0, 2))
    naive = np.abs([y[o - 12 : o - 8] - y[o : o + 4] for o in origins]).mean((0, 2))
    scale = np.abs(y[12:72] - y[:60]).mean()
    printed = printed_errors(trained)
    assert list(printed) == [1, 2, 4]
    for h, values in printed.items():
        expected = error[h - 1] / scale, naive[h - 1] / scale
        assert values == pytest.approx(expected, abs=0.0006)
    code, out, err = run(
        "evaluate", "forecast", "--model", "runs/forecast.safetensors", "--csv", "sales.csv"
    )
    assert (code, err) == (0, "")
    assert printed_errors(out) == printed


def test_what_comes_next(run, trained, sales):
    code, out, err = run("predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["date"] for row in rows] == months(4, "2011-01")
    model, extra = load_model("runs/forecast.safetensors")
    expected = of_logarithms(LSTMForecast.from_description(model, extra))(sales[:, None])[:, 0]
    assert [float(row["sales"]) for row in rows] == pytest.approx(expected, rel=1e-5)
    for row in rows:
        assert float(row["sales lower"]) < float(row["sales"]) < float(row["sales upper"])


def test_a_wider_level_is_a_wider_interval(run, trained):
    def width(level):
        _, out, _ = run(
            "predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv",
            "--level", level,
        )  # fmt: skip
        row = next(csv.DictReader(io.StringIO(out)))
        return float(row["sales upper"]) - float(row["sales lower"])

    assert width(0.5) < width(0.9)


def test_a_file_that_has_grown_or_lost_its_start(run, trained, sales):
    """By the dates it is known what the model has seen."""
    longer = np.append(sales, sales[-12:] * 1.03)
    write("sales.csv", {"month": months(132), "sales": longer})
    command = "evaluate", "forecast", "--model", "runs/forecast.safetensors", "--csv", "sales.csv"
    assert "at 39 moments after step 90" in run(*command)[1]
    write("sales.csv", {"month": months(122, "2001-11"), "sales": longer[10:]})
    assert "at 39 moments after step 80" in run(*command)[1]


def test_several_columns_without_dates(run, folder):
    rng = np.random.default_rng(1)
    t = np.arange(100)
    noise = 0.1 * rng.standard_normal((2, 100))
    write("two.csv", {"a": np.sin(t / 3) + noise[0], "b": np.cos(t / 3) + noise[1]})
    options = "--csv two.csv --lag 8 --horizon 3 --hidden-size 4 --epochs 2".split()  # noqa: SIM905
    code, out, _ = run("train", "forecast", *options)
    assert code == 0
    assert "a, horizon 1" in out
    assert "b, horizon 3" in out
    code, out, _ = run("predict", "--model", "runs/forecast.safetensors", "--csv", "two.csv")
    header, *rows = csv.reader(io.StringIO(out))
    assert header == ["step", "a", "b", "a lower", "a upper", "b lower", "b upper"]
    assert [row[0] for row in rows] == ["102", "103", "104"]  # the lines they would have


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, y: (m, ["", *y[1:]]), "line 2, column 'sales': expected a number, got nothing"),
        (lambda m, y: (m, ["many", *y[1:]]), "line 2, column 'sales': expected a number, got 'man"),
        (lambda m, y: (m, ["3,5", *y[1:]]), "the decimal mark is a point"),
        (lambda m, y: (m, ["inf", *y[1:]]), "expected a finite number, got 'inf'"),
        (lambda m, y: (m, [-1, *y[1:]]), "line 2, column 'sales': expected a number above 0"),
        (lambda m, y: ([m[1], m[0], *m[2:]], y), "line 3: expected dates in ascending order"),
        (lambda m, y: ([m[0], *m[:-1]], y), "line 3: expected dates in ascending order"),
        (lambda m, y: (m[:5] + m[6:], y[1:]), "line 7: expected equal steps of time"),
        (lambda m, y: (["soon", *m[1:]], y), "column 'month': expected a number, got 'soon'"),
        (lambda m, y: ([*m[:-1], "soon"], y), "line 121: expected a date like '2001-01'"),
        (lambda m, y: (m, [5.0] * 120), "expected features that vary in the training part"),
        (lambda m, y: (m[:24], y[:24]), "expected at least lag + horizon = 12 + 4 = 16 steps"),
        (lambda m, y: (m[:2], y[:2]), "expected a period shorter than the training part"),
        (lambda m, y: ([], []), "expected lines of numbers after the names, got none"),
    ],
)
def test_what_is_wrong_with_a_file(run, sales, change, message):
    dates, values = change(months(120), sales.tolist())
    write("sales.csv", {"month": dates, "sales": values})
    code, _, err = run("train", "forecast", *OPTIONS)
    assert code == 2
    assert message in err
    assert not Path("runs/forecast.safetensors").exists()


def test_other_files(run, trained):
    """A file that is none, a model that is none, a column that is missing."""
    code, _, err = run("train", "forecast", "--csv", "none.csv")
    assert code == 2
    assert "expected a CSV file, got 'none.csv'" in err
    Path("binary.csv").write_bytes(b"\xff\xfe\x00")
    code, _, err = run("train", "forecast", "--csv", "binary.csv")
    assert code == 2
    assert "expected a CSV file in UTF-8" in err
    Path("empty.csv").write_text("")
    code, _, err = run("train", "forecast", "--csv", "empty.csv")
    assert code == 2
    assert "got nothing" in err
    code, _, err = run("train", "forecast", *OPTIONS, "--column", "price")
    assert code == 2
    assert "expected a column among month, sales, got 'price'" in err
    write("other.csv", {"month": months(120), "price": range(1, 121)})
    for command in (["evaluate", "forecast"], ["predict"]):
        code, _, err = run(*command, "--model", "runs/forecast.safetensors", "--csv", "other.csv")
        assert code == 2
        assert "expected a column among month, price, got 'sales'" in err
        code, _, err = run(*command, "--model", "other.csv", "--csv", "sales.csv")
        assert code == 2
        assert "other.csv" in err
    write("sales.csv", {"month": months(73), "sales": range(1, 74)})
    code, _, err = run("predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv")
    assert code == 2
    assert "to measure the intervals on, got 1" in err


NUMBERS = "\n".join(str(k % 7) for k in range(60))
DATED = "\n".join(f"{month},{k % 7 + 0.5}" for k, month in enumerate(months(60)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("month;sales\n" + DATED.replace(",", ";"), "line 1: expected commas between the names"),
        (DATED, "line 1: expected the names of the columns, got 2001-01, 0.5"),
        ("\n\nmonth,sales\n" + DATED, "line 1: expected the names of the columns, got nothing"),
        ("sales\n5\n\n" + NUMBERS, "line 3: expected 1 entries, as line 1 has, got 0"),
        ('month,"sales\n(EUR)"\n' + DATED, "line 1: expected no line break in"),
        ('month,"a""\n' + DATED, "expected a CSV file in UTF-8"),
        ('a\n"1,234"\n' + NUMBERS, "the decimal mark is a point, and thousands have none"),
        ("a\n1_234\n" + NUMBERS, "line 2, column 'a': expected a number, got '1_234'"),
        ("a\n1e400\n" + NUMBERS, "line 2, column 'a': expected a finite number, got '1e400'"),
        ("a\n-1e200\n" + NUMBERS, "expected a finite number, got '-1e200' (1e100 is the most)"),
        ("month\n" + "\n".join(months(60)), "expected a number, got '2001-01' (a date is"),
        ("month,a\n31/01/2001,5", "got '31/01/2001' (a date is written 1999-03-31"),
        ("month,a\n20010131,5", "expected a date like 1999-03-31, got '20010131'"),
        ("month,a\n2001-01-01T00:00+02:00,5", "column 'month': expected a number, got '2001-01-0"),
        ("k,a\n1500,5\n1400,6", "line 3: expected dates in ascending order"),
        ("k,a\n1500,5\n1501,6\n1600,7", "is a line missing, or has the column no dates?"),
        ("a\n5", "expected a period shorter than the training part of 0 steps"),
        ("a", "expected lines of numbers after the names, got none"),
        ("a\n" + "\n".join("0123456" * 20), "expected a series that changes from period to period"),
        ("month,a\n" + "\n".join(f"{m},5" for m in months(60)), "but column 'a' is 5 throughout"),
    ],
)
def test_other_things_that_are_wrong_with_a_file(run, folder, text, message):
    Path("f.csv").write_text(text)
    options = "--csv f.csv --period 7 --lag 4 --horizon 2".split()  # noqa: SIM905
    code, _, err = run("train", "forecast", *options)
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert not Path("runs/forecast.safetensors").exists()


@pytest.mark.parametrize(
    ("columns", "date", "message"),
    [
        (["a", "a"], None, "expected columns of numbers, each once, got a, a"),
        (["b"], None, "expected a column among a, got 'b'"),
        (None, "a", "expected columns of numbers, each once, got a, the dates, alone"),
    ],
)
def test_columns_that_cannot_be_read(folder, columns, date, message):
    Path("f.csv").write_text("a\n2001\n2002")
    with pytest.raises(ValueError, match=message):
        read_csv("f.csv", columns, date=date)


def test_numbers_that_are_no_dates(folder):
    """Not even -5, which NumPy reads as a year, nor a year in a column that is asked for."""
    write("f.csv", {"t": [-5, -4, -3], "a": [1, 2, 3]})
    table = read_csv("f.csv")
    assert (table.names, table.dates) == (["t", "a"], None)
    write("f.csv", {"t": [2001, 2002, 2003], "a": [1, 2, 3]})
    assert read_csv("f.csv").names == ["a"]
    table = read_csv("f.csv", ["t", "a"])
    assert table.values.tolist() == [[2001, 1], [2002, 2], [2003, 3]]


def test_files_of_other_programs(folder):
    """With a mark at the start, quotes, other ends of line, empty last lines, Z for Greenwich."""
    Path("f.csv").write_bytes(b'\xef\xbb\xbf"t","a"\r\n"2001-01-01T00Z","1"\r\n,\r\n\r\n')
    table = read_csv("f.csv")
    assert (table.names, table.values.tolist()) == (["a"], [[1.0]])
    assert table.dates.astype(str).tolist() == ["2001-01-01T00"]
    with pytest.raises(ValueError, match="expected at least two dates, to know the step, got 1"):
        table.dates_after(1)


@pytest.mark.parametrize("option", ["--model", "--checkpoint"])
def test_the_data_are_not_overwritten(run, sales, option):
    before = Path("sales.csv").read_bytes()
    code, _, err = run("train", "forecast", *OPTIONS, option, "./sales.csv")
    assert code == 2
    assert "expected a file to write to, got sales.csv, which has the data" in err
    assert Path("sales.csv").read_bytes() == before


@pytest.mark.parametrize("level", ["0", "1", "-0.5", "nan", "much"])
def test_a_level_that_is_none(run, level):
    code, _, err = run("predict", "--model", "m", "--csv", "f.csv", "--level", level)
    assert code == 2
    assert f"expected a number between 0 and 1, got '{level}'" in err


def test_a_level_that_needs_more_errors_than_there_are(run, trained):
    command = "predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv", "--level"
    assert run(*command, "0.978")[0] == 0  # 45 of 45
    code, _, err = run(*command, "0.979")
    assert code == 2
    assert "expected more than 45 moments" in err


def test_intervals_of_a_logarithm_are_factors(run, trained):
    """They stay above 0, and reach as far up as down as a factor."""
    _, out, _ = run("predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv",
                    "--level", "0.97")  # fmt: skip
    for row in csv.DictReader(io.StringIO(out)):
        value, low, high = (float(row[f"sales{end}"]) for end in ("", " lower", " upper"))
        assert 0 < low < value < high
        assert value / low == pytest.approx(high / value, rel=1e-6)


def test_large_numbers_keep_their_digits(run, sales):
    """A billion and a few: the ends of an interval differ from the forecast."""
    write("sales.csv", {"month": months(120), "sales": 1e9 + sales})
    assert run("train", "forecast", *OPTIONS[:-1])[0] == 0
    _, out, _ = run("predict", "--model", "runs/forecast.safetensors", "--csv", "sales.csv")
    row = next(csv.DictReader(io.StringIO(out)))
    assert 1 < float(row["sales upper"]) - float(row["sales"]) < 500


def test_a_file_of_what_came_after(run, trained, sales):
    """All of it is new: measured from where there is enough to read, by the scale of training."""
    command = "evaluate", "forecast", "--model", "runs/forecast.safetensors", "--csv", "sales.csv"
    write("sales.csv", {"month": months(60, "2011-01"), "sales": sales[60:]})
    code, out, _ = run(*command)
    assert code == 0
    assert "at 45 moments after step 12" in out
    y = sales[60:]
    naive = np.mean([abs(y[o - 12] - y[o]) for o in range(12, 57)])
    scale = np.abs(sales[12:72] - sales[:60]).mean()
    assert printed_errors(out)[1][1] == pytest.approx(naive / scale, abs=0.0006)
    write("sales.csv", {"month": months(60, "1990-01"), "sales": sales[60:]})
    code, _, err = run(*command)
    assert code == 2
    assert "expected at least 4 steps after the first 60" in err
    write("sales.csv", {"month": [f"{month}-28" for month in months(120)], "sales": sales})
    code, _, err = run(*command)
    assert code == 2
    assert "expected dates like 2006-12, as in training, got 2001-01-28" in err


@pytest.mark.parametrize(
    ("dates", "after"),
    [
        (["1999", "2000", "2001"], ["2002", "2003"]),
        (["1999-03", "1999-04", "1999-05"], ["1999-06", "1999-07"]),
        (["1999-01-31", "1999-02-28", "1999-03-31"], ["1999-04-30", "1999-05-31"]),
        (["1999-01-15", "1999-04-15", "1999-07-15"], ["1999-10-15", "2000-01-15"]),
        (["1999-12-30", "1999-12-31", "2000-01-01"], ["2000-01-02", "2000-01-03"]),
        (["2000-02-20", "2000-02-27", "2000-03-05"], ["2000-03-12", "2000-03-19"]),
        (["1999-12-31T22", "1999-12-31T23", "2000-01-01T00"], ["2000-01-01T01", "2000-01-01T02"]),
    ],
)
def test_dates_go_on_as_they_went(folder, dates, after):
    write("dates.csv", {"when": dates, "value": range(len(dates))})
    assert read_csv("dates.csv").dates_after(2) == after
