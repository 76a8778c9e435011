"""``ninja-daemon import``: right candles of the files that people have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.candle_files.writing import whole_file, write_candles
from ninja_daemon.app.candles.options import FileOptions
from ninja_daemon.app.candles.series import expected_granularity, require_prices
from ninja_daemon.app.settings.known_instruments import instrument_in
from ninja_daemon.core.market.granularity import Granularity


def import_(
    *,
    paths: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, metavar="FILE", help="Files of one series; gzip and zip, too."
        ),
    ],
    files: FileOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", dir_okay=False, metavar="FILE", help="Where to write. Left out: to standard output."),
    ] = None,
) -> None:
    """Make canonical candles of files."""
    wanted = files.timeframe()
    with open_candles(paths, files.said(), expected=expected_granularity(paths)) as opened:
        if (name := instrument_in(paths[0].name)) is not None:
            require_prices(name, opened)
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
