"""What ``--help`` says of each command: what it does, when to use it, examples, exit codes.

The texts stand here and not beside the commands, so that listing the commands loads none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CONFIGURATION_EXIT: Final = "78  the configuration cannot work; every problem is listed on standard error"
_USAGE_EXIT: Final = "2   the command line was wrong"


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """The help of one command.

    Attributes:
        folder: where in ``app/commands`` its file lies.
        summary: one line for the list of commands.
        paragraphs: what it does and when to use it.
        examples: command lines, each with what it is for.
        exits: exit codes besides usage and configuration errors, each with its meaning.
        lists_problems: whether a configuration that cannot work ends it with 78.
    """

    folder: str
    summary: str
    paragraphs: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]
    exits: tuple[str, ...] = ("0   done",)
    lists_problems: bool = True

    def text(self) -> str:
        r"""Return the whole help; a paragraph that begins with ``\b`` keeps its line breaks."""
        width = max(len(line) for line, _ in self.examples) + 3
        examples = [f"  ninja-daemon {line:<{width}}{purpose}" for line, purpose in self.examples]
        exits = [f"  {line}" for line in self._all_exits()]
        blocks = ["\b\nExamples:\n" + "\n".join(examples), "\b\nExit codes:\n" + "\n".join(exits)]
        return "\n\n".join([self.summary, *self.paragraphs, *blocks])

    def _all_exits(self) -> list[str]:
        more = (_USAGE_EXIT, _CONFIGURATION_EXIT) if self.lists_problems else (_USAGE_EXIT,)
        return sorted((*self.exits, *more), key=_exit_code)


def _exit_code(line: str) -> int:
    return int(line.partition(" ")[0])


OVERVIEW: Final = """\
Exact moving average crossover signals from OANDA candles, every one listed once and delivered.

