"""``ninja-daemon signals``: the signal history."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.reports import read_local_history
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.reports import read_history
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.queues.opening import local_queue_file, record_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.market.instant import format_instant, parse_typed_instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

if TYPE_CHECKING:
    from rich.text import Text

    from ninja_daemon.app.status.ranked_table import Column

_AGO: Final = re.compile(r"(\d{1,6}) ?(min|h|d|hours?|days?|weeks?|w)", re.ASCII)
COLUMNS: Final = (
    *(
        "schema",
        "id",
        "strategy",
        "instrument",
        "timeframe",
        "time",
        "close_time",
        "signal",
        "side",
        "close",
        "fast_ma",
    ),
    *("slow_ma", "atr", "stop_loss", "take_profit", "sl_pips", "tp_pips", "risk_reward_ratio", "late", "created_at"),
)
"""Fields of a signal, in the contract's order; the first columns of ``--csv``."""
OUTCOME_COLUMNS: Final = (
    *("result", "exit", "exit_time", "candles", "r", "net_r", "pips", "mfe_r", "mae_r", "ambiguous"),
)
"""Fields of its outcome; the columns behind them, empty while it is open."""
_AROUND: Final = 3
"""Lines of the window that are no signal: the heading, the count of the hidden ones, the shell's."""
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def signals(
    *,
    strategy: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Candles closed since: 2026-01-31, 2026-01-31T10:00:00Z, or '2 days' ago."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="The newest so many; 0 for all.")] = 50,
    whole: Annotated[bool, typer.Option("--all", help="All of them, however low the window is.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="An array of the signals as they were listed.")] = False,
    picture: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            "--picture", metavar="ID FILE", help="Draw one signal: FILE ends in .png or .svg; candles from the broker."
        ),
    ] = None,
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark",
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Of the picture's time axis.")] = "UTC",
    export: Annotated[
        Path | None,
        typer.Option(dir_okay=False, metavar="FILE", help="Write the whole record, for `ninja-daemon verify`."),
    ] = None,
) -> None:
    """Show the signal history."""
    if as_csv and as_json:
        message = "must not be given together with --json"
        raise typer.BadParameter(message, param_hint="--csv")
    if picture is not None:
        _draw(*picture, theme, zone)
        return
    earliest = None if since is None else instant(since)
    environ, product = running_environ()
    say_found(product)
    if export is not None:
        _export(read_environment(environ), export)
        return
    history = _history(read_environment(environ))
    names = set(strategy or ())
    chosen = _chosen(history, names, earliest, limit)
    if as_json:
        typer.echo("[\n" + ",\n".join(text for _, text in chosen) + "\n]" if chosen else "[]")
    elif as_csv:
        _write_csv([signal for signal, _ in chosen], history.outcomes)
    else:
        _show([signal for signal, _ in chosen], history, _nothing(history, names), whole=whole)
    if history.unreadable:
        typer.echo(f"{history.unreadable} entries of the history are not signals and were left out", err=True)


def _export(environment: Environment, path: Path) -> None:
    with closing(record_file(environment)) as record:
        if not record.path.exists():
            message = f"there is no record on this machine yet ({record.path.name}): the daemon writes it where it runs"
            raise StoreUnavailable(message)
        lines = list(record.lines())
        head = record.head()
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        message = f"must be a file that can be written, was not ({error.strerror})"
        raise typer.BadParameter(message, param_hint="--export") from error
    typer.echo(f"{head.lines} lines written to {path}, head {head.chain}", err=True)


def _history(environment: Environment) -> History:
    if not environment.cache_enabled:
        with closing(local_queue_file(environment)) as file:
            return read_local_history(file)
    with closing(connect(environment.redis_url.reveal(), name="signals")) as client:
        return read_history(client, Keys(environment.namespace))


def _draw(wanted: str, path: Path, theme: str, zone: str) -> None:
    """Draw one listed signal, with candles of one request to the broker."""
    from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named, write_picture, zone_named
    from ninja_daemon.app.pictures.of_signals import found_signal, picture_of_signal
    from ninja_daemon.app.settings.strategies import load_settings
    from ninja_daemon.app.wiring import candle_source

    require_a_pictures_name(path, "--picture")
    colours, clock = theme_named(theme), zone_named(zone)
    environ, product = running_environ()
    say_found(product)
    environment, configuration = load_settings(environ)
    history = _history(environment)
    signal = found_signal([signal for signal, _ in history.entries], wanted)
    known = (signal, history.outcomes.get(signal.id))
    with closing(candle_source(environment)) as source:
        svg = picture_of_signal(source, configuration.strategies, known, colours, clock)
    write_picture(svg, path)


