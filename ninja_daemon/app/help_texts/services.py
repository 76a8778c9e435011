"""Help of the commands in ``app.commands.services``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.help_texts.command_help import CommandHelp

HELP: Final = {
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
            "With [shards] several daemons share the work; --processes starts that many on this machine.",
        ),
        examples=(
            ("run", "the daemon"),
            ("run --once", "one pass, then end"),
            ("run --processes 4", "four daemons that share the shards"),
        ),
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
            (
                "With --preview it shows what each destination would post for the newest signal of the history, "
                "the same one late, a group and an alert, to the byte, secrets blanked. Nothing is sent."
            ),
            "With --test it sends one marked test message to a destination, past its lane, and says what came of it.",
        ),
        examples=(
            ("notify", "the notifier"),
            ("notify --drain", "deliver what is due, then end"),
            ("notify --test desk", "does desk hear us?"),
            ("notify --preview club", "what would club post?"),
            ("notify --new-secret", "a key for a webhook and its receiver"),
        ),
        exits=(
            "0   stopped, or nothing is left, or the test message was taken",
            "1   with --drain: something is in retry, held back or dead (also from before)",
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
                "With --public it shows what a channel's owner may show to everyone: signals from `public_delay` "
                "(15 min) after their close, a feed of them, and nothing of settings, destinations or machines."
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
            "Faults on order show how a client copes with them; docs/simulator.md lists them all.",
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
