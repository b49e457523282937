"""The commands of the forecaster: train, evaluate, predict, on a CSV file of one's own."""

import argparse
import csv
import math
import sys
from typing import TYPE_CHECKING, Any

from lstmlib.commands.models import check_files, is_main_process, load_as, say, train_and_save
from lstmlib.commands.options import add_command, add_training_options, count, level

if TYPE_CHECKING:  # PyTorch takes seconds to import, and --help does without it
    from lstmlib.data.table import Table
    from lstmlib.forecasting import Forecast

TRAIN_FORECAST = """\
Train a forecaster on the series of a CSV file: the first 60 % of its lines train it, the next 15 %
choose its weights, and the last 25 %, which it never sees, measure it.

The first line of the file has the names of the columns. Lines are in the order of time, at equal
steps. A column of dates (1999, 1999-03 or 1999-03-31) is recognised where it is the first.

examples:
  python -m lstmlib train forecast --csv sales.csv --period 12 --lag 36 --horizon 12
  python -m lstmlib train forecast --csv sales.csv --column ice --logarithm
  python -m lstmlib train forecast --csv economy.csv --column gdp --column interest --period 4

what it prints:
  loss, valid loss  mean squared error of the scaled windows
  MASE              mean absolute error at a horizon, over all moments of the last 25 %, divided by
                    that of repeating the last period in the first 60 %: below 1 is better than that
"""

EVALUATE_FORECAST = """\
Measure a forecaster at every moment of a file that came after what it was trained with: by the
dates, where both files have some, and otherwise by the numbers of the lines.

what it prints:
  MASE  of the model, and of repeating the last period; see train forecast --help. Both are divided
        by what was measured when the model was trained.
"""

PREDICT = """\
Forecast the steps after the last line of a CSV file, with intervals, and print them as CSV.

The intervals reach as far as the model's errors did in the given share of the moments after its
training part (split conformal prediction), of which there have to be level / (1 - level) or more.
With --logarithm the errors are those of the logarithm: the intervals reach as far by a factor.

example:
  python -m lstmlib predict --model runs/forecast.safetensors --csv sales.csv > forecast.csv
"""

CSV = "a file with a line of names and lines of numbers"
COLUMN = "a column to forecast; may be given several times (default: all but the dates)"
DATE = "the column of the dates (default: the first, if it has dates)"
PERIOD = "steps after which a season repeats itself; 1 for none"
LAG = "steps that are read to forecast"
HORIZON = "steps that are forecast"
LOGARITHM = "forecast the logarithm: for series above 0 whose swings grow with their level"
LEVEL = "share of the outcomes that the intervals are to hold"
KEPT = {"columns", "date", "period", "period_error", "logarithm", "ends", "last_dates", "lag"}


def add_parsers(commands: Any, trains: Any, evaluates: Any) -> None:
    """Add the parsers of the forecaster to those of all commands, train and evaluate."""
    p = add_command(trains, "forecast", train_forecast, TRAIN_FORECAST)
    p.add_argument("--csv", required=True, metavar="FILE", help=CSV)
    p.add_argument("--column", action="append", metavar="NAME", help=COLUMN)
    p.add_argument("--date", metavar="NAME", help=DATE)
    p.add_argument("--period", type=count, default=1, metavar="P", help=PERIOD)
    p.add_argument("--lag", type=count, default=36, metavar="N", help=LAG)
    p.add_argument("--horizon", type=count, default=12, metavar="M", help=HORIZON)
    p.add_argument("--logarithm", action="store_true", help=LOGARITHM)
    add_training_options(p, "forecast")
    p.set_defaults(hidden_size=32, layers=1, dropout=0.0, batch_size=32)
    p.set_defaults(epochs=100, lr=0.005)

    p = add_command(evaluates, "forecast", evaluate_forecast, EVALUATE_FORECAST)
    p.add_argument("--model", required=True, metavar="FILE", help="what train forecast wrote")
    p.add_argument("--csv", required=True, metavar="FILE", help=CSV)

    p = add_command(commands, "predict", predict, PREDICT)
    p.add_argument("--model", required=True, metavar="FILE", help="what train forecast wrote")
    p.add_argument("--csv", required=True, metavar="FILE", help=CSV)
    p.add_argument("--level", type=level, default=0.9, metavar="P", help=LEVEL)


def train_forecast(arguments: argparse.Namespace) -> None:
    """Train a forecaster."""
    import numpy as np

    from lstmlib.data.table import read_csv
    from lstmlib.forecasting import LSTMForecast, seasonal_scale, split, training_data
    from lstmlib.torch import Forecaster

    check_files(arguments)
    table = read_csv(arguments.csv, arguments.column, date=arguments.date)
    if arguments.logarithm:
        _check_positive(table)
    train_end, valid_end = split(len(table.values))
    say(
        f"{', '.join(table.names)}: {train_end} steps to train, {valid_end - train_end} to "
        f"validate, {len(table.values) - valid_end} to measure"
    )
    if arguments.period >= train_end:
        raise ValueError(
            f"expected a period shorter than the training part of {train_end} steps, "
            f"got {arguments.period}"
        )
    start = table.values[:train_end]
    for name, constant in zip(table.names, np.ptp(start, axis=0) == 0, strict=True):
        if constant:
            raise ValueError(
                f"expected features that vary in the training part, but column {name!r} is "
                f"{start[0, table.names.index(name)]:g} throughout"
            )
    data = training_data(
        np.log(table.values[:valid_end]) if arguments.logarithm else table.values[:valid_end],
        train_end,
        lag=arguments.lag,
        horizon=arguments.horizon,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
    )

    def build() -> Forecaster:
        return Forecaster(
            len(table.names),
            arguments.hidden_size,
            arguments.horizon,
            arguments.layers,
            arguments.dropout,
        )

    extra = {
        "columns": table.names,
        "date": arguments.date,
        "period": arguments.period,
        "logarithm": arguments.logarithm,
        "ends": [train_end, valid_end],
        "period_error": seasonal_scale(start, arguments.period).tolist(),
        "last_dates": None
        if table.dates is None
        else [str(table.dates[end - 1]) for end in (train_end, valid_end)],
        **LSTMForecast.description_of(arguments.lag, data.scaling),
    }
    model = train_and_save(arguments, build, data.train, data.valid, extra)
    if is_main_process():
        _report(_method(model.cpu(), extra), table, extra, valid_end)