Two processes do the work: `run` finds signals and puts them on a Redis list, `notify` delivers them. New here?
`ninja-daemon demo` shows all of it with no account and no server; `ninja-daemon check` says what is missing for yours.
"""

COMMANDS: Final = {
    "run": CommandHelp(
        folder="services",
        summary="Find signals: wake at each candle close and bring every strategy up to date.",
        paragraphs=(
            (
                "Runs until SIGTERM. Whatever was missed, by an outage of the broker, of Redis or of this process, is "
                "taken in first, in order, and late signals are marked as late. A second daemon on the same Redis "
                "stands by and adds nothing."
            ),
            "With --once it makes one pass, for cron or for trying things out, and ends.",
        ),
        examples=(("run", "the daemon"), ("run --once", "one pass, then end")),
        exits=(
            "0   stopped, or every strategy is up to date",
            "1   with --once: a strategy could not be brought up to date",
        ),
    ),
    "notify": CommandHelp(
        folder="services",
        summary="Deliver signals: take them from the list and send them to their destinations.",
        paragraphs=(
            (
                "Runs until SIGTERM. Each destination has a lane of its own: in order, retried without being "
                "overtaken, and no destination delays another. What a destination refuses for good is kept as a dead "
                "letter; see `ninja-daemon queue`."
            ),
            (
                "With --drain it delivers until nothing is due, for cron, and ends. Rates and groups are waited for; "
                "retries are not."
            ),
            "With --test it sends one marked test message to a destination, past its lane, and says what came of it.",
        ),
        examples=(
            ("notify", "the notifier"),
            ("notify --drain", "deliver what is due, then end"),
            ("notify --test desk", "does desk hear us?"),
        ),
        exits=(
            "0   stopped, or nothing is left, or the test message was taken",
            "1   with --drain: something is left in retry, behind a pause or suspension, or dead (also from before)",
            "1   with --test: it was not taken",
        ),
    ),
    "demo": CommandHelp(
        folder="services",
        summary="See it all work on this machine, with no account and no server.",
        paragraphs=(
            (
                "Starts a Redis server of its own, a simulated broker with candles of five seconds, the daemon and the "
                "notifier. The first signal is on the terminal within 30 seconds. Nothing outside this machine is "
                "contacted and nothing is left behind. Ctrl-C ends it."
            ),
        ),
        examples=(("demo", "watch it work"),),
    ),
    "up": CommandHelp(
        folder="services",
        summary="Start what this machine is set up for: daemon and notifier, or the demo.",
        paragraphs=(
            (
                "With a token and a Redis: both processes against them. With a token and no Redis: the same with a "
                "Redis server of its own, whose data are kept in the state directory. With neither: the demo. This is "
                "what `make run` starts; on a server, prefer the two services."
            ),
        ),
        examples=(("up", "start everything"),),
    ),
    "check": CommandHelp(
        folder="upkeep",
        summary="Find what is wrong with configuration and surroundings before it matters.",
        paragraphs=(
            (
                "Looks at every strategy (can it signal at all?), at files and secrets, and, unless --offline, at the "
                "broker, at Redis and at the destinations. Nothing is sent and nothing is changed. Every finding names "
                "its cause and its cure."
            ),
            (
                "Use it after each change of the configuration and as the first step when something seems wrong. With "
                "--host it looks at the machine as well; what only root may see it says it does not know."
            ),
        ),
        examples=(
            ("check", "look at everything"),
            ("check --offline", "the configuration alone, no network"),
            ("check --host", "firewall, ssh, updates, clock, memory, file modes and disk, too"),
            ("check --strict", "warnings count, too; for automation"),
            ("check --json", "findings for another program"),
        ),
        exits=("0   nothing wrong, or warnings without --strict", "1   warnings, with --strict", "2   errors"),
        lists_problems=False,
    ),
    "init": CommandHelp(
        folder="upkeep",
        summary="Write a commented ninja.toml and .env, to begin with.",
        paragraphs=(
            (
                "Into this folder, or another one; a file that is there is never overwritten, and then nothing is "
                "written. Both are for their owner alone (mode 600). Put the token into .env, then: ninja-daemon check."
            ),
        ),
        examples=(("init", "into this folder"), ("init ~/ninja", "into another one")),
        exits=("0   written",),
    ),
    "reload": CommandHelp(
        folder="upkeep",
        summary="Have daemon and notifier take the changed configuration file over, without a restart.",
        paragraphs=(
            (
                "The same as SIGHUP, with an answer: what is different now, or why the old settings stay in force. "
                "Nothing is missed and nothing repeated: candles up to now are judged by the old settings, later ones "
                "by the new. Values of the environment need a restart, and it says so when they differ."
            ),
        ),
        examples=(("reload", "after an edit of the file"),),
        exits=(
            "0   taken over",
            "1   no daemon or notifier runs here, or one has not answered within 10 seconds",
        ),
    ),
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
        ),
        exits=("0   shown, even if there is nothing", "1   Redis or the record could not be read"),
    ),
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
    "queue": CommandHelp(
        folder="upkeep",
        summary="Look at and mend what waits for delivery: waiting, in retry, dead, per destination.",
        paragraphs=(
            (
                "Without a subcommand it shows the queue. Dead letters are kept until they are sent again by `queue "
                "retry` or thrown away by `queue purge`; `queue pause` holds a destination back without losing "
                "anything."
            ),
        ),
        examples=(
            ("queue", "what waits, is in retry, is dead"),
            ("queue retry desk", "send the dead letters of desk again"),
            ("queue pause desk", "hold desk back"),
            ("queue resume desk", "let it go on"),
            ("queue dead", "the dead letters, with their reasons"),
            ("queue silence --for '2 h' --instrument 'EUR_*'", "hear nothing of these for a while"),
        ),
        exits=("0   done", "1   Redis could not be read, or nothing was there to change"),
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
        ),
        examples=(
            ("replay --strategy EUR_USD_H4", "the broker's history"),
            ("replay --csv EUR_USD_H4.csv --json", "a file; every strategy of that series"),
            ("replay --csv DAT_ASCII_EURUSD_M1_2015.zip", "a download as it came"),
            ("replay --csv EUR_USD_H4.csv --from 2021-06-01", "report from then on, warm up before"),
            ("replay --csv EUR_USD_H4.csv --picture years.png", "draw prices and signals"),
        ),
        exits=("0   done", "1   the history could not be read to its end"),
    ),
    "audit": CommandHelp(
        folder="history",
        summary="Compare what was listed and stored with what the broker's history gives.",
        paragraphs=(
            (
                "The daemon's own engine goes over the broker's history since each strategy's first start, within the "
                "broker's limits. Compared are the cursor, the side, the averages and the listed signals, field by "
                "field. Each difference has its kind (revised candle, missing, extra, stored value) and what it means."
            ),
            "Nothing is changed. docs/operations.md says what a difference is and what is not judged.",
        ),
        examples=(
            ("audit", "every strategy"),
            ("audit --strategy EUR_USD_H4", "one of them"),
            ("audit --since 2026-01-01 --json", "this year, for another program"),
        ),
        exits=("0   no difference", "1   a difference, or a strategy could not be audited"),
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
    "backup": CommandHelp(
        folder="upkeep",
        summary="Copy all that would be missed into one file, and prove it by reading it back.",
        paragraphs=(
            (
                "The keys of the namespace in Redis, all as they were at one moment; the local journal; the ledger of "
                "sent messages. It needs no access to Redis's own files, works while everything runs, and works with "
                "the Redis user for readers. The file appears under its name only when it is whole."
            ),
            "The installed server makes one a day by ninja-backup.timer. Copy them to another machine, too.",
        ),
        examples=(
            ("backup", "into backups/ of the state directory, keeping seven"),
            ("backup /mnt/elsewhere --keep 30", "into a folder of your own"),
        ),
        exits=("0   made and proven", "1   not made; the older ones stay"),
    ),
    "restore": CommandHelp(
        folder="upkeep",
        summary="Put a backup in the place of what is there.",
        paragraphs=(
            (
                "Daemon and notifier must be stopped. Redis's keys of the namespace are replaced, all or none; the "
                "ledger of sent messages is merged, a journal that is there stays. What was there is kept as a backup "
                "of its own. Afterwards the daemon catches up from the broker: the list is as it would have been, and "
                "what this machine remembers having sent is not sent again."
            ),
        ),
        examples=(
            ("restore FILE --dry-run", "what would it do?"),
            ("restore FILE", "do it"),
            ("restore - < FILE", "where the service's user cannot read the file"),
        ),
        exits=("0   done, or shown", "1   a process still runs, the file is damaged, or Redis is away"),
    ),
    "web": CommandHelp(
        folder="services",
        summary="Show a read-only page over status, signals and deliveries.",
        paragraphs=(
            (
                "Runs until SIGTERM. It reads Redis and the configuration, changes nothing, and asks nobody else. The "
                "page works without scripts; with them it follows by itself. Only this machine reaches it unless "
                "--listen says otherwise; put a proxy with TLS and a password before it then (docs/looking.md)."
            ),
            (
                "With --public it shows what a channel's owner may show to everyone: signals from 15 minutes after "
                "their candle's close, a feed of them, and nothing of settings, destinations or machines."
            ),
        ),
        examples=(
            ("web", "http://127.0.0.1:9465/"),
            ("web --public --host signals.example.org", "behind a proxy of that name"),
            ("web --listen 127.0.0.1:8080", "at another port"),
        ),
        exits=("0   stopped",),
    ),
    "simulator": CommandHelp(
        folder="services",
        summary="Serve a simulated OANDA v20 REST server, for trying things out.",
        paragraphs=(
            (
                "A random market of its own, the same for the same seed, or files of candles, behind the rules, "
                "defaults and error texts of the real server. It prints the line that points the daemon at it."
            ),
            "Faults on order show how a client bears them; docs/simulator.md lists them all.",
        ),
        examples=(
            ("simulator --always-open", "trades on weekends, too"),
            ("simulator --csv PATH", "the candles of your own files"),
            ("simulator --completion lag", "candles complete a bit late"),
            ("simulator --speed 60", "a minute a second, from now"),
            ("simulator --fault 502,share=0.1", "every tenth answer is a 502"),
        ),
        exits=("0   stopped",),
        lists_problems=False,
    ),
}
"""Every command by name, in the order in which they are listed."""
