"""`smssim fit`, `forecast`, `backtest`: a log becomes a scenario, the scenario a forecast."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smssim.cli.options import (
    add_log_options,
    add_progress_option,
    add_rng_option,
    positive,
    progress_bar,
)
from smssim.cli.output import WrongInput, check_writes, wrong_if

if TYPE_CHECKING:
    import pandas as pd

    from smssim.forecast import Fit, Forecast

__all__ = [
    "add_backtest_options",
    "add_fit_options",
    "add_forecast_options",
    "add_watch_options",
    "backtest_command",
    "fit_command",
    "forecast_command",
    "watch_command",
]

_SHOWN = (
    "cost",
    "messages.requested",
    "messages.sent",
    "messages.stopped",
    "messages.delivered",
    "delivered.share",
    "latency.p50",
    "latency.p95",
    "latency.p99",
    "passwords.p95",
    "runout.any",
    "runout.first",
    "thresholds.limits",
    "reports.lost_share",
)
"""Figures of a forecast that are printed; `--csv` has all."""


def add_fit_options(parser: argparse.ArgumentParser) -> None:
    """What `fit` takes."""
    _add_record_options(parser)
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="write the best scenario as YAML"
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the fit, for `forecast`")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV")


def add_forecast_options(parser: argparse.ArgumentParser) -> None:
    """What `forecast` takes."""
    _add_record_options(parser)
    parser.add_argument(
        "--to", required=True, metavar="DATE", help="forecast to this date or instant"
    )
    parser.add_argument(
        "--n", type=positive, default=199, metavar="N", help="runs, one per set (199)"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all figures as CSV")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument(
        "--workers", type=positive, metavar="K", help="processes to run in (one a core)"
    )
    add_rng_option(parser)
    add_progress_option(parser)


def add_backtest_options(parser: argparse.ArgumentParser) -> None:
    """What `backtest` takes."""
    _add_record_options(parser)
    cuts = parser.add_mutually_exclusive_group(required=True)
    cuts.add_argument("--cut", metavar="DATE", help="forecast from this date")
    cuts.add_argument(
        "--every", type=_days, metavar="7d", help="forecast from a date every so often"
    )
    parser.add_argument(
        "--horizon", type=_days, default="14d", metavar="14d", help="how far ahead (14d)"
    )
    parser.add_argument("--n", type=positive, default=39, metavar="N", help="runs per cut (39)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every cut as CSV")
    parser.add_argument(
        "--workers", type=positive, metavar="K", help="processes to run in (one a core)"
    )
    add_rng_option(parser)
    add_progress_option(parser)


def add_watch_options(parser: argparse.ArgumentParser) -> None:
    """What `watch` takes."""
    _add_record_options(parser)
    parser.add_argument(
        "--n", type=positive, default=199, metavar="N", help="simulated months (199)"
    )
    add_rng_option(parser)


def _days(text: str) -> timedelta:
    """A number of days, as 14d or 14."""
    number = text.removesuffix("d")
    if not number.isdecimal() or not int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, such as 14d")
    return timedelta(days=int(number))


def _add_record_options(parser: argparse.ArgumentParser) -> None:
    """Where the record is, and what it cannot show."""
    parser.add_argument("path", type=Path, metavar="LOG", help="a log, a stored run or a saved fit")
    add_log_options(parser)
    parser.add_argument(
        "--terms", type=Path, metavar="SCENARIO", help="prices, packages and all else a log hides"
    )
    parser.add_argument("--until", metavar="INSTANT", help="when the log was exported")


def fit_command(options: argparse.Namespace) -> str:
    """Fit a scenario to a log; return the table and the findings to print."""
    from smssim.formatting import section, text_page

    written = {"--out": options.out, "--save": options.save, "--csv": options.csv}
    with wrong_if(OSError, ValueError):
        check_writes(written, [path for path in (options.path, options.terms) if path])
        fit = _fit(options)
        if options.out is not None:
            options.out.write_text(fit.scenario().to_yaml(), encoding="utf-8")
        if options.save is not None:
            fit.save(options.save)
        if options.csv is not None:
            _write(fit.table, options.csv)
    lines = [repr(fit)]
    lines += section("FINDINGS", [f"- {sentence}" for sentence in fit.findings] or ["none"])
    lines += section("PARAMETERS, 90% intervals", _parameters(fit.table))
    return text_page(lines)


def forecast_command(options: argparse.Namespace) -> str:
    """Forecast from a log or a saved fit; return the figures to print."""
    from smssim.formatting import section, text_page

    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        check_writes({"--csv": options.csv}, [p for p in (options.path, options.terms) if p])
        forecast = _fit(options).forecast(
            options.to,
            n=options.n,
            rng=options.rng,
            workers=options.workers,
            progress=progress,
        )
        if options.csv is not None:
            _write(forecast.table, options.csv)
    if options.json:
        return json.dumps(json.loads(forecast.table.to_json(orient="records")), indent=2) + "\n"
    lines = [repr(forecast).strip("<>")]
    lines += section("FORECAST, 90% intervals", _figures(forecast))
    lines += section("FINDINGS", [f"- {sentence}" for sentence in forecast.findings])
    return text_page(lines)


def backtest_command(options: argparse.Namespace) -> str:
    """Hold forecasts from earlier cuts against what came; return the table to print."""
    from smssim.forecast.backtest import backtest
    from smssim.formatting import columns, number, section, text_page

    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        check_writes({"--csv": options.csv}, [p for p in (options.path, options.terms) if p])
        tested = backtest(
            _record(options, rows=True),
            options.cut,
            every=options.every,
            horizon=options.horizon,
            terms=options.terms,
            n=options.n,
            rng=options.rng,
            workers=options.workers,
            progress=progress,
        )
        if options.csv is not None:
            _write(tested.cuts, options.csv)
    names = ["figure", "hits", "n", "coverage", "width", "width_naive", "skill", "verdict"]
    rows = [
        [row[name] if isinstance(row[name], str) else number(row[name]) for name in names]
        for row in tested.table.to_dict("records")
    ]
    errors = tested.cuts.loc[tested.cuts["error"] != "", "error"].unique()
    lines = [repr(tested).strip("<>")]
    lines += section("BACK-TEST", columns(names, rows, "lrrrrrrl"))
    lines += section("CUTS THAT WERE NOT FITTED", list(errors)) if len(errors) else []
    return text_page(lines)


def watch_command(options: argparse.Namespace) -> tuple[str, int]:
    """Hold the days of a log against its plan; return the table to print, and 1 if it disagrees."""
    from smssim.forecast.watch import watch
    from smssim.formatting import columns, number, section, text_page

    if options.terms is None:
        raise WrongInput("--terms SCENARIO is the plan that the log is held against: give it")
    with wrong_if(OSError, ValueError):
        record = _record(options, rows=True)
        watched = watch(record, options.terms, n=options.n, rng=options.rng)
    rows = [
        [
            row["figure"],
            str(row["days"]),
            number(row["evidence"]),
            "yes" if row["agrees"] else "no",
            *(str(row[name] or "-") for name in ("since", "shown")),
        ]
        for row in watched.table.to_dict("records")
    ]
    header = ["figure", "days", "evidence", "agrees", "since about", "shown on"]
    lines = [watched.sentence, *section("DAYS AGAINST THE PLAN", columns(header, rows, "lrrlll"))]
    return text_page(lines), int(not watched.table["agrees"].all())


def _fit(options: argparse.Namespace) -> Fit:
    """The fit of a log or a stored run; or one that was saved."""
    from smssim.forecast import Fit, fit

    if options.path.suffix == ".json" and options.path.is_file():
        stated = [f"--{name}" for name in ("terms", "until", "columns", "tz") if _is(options, name)]
        if stated:
            raise WrongInput(f"{', '.join(stated)} go with a log; {options.path} is a saved fit")
        return Fit.load(options.path)
    return fit(_record(options), options.terms, until=options.until)


def _is(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name) is not None


def _record(options: argparse.Namespace, *, rows: bool = False) -> Any:
    from smssim.logs import read_log
    from smssim.record.storage import is_record, load

    if is_record(options.path):
        return load(options.path)
    return read_log(
        options.path,
        columns=options.columns,
        tz=options.tz,
        encoding=options.encoding,
        rows=rows,
    )


def _write(table: pd.DataFrame, path: Path) -> None:
    from smssim.pages.spreadsheets import write_csv

    write_csv(table, path)


def _parameters(table: pd.DataFrame) -> list[str]:
    from smssim.formatting import columns, number

    rows = [
        [
            *(row[name] for name in ("name", "subject")),
            *(number(row[name]) for name in ("estimate", "low", "high")),
            *(row[name] for name in ("unit", "note")),
        ]
        for row in table.to_dict("records")
    ]
    return columns(["parameter", "of", "estimate", "low", "high", "unit", ""], rows, "llrrrll")


def _figures(forecast: Forecast) -> list[str]:
    from smssim.formatting import columns, number

    rows = [
        [
            " ".join(filter(None, (row["figure"], row["of"]))),
            *(number(row[name]) for name in ("mid", "low", "high")),
            row["unit"],
            row["note"],
        ]
        for row in forecast.table.to_dict("records")
        if row["figure"] in _SHOWN
    ]
    return columns(["figure", "middle", "low", "high", "unit", ""], rows, "lrrrll")
