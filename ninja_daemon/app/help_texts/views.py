"""Help of the commands in ``app.commands.views``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.help_texts.command_help import CommandHelp

HELP: Final = {
    "status": CommandHelp(
        folder="views",
        summary="Show what the daemon is doing: strategies, averages, next close, queue, delivery.",
        paragraphs=(
            (
                "For each strategy: last candle, next close, both averages, how far they are from the next cross in "
                "pips, and the last signal; then queue, lanes and the life signs of both processes. It reads Redis "
                "only and needs no token. Where none is named, it looks at what `up` or `demo` runs on this machine."
            ),
            (
                "`crosses at` is the one close of the next candle beyond which the averages would cross, and how far "
                "it is in pips; `far` when that is more than three average true ranges. One line a strategy: a narrow "
                "window has fewer columns, a low one fewer rows."
            ),
        ),
        examples=(
            ("status", "a picture of now"),
            ("status --watch", "again every two seconds; arrow keys scroll"),
            ("status --all", "every strategy, in a low window, too"),
            ("status --strategy EUR_USD_H4", "one strategy"),
            ("status --json", "the same figures for another program"),
        ),
        exits=("0   shown", "1   Redis could not be read"),
    ),
    "signals": CommandHelp(
        folder="views",
        summary="Show the signal history, newest last.",
        paragraphs=(
            "Reads the history that the daemon keeps in Redis, whether or not a signal was delivered yet.",
            (
                "With --picture it draws one signal. The candles come from the broker by one request, so that needs "
                "the token; PNG needs the extra `pictures`, SVG nothing."
            ),
        ),
        examples=(
            ("signals --limit 20", "the newest twenty"),
            ("signals --strategy EUR_USD_H4 --since 2026-01-01", "one strategy since New Year"),
            ("signals --since '2 days'", "those of the last two days"),
            ("signals --csv > signals.csv", "for a spreadsheet"),
            ("signals --picture 6f1c0e12 cross.png", "draw one: candles, averages, levels"),
            ("signals --export signals.jsonl", "the whole record, for `ninja-daemon verify`"),
        ),
        exits=(
            "0   shown, even if there are none",
            "1   Redis could not be read, or the picture would not be that of the signal",
        ),
    ),
    "report": CommandHelp(
        folder="views",
        summary="Add up what became of the signals, with the doubt that belongs to it.",
        paragraphs=(
            (
                "For each strategy and for all of them: how the signals ended, the hit rate with its 95 % interval "
                "beside the rate at which the settings break even, sum and mean of R before and after costs, the "
                "largest drawdown, the longest losing run. It says so when there are too few for a verdict, and when "
                "the interval holds the break-even rate: no proven edge."
            ),
        ),
        examples=(
            ("report", "every strategy, and all of them together"),
            ("report --strategy EUR_USD_H4 --since 2026-01-01", "one strategy since New Year"),
            ("report --csv > report.csv", "for a spreadsheet"),
            ("report --picture curve.png", "draw the sum of R and its falls"),
        ),
        exits=("0   shown, even if there is nothing", "1   Redis or the record could not be read"),
    ),
    "why": CommandHelp(
        folder="views",
        summary="Show what was decided at each candle, with the numbers; or one signal with all of them.",
        paragraphs=(
            (
                "Averages, sides and filters are derived again from the broker's candles by the daemon's own engine, "
                "and compared with the cursor, averages, side and signals that were committed. A difference is the "
                "first thing that is said. Nothing is changed."
            ),
            (
                "Without --on, --from or --to: the newest 24 candles, or with --crosses the crosses of the newest "
                "5,000. Near is a gap of at most a tenth of the average true range. More than 200 candles are cut to "
                "crosses and near ones in the table, not in --json."
            ),
        ),
        examples=(
            ("why EUR_USD_H4 --on 2026-11-24", "why was there no signal on Tuesday?"),
            ("why EUR_USD_H4 --from 2026-01-01 --crosses", "the crosses of a year"),
            ("why 6f1c0e12", "one signal, by the beginning of its id"),
            ("why 6f1c0e12 --verify", "is every digit right?"),
        ),
        exits=("0   shown, and all is as it was committed", "1   a difference, or something could not be read"),
    ),
}
