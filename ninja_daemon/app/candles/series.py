"""Which strategies a file of candles is for: by its name, by the instrument in its name, by its step; else asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.candle_files.naming import named_series
from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.settings.known_instruments import instrument_in, is_currency_pair
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.history.larger_history import Larger, LargerHistory

_COARSE: Final = frozenset({"JPY", "HUF", "THB"})
_MOST: Final = 1_000
_SHOWN: Final = 8
NO_QUOTES: Final = 'max_spread_pips and cost_pips = "spread" need bid and ask of each close, which files do not tell'


def expected_granularity(paths: Sequence[Path]) -> Granularity | None:
    """Return the timeframe that the name of the first file says."""
    series = named_series(paths[0])
    return None if series is None else series[1]


def instrument_of(name: str, opened: OpenCandles) -> Instrument:
    """Return how the prices of files are counted: a pip of two currencies is known, whatever digits a file has.

    Raises:
        CandleFileRejected: they are no prices of the instrument.
    """
    require_prices(name, opened)
    usual = pair_pip(name)
    if usual is not None:
        # Trailing zeros of a quoted pair are digits of it, and its pip is not finer than they.
        opened.keep_digits(max(-usual, min(opened.written, 1 - usual)))
    pip = Instrument.from_decimals(name, opened.pip_decimals).pip_location
    # A mid of bid and ask may have one digit more, one that was saved too.
    if usual is not None and -usual <= opened.decimals <= 2 - usual:
        pip = usual
    return Instrument(name, opened.decimals, pip)


def pair_pip(name: str) -> int | None:
    """Return the power of ten of the pip of two currencies; None for what is no pair of them."""
    if not is_currency_pair(name):
        return None
    return -2 if name.partition("_")[2] in _COARSE else -4


def require_prices(name: str, opened: OpenCandles) -> None:
    """Refuse points in the place of prices: no pair of currencies is quoted above a thousand.

    Raises:
        CandleFileRejected: the newest price of a pair is.
    """
    if is_currency_pair(name) and opened.newest >= _MOST:
        message = (
            f"{opened.files[-1].spool.name}: a price of {name} must be below {_MOST:,}, the newest is "
            f"{float(opened.newest):,.10g}: these are points or another instrument; divide them (by 100,000, those of "
            "JPY by 1,000) and give the file again, or name it after its instrument"
        )
        raise CandleFileRejected(message)


def larger_of(opened: OpenCandles, strategies: Sequence[Strategy]) -> Larger:
    """Join the candles of files to those of the larger timeframes that strategies look at."""
    wanted = {each.larger for each in strategies if each.larger is not None}
    return {each: LargerHistory(opened.decimals, list(opened.columns(each.granularity))) for each in wanted}


def strategies_for(
    paths: Sequence[Path],
    opened: OpenCandles,
    strategies: Sequence[Strategy],
    join: Granularity | None,
    *,
    are_named: bool,
    option: str = "--csv",
) -> Sequence[Strategy]:
    """Return the strategies that the candles of files are for.

    Args:
        paths: the files.
        opened: the same.
        strategies: those configured, or those that the user named.
        join: the timeframe that the user asks for.
        are_named: the user named them, so all of them must fit.
        option: what names the files.
    """
    series, instrument = _said_by_name(paths[0])
    of_instrument = [each for each in strategies if instrument in {None, each.instrument}]
    wanted = join or opened.granularity
    fitting = [each for each in of_instrument if each.granularity is wanted]
    if join is None and (not fitting or are_named):
        fitting = [each for each in of_instrument if opened.can_make(each.granularity)]
    strangers = [each.name for each in strategies if each not in fitting] if are_named else []
    if strangers or not fitting:
        refuse(option, _none_fits(series, instrument, wanted, ", ".join(strangers) or "none does"))
    _require_one_instrument(fitting, wanted)
    return _without_quotes(fitting, option)


def _without_quotes(fitting: Sequence[Strategy], option: str) -> Sequence[Strategy]:
    """Return the strategies, none of which may need bid and ask."""
    if quoted := ", ".join([each.name for each in fitting if each.needs_spread][:_SHOWN]):
        refuse(option, f"{NO_QUOTES}: take {quoted} from the broker, or choose others with -s")
    return fitting


def _said_by_name(path: Path) -> tuple[tuple[str, Granularity] | None, str | None]:
    """Return the series that a name says, and the instrument."""
    series = named_series(path)
    return series, instrument_in(path.name) if series is None else series[0]


def _require_one_instrument(fitting: Sequence[Strategy], wanted: Granularity | None) -> None:
    if len({each.instrument for each in fitting}) == 1:
        return
    names = ", ".join(each.name for each in fitting[:_SHOWN]) + (" …" if len(fitting) > _SHOWN else "")
    what = "ticks" if wanted is None else f"{wanted.name} candles"
    refuse(
        "--strategy",
        f"must be strategies of the one series in the file, which holds {what} and whose name says no instrument, "
        f"were {names}; name one, or the file like EUR_USD_H4.csv",
    )


def _none_fits(
    series: tuple[str, Granularity] | None, instrument: str | None, wanted: Granularity | None, strangers: str
) -> str:
    if series is not None:
        message = f"the file's name says {series[0]} {series[1].name}; a strategy must read that"
    else:
        step = "ticks" if wanted is None else wanted.name
        held = f"{instrument} {step}" if instrument is not None else step
        message = f"the file holds {held}; a strategy must read that, or a longer timeframe"
    return f"{message}, {strangers}"
