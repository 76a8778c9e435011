"""Help of the commands in ``app.commands.history``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.help_texts.command_help import CommandHelp

HELP: Final = {
    "verify": CommandHelp(
        folder="history",
        summary="Check an exported record of signals and outcomes.",
        paragraphs=(
            (
                "`signals --export FILE` writes the record. This proves that nothing was removed, added, reordered or "
                "changed since, and that each id is the one that settings, candle and side make. With candles, from "
                "files or from the broker, every signal and every outcome is derived again and compared."
            ),
            (
                "The check without candles is one file of Python that needs nothing else: "
                "`ninja_daemon/adapters/stored/record.py` may be copied out and handed on with the record."
            ),
        ),
        examples=(
            ("verify signals.jsonl", "chain and ids"),
            ("verify signals.jsonl --candles EUR_USD_H4.csv", "every digit of the strategies of that series"),
            ("verify signals.jsonl --broker", "every digit, with the broker's candles"),
        ),
        exits=("0   nothing wrong", "1   something is wrong, or the candles could not be read"),
    ),
    "replay": CommandHelp(
        folder="history",
        summary="Run the daemon's own engine over history and print its signals.",
        paragraphs=(
            (
                "The candles come from the broker or from a file. Nothing is written to Redis and nothing is "
                "delivered: use it to see what a strategy would have said, before it is trusted with anything."
            ),
            (
                "From the broker come the newest 5,000 candles, or those since --from, and before them what the "
                "averages need. A file is taken in from its first line, whatever --from says. Every signal counts as "
                "found when its candle closed. Signals go to standard output, a summary to standard error."
            ),
            (
                "A file may be of any format that docs/candle-files.md lists; minutes and hours are joined to what the "
                "strategies read. What was recognised, mended and dropped is said; what cannot be known is asked for."
            ),
            (
                "--compare and --sweep say what other settings would have made of the same candles. A sweep names no "
                "best pair: it shows each pair's neighbours, and what the highest of as many pairs is by luck alone."
            ),
        ),
        examples=(
            ("replay --strategy EUR_USD_H4", "the broker's history"),
            ("replay --csv EUR_USD_H4.csv --json", "a file; every strategy of that series"),
            ("replay --csv DAT_ASCII_EURUSD_M1_2015.zip", "a download as it came"),
            ("replay --csv EUR_USD_H4.csv --from 2021-06-01", "report from then on, warm up before"),
            ("replay --csv EUR_USD_H4.csv --picture years.png", "draw prices and signals"),
            ("replay --csv EUR_USD_H4.csv --compare other.toml", "what other settings change"),
            ("replay -s EUR_USD_H4 --sweep fast=10..100:10 slow=50..300:25", "a grid of periods"),
        ),
        exits=("0   done", "1   the history could not be read to its end"),
    ),
    "import": CommandHelp(
        folder="history",
        summary="Make right candles of the files that people have: any known format, nothing guessed.",
        paragraphs=(
            (
                "Reads files of HistData, MetaTrader, Dukascopy, TradingView, OANDA, FXCM, LEAN, Binance and others "
                "(docs/candle-files.md), recognised by what they show, and writes time,open,high,low,close[,volume] "
                "in UTC, which `replay --csv` and `simulator --csv` take."
            ),
            (
                "The time zone is taken from the text, or found by the weeks in the file, or asked for. --join makes "
                "candles of a longer timeframe on the grid of 17:00 New York. What was recognised, mended and dropped "
                "is said on standard error. A file with a fault is not taken in; all kinds of fault are told at once."
            ),
        ),
        examples=(
            ("import EURUSD_M1.zip --join H4", "minutes to H4"),
            ("import EURUSD_H1.csv --zone EET", "a server's clock"),
            ("import EURUSD_H1.csv --out EUR_USD_H1.csv", "into a file"),
        ),
        exits=("0   done", "1   a file cannot be taken in; nothing was written"),
        lists_problems=False,
    ),
    "audit": CommandHelp(
        folder="history",
        summary="Compare what was listed and stored with what the broker's history gives.",
        paragraphs=(
            (
                "The daemon's own engine goes over the broker's history since each strategy's first start, within the "
                "broker's limits. Compared are cursor, side, averages, listed signals and outcomes, field by "
                "field. Each difference has its kind (revised candle, missing, extra, stored value) and what it means."
            ),
            (
                "With --candles a file takes the broker's place: of any format that docs/candle-files.md lists, with "
                "the options of import and replay. The strategies of its series are compared, from the first candle "
                "that has enough others before it to the file's last."
            ),
            (
                "An audit that was interrupted goes on with the strategies that are left. The daemon audits by itself "
                "while the market is closed: [audit] every in the configuration."
            ),
            "Nothing is changed. docs/operations.md says what a difference is and what is not judged.",
        ),
        examples=(
            ("audit", "every strategy"),
            ("audit --strategy EUR_USD_H4", "one of them"),
            ("audit --since 2026-01-01 --json", "this year, for another program"),
            ("audit --candles EURUSD_H1.csv --zone EET", "against a file in place of the broker"),
        ),
        exits=("0   no difference", "1   a difference, or what could not be audited or taken in"),
    ),
}
