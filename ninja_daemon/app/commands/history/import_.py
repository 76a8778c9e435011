"""``ninja-daemon import``: right candles of the files that people have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.candle_files.opening import OpenCandles, open_candles
from ninja_daemon.adapters.candle_files.writing import whole_file, write_candles
from ninja_daemon.app.candles import options
from ninja_daemon.app.candles.series import expected_granularity
from ninja_daemon.core.market.granularity import Granularity


def import_(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, metavar="FILE", help="Files of one series; gzip and zip, too."
        ),
    ],
    name: options.FORMAT = None,
    zone: options.ZONE = None,
    stamp: options.STAMP = None,
    join: options.JOIN = None,
    decimals: options.DECIMALS = None,
    columns: options.COLUMNS = None,
    time_format: options.TIME_FORMAT = None,
    separator: options.SEPARATOR = None,
    decimal_comma: options.DECIMAL_COMMA = False,
    price: options.PRICE = options.PriceOption.MID,
    out: Annotated[
        Path | None,
        typer.Option("--out", dir_okay=False, metavar="FILE", help="Where to write. Left out: to standard output."),
    ] = None,
) -> None:
    """Make canonical candles of files."""
    said = options.file_options(
        name=name,
        zone=zone,
        stamp=stamp,
        decimals=decimals,
        columns=columns,
        time_format=time_format,
        separator=separator,
        decimal_comma=decimal_comma,
        price=price,
    )
    wanted = options.timeframe(join)
    with open_candles(files, said, expected=expected_granularity(files)) as opened:
        if out is None:
            _write(opened, wanted)
        else:
            with whole_file(out) as file:
                write_candles(file, opened.parts(wanted), opened.decimals, with_volume=opened.has_volume)
        if opened.report is not None:
            typer.echo(opened.report.paragraph(), err=True)


def _write(opened: OpenCandles, wanted: Granularity | None) -> None:
    """Write to standard output, when it is known that nothing is wrong."""
    for _ in opened.parts(wanted):
        pass
    write_candles(sys.stdout, opened.parts(wanted), opened.decimals, with_volume=opened.has_volume)
