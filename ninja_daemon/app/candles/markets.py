"""A simulated market of files: each file's series by its name, its candles by the readers that every command uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ninja_daemon.adapters.candle_files.layout import NOTHING_SAID, Options
from ninja_daemon.adapters.candle_files.naming import ENDINGS, named_series
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.app.candles.series import pair_pip, require_prices
from ninja_daemon.app.settings.known_instruments import instrument_in
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.markets.csv_market import CsvMarket, Recording
from ninja_daemon.simulator.markets.quotes import Row


def market_of(path: Path, options: Options = NOTHING_SAID, join: Granularity | None = None) -> CsvMarket:
    """Read a file, or every file of a folder whose name says its instrument.

    Raises:
        ConfigError: there is none.
        CandleRejected: a file cannot be taken in.
    """
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    named = [(file, name) for file in files if (name := _instrument(file)) and file.suffix.lower() in ENDINGS]
    if not named:
        message = f"{path} must hold files named like EUR_USD_H4.csv, had none"
        raise ConfigError(message)
    return CsvMarket(recordings([file for file, _ in named], [name for _, name in named], options, join))


def recordings(
    files: Sequence[Path], names: Sequence[str], options: Options, join: Granularity | None
) -> dict[tuple[str, Granularity], Recording]:
    """Read files of the instruments named."""
    found: dict[tuple[str, Granularity], Recording] = {}
    for file, name in zip(files, names, strict=True):
        series = named_series(file)
        with open_candles([file], options, expected=None if series is None else series[1]) as opened:
            require_prices(name, opened)
            granularity = join or opened.granularity
            rows: list[Row] = []
            for part in opened.parts(join):
                # A candle without a volume had one price at least.
                volumes = [max(1, volume) for volume in part.volume.tolist()]
                rows += map(Row, part.time.tolist(), *part.prices.tolist(), volumes)
            if granularity is not None:
                # The broker lists pairs of currencies with a digit more than a pip, whatever zeros a file ends in.
                pip = pair_pip(name)
                listed = opened.decimals if pip is None else max(opened.decimals, 1 - pip)
                found[name, granularity] = Recording(opened.decimals, listed, listed - opened.is_mid, rows)
    return found


def _instrument(path: Path) -> str | None:
    series = named_series(path)
    return instrument_in(path.name) if series is None else series[0]