def evaluate_forecast(arguments: argparse.Namespace) -> None:
    """Measure a forecaster."""
    forecast, extra, table = _model_and_table(arguments)
    _, valid_end = _seen(table, extra)
    _report(forecast, table, extra, valid_end)


def predict(arguments: argparse.Namespace) -> None:
    """Forecast what comes after the end of a file."""
    import numpy as np

    from lstmlib.forecasting import half_width, outcomes, rolling_forecasts

    forecast, extra, table = _model_and_table(arguments)
    series = table.values
    coming = forecast(series)
    m = len(coming)
    train_end, _ = _seen(table, extra)
    start = max(train_end, extra["lag"])
    origins = range(start, len(series) - m + 1)
    if not origins:
        raise ValueError(
            f"expected at least {m} steps after the first {start}, to measure the intervals on, "
            f"got {len(series) - start}"
        )
    if (needed := math.ceil((len(origins) + 1) * arguments.level)) > len(origins):
        raise ValueError(
            f"expected more than {len(origins)} moments after the training part to measure "
            f"intervals of level {arguments.level} on, of which they would have to hold {needed}: "
            "ask for a lower level"
        )
    there, back = (np.log, np.exp) if extra["logarithm"] else (np.array, np.array)
    came, expected = outcomes(series, origins, m), rolling_forecasts(forecast, series, origins)
    errors = there(came) - there(expected)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    bounds = [f"{name} {bound}" for name in table.names for bound in ("lower", "upper")]
    writer.writerow(["step" if table.dates is None else "date", *table.names, *bounds])
    for h, moment in enumerate(table.dates_after(m)):
        widths = [half_width(errors[:, h, f], arguments.level) for f in range(len(table.names))]
        ends = [
            end
            for value, width in zip(coming[h], widths, strict=True)
            for end in (back(there(value) - width), back(there(value) + width))
        ]
        writer.writerow([moment, *(f"{number:.10g}" for number in (*coming[h], *ends))])


def _model_and_table(arguments: argparse.Namespace) -> "tuple[Forecast, dict[str, Any], Table]":
    from lstmlib.data.table import read_csv
    from lstmlib.torch import Forecaster

    model, extra = load_as(arguments.model, "forecast", Forecaster)
    if missing := KEPT - extra.keys():
        raise ValueError(
            f"{arguments.model}: expected what train forecast wrote, but it lacks "
            f"{', '.join(sorted(missing))}"
        )
    table = read_csv(arguments.csv, extra["columns"], date=extra["date"])
    if extra["logarithm"]:
        _check_positive(table)
    return _method(model, extra), extra, table


def _method(model: Any, extra: dict[str, Any]) -> "Forecast":
    from lstmlib.forecasting import LSTMForecast, of_logarithms

    forecast = LSTMForecast.from_description(model, extra)
    return of_logarithms(forecast) if extra["logarithm"] else forecast


def _check_positive(table: "Table") -> None:
    import numpy as np

    if len(low := np.argwhere(table.values <= 0)):
        k, f = low[0]
        raise ValueError(
            f"line {k + 2}, column {table.names[f]!r}: expected a number above 0, whose logarithm "
            f"is forecast, got {table.values[k, f]:g}"
        )


def _seen(table: "Table", extra: dict[str, Any]) -> tuple[int, int]:
    """Return where the parts that the model was trained and chosen with end in a file.

    Raises
    ------
    ValueError
        If the dates are in another unit than when it was trained.
    """
    import numpy as np

    if table.dates is None or extra["last_dates"] is None:
        train_end, valid_end = extra["ends"]
    else:
        last = np.array(extra["last_dates"], dtype="datetime64")
        if last.dtype != table.dates.dtype:
            raise ValueError(f"expected dates like {last[0]}, as in training, got {table.dates[0]}")
        train_end, valid_end = np.searchsorted(table.dates, last, side="right").tolist()
    return train_end, valid_end


def _report(forecast: "Forecast", table: "Table", extra: dict[str, Any], valid_end: int) -> None:
    """Print the errors after valid_end, beside those of repeating the last period."""
    import numpy as np

    from lstmlib.forecasting import outcomes, rolling_forecasts, scaled_errors, seasonal_naive

    series, period = table.values, extra["period"]
    m = len(forecast(series))
    start = max(valid_end, extra["lag"], period)
    origins = range(start, len(series) - m + 1)
    if not origins:
        raise ValueError(
            f"expected at least {m} steps after the first {start}, which the model was trained "
            f"and chosen with or has to read, got {len(series) - start}"
        )
    scale = np.array(extra["period_error"])
    actual = outcomes(series, origins, m)
    errors, naive = (
        scaled_errors(rolling_forecasts(f, series, origins), actual, scale)
        for f in (forecast, seasonal_naive(period, m))
    )
    print(f"MASE at {len(origins)} moments after step {start}:")
    for f, name in enumerate(table.names):
        for h in sorted({1, (m + 1) // 2, m}):
            print(
                f"  {name}, horizon {h}: {errors[h - 1, f]:.3f}; "
                f"repeating the last period: {naive[h - 1, f]:.3f}"
            )
