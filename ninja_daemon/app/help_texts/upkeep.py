"""Help of the commands in ``app.commands.upkeep``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.help_texts.command_help import CommandHelp

HELP: Final = {
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
            ("queue move desk phone", "send what is left of desk to phone"),
            ("queue silence --for '2 h' --instrument 'EUR_*'", "hear nothing of these for a while"),
        ),
        exits=("0   done", "1   Redis could not be read, or nothing was there to change"),
    ),
    "strategies": CommandHelp(
        folder="upkeep",
        summary="List the strategies in force and what is left of former ones; pause, resume, forget one.",
        paragraphs=(
            (
                "Without a subcommand it lists them. A paused strategy is evaluated and recorded as before, and nobody "
                "is sent its signals; `enabled = false` in the file stops the evaluation, too. What is left of a "
                "strategy that was taken out of the file goes with `forget`."
            ),
        ),
        examples=(
            ("strategies", "which there are, paused, not enabled or left"),
            ("strategies pause EUR_USD_H4 --for '2 h'", "hear nothing of it for a while"),
            ("strategies resume EUR_USD_H4", "hear of it again"),
            ("strategies forget EUR_USD_H4", "remove what is left of it"),
        ),
        exits=("0   done", "1   Redis could not be read, or nothing was there to change"),
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
}