def _chosen(history: History, names: set[str], earliest: int | None, limit: int) -> Sequence[tuple[Signal, str]]:
    chosen = [
        (signal, text)
        for signal, text in history.entries
        if (not names or signal.strategy in names) and (earliest is None or signal.close_time >= earliest)
    ]
    return chosen[-limit:] if limit else chosen


def _nothing(history: History, names: set[str]) -> str:
    """Say why nothing is shown."""
    if not history.entries:
        return "no signals yet"
    there = {signal.strategy for signal, _ in history.entries}
    if missing := names - there:
        return f"no signals of {', '.join(sorted(missing))} yet; there are some of {', '.join(sorted(there))}"
    return "no such signals"


def instant(text: str) -> int:
    """Read what a person typed for ``--since``.

    Raises:
        BadParameter: it is no moment and no span.
    """
    text = text.strip()
    if match := _AGO.fullmatch(text):
        return int(SystemClock().now()) - int(match[1]) * _SECONDS[match[2][0]]
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text)
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        return parse_typed_instant(text)
    except ValueError:
        message = f"must be like 2026-01-31, 2026-01-31T10:00:00Z or '2 days', was {text[:40]!r}"
        raise typer.BadParameter(message, param_hint="--since") from None


def _write_csv(chosen: Sequence[Signal], outcomes: Mapping[str, Outcome]) -> None:
    rows = csv.DictWriter(sys.stdout, (*COLUMNS, *OUTCOME_COLUMNS), lineterminator="\n")
    rows.writeheader()
    for signal in chosen:
        fields = json.loads(encode_signal(signal), parse_float=str, parse_int=str)
        ended = outcomes.get(signal.id)
        if ended is not None:
            told = json.loads(encode_outcome(ended), parse_float=str, parse_int=str)
            fields |= {name: told[name] for name in OUTCOME_COLUMNS}
            fields["ambiguous"] = "true" if ended.ambiguous else "false"
        rows.writerow({**fields, "late": "true" if signal.late else "false"})


def _ended(signal: Signal, history: History) -> str:
    """Say how a signal ended, in as few letters as a column has."""
    outcome = history.outcomes.get(signal.id)
    if outcome is None:
        return "open" if signal.id in history.followed else ""
    return f"{outcome.result.value} {outcome.r:+.2f} R"


def _show(chosen: Sequence[Signal], history: History, none: str, *, whole: bool) -> None:
    from rich.console import Console

    from ninja_daemon.app.status.ranked_table import ranked_table

    console = Console()
    if not chosen:
        console.print(none)
        return
    shown = chosen if whole or not console.is_terminal else chosen[-max(1, console.height - _AROUND) :]
    if hidden := len(chosen) - len(shown):
        console.print(f"{hidden} older ones: make the window taller, or: ninja-daemon signals --all", style="dim")
    console.print(ranked_table(_columns(shown, history), console.width))


def _columns(chosen: Sequence[Signal], history: History) -> Sequence[Column]:
    from rich.text import Text

    from ninja_daemon.app.status.ranked_table import Column

    def column(
        title: str, rank: int, text: Callable[[Signal], str], justify: Literal["left", "right"] = "right"
    ) -> Column:
        return Column(title, rank, [Text(text(signal)) for signal in chosen], justify)

    return (
        column("candle closed (UTC)", 0, _closed, "left"),
        column("strategy", 1, lambda signal: signal.strategy, "left"),
        Column("side", 0, [_side(signal) for signal in chosen]),
        column("close", 0, lambda signal: f"{signal.close:f}"),
        column("stop", 2, lambda signal: f"{signal.stop_loss:f}"),
        column("target", 3, lambda signal: f"{signal.take_profit:f}"),
        column("pips", 5, lambda signal: f"-{signal.sl_pips:f} / +{signal.tp_pips:f}"),
        column("risk/reward", 6, lambda signal: f"{signal.shown_ratio:.2f}"),
        column("outcome", 4, lambda signal: _ended(signal, history), "left"),
        column("id", 7, lambda signal: signal.id[:8], "left"),
    )


def _closed(signal: Signal) -> str:
    """Write the close to the second only where the candles are shorter than a minute."""
    length = 19 if signal.timeframe.startswith("S") else 16
    return format_instant(signal.close_time)[:length].replace("T", " ") + (" late" if signal.late else "")


def _side(signal: Signal) -> Text:
    from rich.text import Text

    is_buy = signal.side is Side.BUY
    return Text("▲ BUY" if is_buy else "▼ SELL", style="green" if is_buy else "red")
