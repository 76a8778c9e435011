"""The closed list of events: what ``event_id`` of a log line may be, and what the journal calls it.

A message id never changes; an event that goes leaves its id unused. docs/operations.md shows the list to people.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Event(NamedTuple):
    """One kind of thing that is logged.

    Attributes:
        name: the ``event_id``, in the journal NINJA_EVENT.
        message_id: the journal's MESSAGE_ID, 32 hex digits.
        priority: of syslog: 2 critical, 3 somebody must act, 4 degraded and healing by itself, 5 worth keeping,
            6 ordinary, 7 detail.
        meaning: for people.
    """

    name: str
    message_id: str
    priority: int
    meaning: str


_ALL: Final = (
    Event("daemon.started", "a865f05237de44f6aad9b8b5fe0405ce", 5, "the daemon has read its configuration and begins"),
    Event("daemon.stopped", "fb89acc3e8f843e0907eca5d01cf24d2", 5, "the daemon was told to stop and has"),
    Event(
        "notifier.started", "48192b83afcc40658176003a9b0ba104", 5, "the notifier has read its configuration and begins"
    ),
    Event("notifier.stopped", "5f9d10771b7e4093bf95b08e863bf3a7", 5, "the notifier was told to stop and has"),
    Event("web.started", "2013760389fd24b1bfa9eedc3bd0e1fa", 5, "the page has read its configuration and answers"),
    Event("web.stopped", "97b7dd9bd751e038be169ea034d6d3a3", 5, "the page was told to stop and has"),
    Event(
        "process.crashed",
        "3312502e44df4d84a9c3d6915320cbb6",
        2,
        "an error that nobody expected ends the process; the traceback is in the same entry",
    ),
    Event(
        "worker.hanging",
        "804a70f905094023ba8b760e55de0883",
        2,
        "a thread has made no progress for a minute; systemd kills and restarts the service within another minute",
    ),
    Event("worker.recovered", "4ebe5e041b1e4500b3ed071ad03f4fba", 5, "a worker that seemed to hang goes on"),
    Event("leader.active", "65f8cb9ce15a460891c3a7311a388021", 5, "this daemon holds the lease and works"),
    Event("leader.standby", "3ff4e1c3e9bc42329680a07b1e79ec72", 5, "another daemon holds the lease; this one waits"),
    Event(
        "leader.alone",
        "e8f8ce6f197d4675894a35a5c9040559",
        5,
        "Redis is away at the start; this machine's daemon was the active one and goes on",
    ),
    Event(
        "leader.other", "7789a96bfca5442a94a7cb526d341521", 6, "`run --once` found everything done by another daemon"
    ),
    Event(
        "settings.differ",
        "e8d9c311345645069f42a82b16033afe",
        3,
        "the active daemon watches other things than this one",
    ),
    Event(
        "settings.same",
        "0179b35be547443b8092ef2861b66fc4",
        5,
        "the active daemon watches the same again",
    ),
    Event(
        "delivery.leftover",
        "3f9716be7657449d948b00fa61a41611",
        4,
        "messages of a destination that is not configured",
    ),
    Event(
        "strategy.leftover",
        "1a04c40a4aa9124552f086380d2dc044",
        4,
        "the cursor of a strategy that is not configured",
    ),
    Event(
        "state.private",
        "555428479c7bda9dcecb243189b35083",
        4,
        "the state directory or a file in it was open to others, and is so no longer",
    ),
    Event(
        "settings.reloaded",
        "b436c1fbd1b34019b098287fc5087f1a",
        5,
        "a changed configuration file was taken over, and what is different",
    ),
    Event(
        "settings.refused",
        "dddfcc349ccf4175bd99ce2823dded5b",
        3,
        "a changed configuration file cannot work; the old settings stay in force",
    ),
    Event(
        "settings.restart",
        "5dfa83a8fc1f42abb55903f275455c72",
        4,
        "values of the environment are other ones than at the start, and need a restart",
    ),
    Event(
        "wake",
        "2aadcf9359b941f185ae00b66496261f",
        6,
        "the summary of a wake: new candles, strategies, seconds, hit ratio",
    ),
    Event(
        "signal.emitted",
        "e56e57b9351c4131a22d7aef04eb067b",
        5,
        "a signal is on the list (or, while Redis is away, in the journal)",
    ),
    Event(
        "cross.rejected",
        "4b792878ec3949f5af87b65c63088b34",
        6,
        "a cross that is not a signal, with the filter that says so",
    ),
    Event(
        "candle.missing",
        "5710f28ef88f4cb8ac0e918d0059d191",
        6,
        "no news after a close: the period had no prices, or the broker is late",
    ),
    Event(
        "candle.awaited",
        "507755e86aee4666966224c94c57d580",
        6,
        "strategies wait for a larger timeframe's candle, which decides their trend",
    ),
    Event("candle.gap", "3301310ccfdb411a9cff4fd76acd7ba0", 4, "a candle never came although there were prices"),
    Event(
        "candle.revised",
        "2ab966df15254da795f5a5772c7f269b",
        4,
        "the broker changed a candle that was complete; the first version stays",
    ),
    Event("state.first", "d2931b05877c490eb7cdf68e9973546d", 6, "a strategy's first start, warmed up on history"),
    Event(
        "state.rebuilt",
        "1db14aea5adf4ebbb78f2a6cae226547",
        6,
        "averages were lost or belong to other settings and have been made again",
    ),
    Event(
        "state.unusable", "9f4b9cf98d5c4aa9b482cc87b8b498d0", 4, "something stored could not be read and is left out"
    ),
    Event("strategy.trouble", "6f4253ae191d4e12bdff173d767a2024", 4, "a strategy waits, and why"),
    Event(
        "broker.trouble",
        "8c717d9154fd4aeb9a5e7da4b190de75",
        4,
        "the broker does not answer, or refuses the token; strategies wait",
    ),
    Event(
        "broker.doubt",
        "aecc438afda94df0bb7c0b7dc0b9b2dc",
        4,
        "candles come, but the account does not answer as it should; the text says what that means",
    ),
    Event("broker.up", "799483b169fe4bbc99cff631b464500d", 5, "the broker answers again"),
    Event(
        "calendar.read",
        "8531df897abb2803b75607612706274c",
        6,
        "the calendar of scheduled news was read: how many events, and what was left out",
    ),
    Event(
        "calendar.unreadable", "3104454fb7c7d312620b748bb40706e3", 4, "it cannot be read; what was known before stays"
    ),
    Event(
        "calendar.old",
        "730c3eb98cfc69e84371c3291d9e0b55",
        4,
        "it is older than `calendar.max_age`: signals go out marked",
    ),
    Event("audit.done", "7d1f5a0c3b6e4c0e9a52f4b1d8e06c37", 5, "the daemon has audited strategies, and what it found"),
    Event("audit.failed", "b0c4d9e2f17a4b5d8c36e9a7f2d15048", 4, "the daemon could not audit; it tries again later"),
    Event("redis.down", "5624a5311e6f46c4a564d4e7a4aebef1", 4, "Redis is away or takes no writes"),
    Event("redis.up", "680f117e016b4ca4b288a1784a50a89e", 5, "Redis is back, and for how long it was away"),
    Event("journal.down", "c87708aa600444718b79cd0c94687af2", 4, "the daemon's local journal cannot be used"),
    Event(
        "journal.unavailable",
        "7d4809c9b10241ef89bc739bb9f66b44",
        4,
        "the notifier cannot use the local journal: while Redis is away nothing is delivered",
    ),
    Event("journal.up", "63acd2a3bdf74d98a896b36e8352c3cd", 5, "the local journal can be used again"),
    Event("journal.replayed", "bbcf8e7ea2c74ce9ad67dba19b1013bd", 5, "commits that waited for Redis are made"),
    Event(
        "journal.derived_again",
        "ba5d84d7aa044b978e5c8f2753445231",
        4,
        "what waited does not fit what Redis holds now and is derived again from the broker",
    ),
    Event(
        "ledger.unavailable",
        "4d10a230a7bc447e8840e5de31f6eeb9",
        4,
        "what was sent cannot be remembered; after a loss of Redis data messages may repeat",
    ),
    Event(
        "signal.closed",
        "24c58864f9e249608afafc638a38326d",
        5,
        "a signal has ended; the text says how",
    ),
    Event(
        "record.broken",
        "206ac654f6034b5b8ef812b8c4498cc2",
        3,
        "the record is not what was written, or not what the last active daemon published",
    ),
    Event(
        "record.unpublished",
        "2bdebe2605b554a9417d0d5d85d4d061",
        4,
        "the head of the record could not be left in Redis; the record itself is written",
    ),
    Event(
        "alerts.unavailable",
        "3b3fa53e44fe4120b5e2516beee92c5b",
        4,
        "the list of alerts is of the wrong type or refused; signals are delivered without them",
    ),
    Event("alerts.up", "36c997031e9d4c98bd5e4faa18eb9703", 5, "alerts can be taken off their list again"),
    Event("outcome.routed", "b31813aece3b1bfec79d039d9390a4d0", 7, "an outcome was put into its lanes"),
    Event("outcome.shown", "ad8bb12377bb0349ded5cc55f54a8b95", 6, "a destination shows what became of a signal"),
    Event(
        "outcome.dropped",
        "5ea01beaff424fbd3a0035204ee88238",
        4,
        "a destination does not show what became of a signal, and why",
    ),
    Event(
        "outcomes.unavailable",
        "2de130dd42093954300d73185e95065f",
        4,
        "the list of outcomes is of the wrong type or refused; signals are delivered without them",
    ),
    Event("outcomes.up", "b197f99c3de522e7f92d9cfeadc7edb8", 5, "outcomes can be taken off their list again"),
    Event("picture.shown", "892ab118604dda196f42b70f8e6e6c2e", 7, "a message has its picture"),
    Event(
        "picture.left_out",
        "cfc7433afc8e87efff21d13ea12d9957",
        4,
        "a message stays without its picture, and why; the signal itself was delivered",
    ),
    Event(
        "picture.no_candles", "8bec6efabfe338218f006bba8d0439d9", 6, "the daemon could not get the candles of a picture"
    ),
    Event(
        "report.failed",
        "23d918fc23231d34b2b08d72ced5929d",
        4,
        "the week's results or the record's head could not be written; it is tried again",
    ),
    Event("report.up", "ff4b6176a1d14ef4bc1d30e1014b7864", 5, "reports can be written again"),
    Event("signal.routed", "e0eeacef1fee4ccfa5dad26814c9083c", 7, "a signal was put into its lanes"),
    Event("signal.delivered", "1a64aef8faa4468192f3dab813f7103c", 5, "a destination has accepted a signal"),
    Event("notice.delivered", "0ec01864e5544d979b178103624785f9", 7, "a destination has accepted an alert or a report"),
    Event(
        "signal.already_sent",
        "f71cb13e1ee049c8aa60ee203447d6bf",
        6,
        "a message was left out because the ledger knows it",
    ),
    Event(
        "signal.repeated",
        "5bcb1a1a446148b4b58dddd044c32927",
        6,
        "a message that was taken before was listed again and left out",
    ),
    Event(
        "signal.late_dropped",
        "a82c0d08cdf0445eae598ae35c78595a",
        6,
        "late signals were left out, as the destination wants it",
    ),
    Event("signal.silenced", "41f06c89852340b38463db8d31cb1925", 6, "a signal is silenced"),
    Event("signal.unwanted", "73fff1c60b9946718f31e22e7442fde7", 6, "a route sends a signal nowhere"),
    Event("signal.unrouted", "71ce28365a264e8ea5e5cce78d34f907", 3, "no route takes a signal; it is a dead letter"),
    Event(
        "signal.unreadable",
        "9a6f3cc532554912a50bd698aae49843",
        3,
        "an entry of the list cannot be read; it is a dead letter",
    ),
    Event("delivery.retry", "ebe8246a4aae410bbbf6f4927de49bd4", 4, "a post failed and is tried again"),
    Event("delivery.throttled", "c00b8c79db6a44e582f3c8edbda232da", 4, "a destination asks to wait"),
    Event(
        "delivery.group_refused",
        "df8fc510d95f428596c643bcc2a53b1d",
        4,
        "a destination refused a group; its messages are sent one by one",
    ),
    Event(
        "delivery.elsewhere",
        "fc7c0cb4fbe54c83974df5f4003fb639",
        7,
        "another process of this machine is sending this very message",
    ),
    Event("delivery.dead", "cfb9062834eb4103b65acbc1f8942f78", 3, "a message was given up and is a dead letter"),
    Event("lane.waits", "7a8a2cd5d6c444fa92f524b6c9fdf901", 7, "a lane waits for a rate, quiet hours or a delay"),
    Event("lane.fenced", "044da68331a64b0f83b98f74f2512b0f", 4, "a lane changed hands while it was being emptied"),
    Event(
        "lane.suspended",
        "42001902c4434b7cb7a979a325d4062e",
        3,
        "a destination refuses everything; its messages are kept, and it is tried again by itself",
    ),
    Event(
        "broker.instruments",
        "96a1ada02a58460dbc9d660ec10a749e",
        4,
        "the account lists an instrument with other decimals or another pip",
    ),
    Event("lane.probed", "aa592fc7f41b42aa98943c5946d923cc", 4, "a suspended destination was tried, and refuses still"),
    Event("lane.healed", "8f9b22b225734278b52fbcf4ec157a31", 5, "a destination in trouble accepts messages again"),
    Event(
        "monitor.unavailable",
        "3f8b40cbb8bd42aaae19bc06e0fe4852",
        4,
        "the port for metrics is taken; work goes on without",
    ),
    Event("ping.failed", "40ae91acce374894918e9f8ed52d4721", 4, "the dead man's switch could not be pinged"),
    Event("ping.recovered", "59e29d6103e9413a81c23625f7375793", 5, "the dead man's switch is pinged again"),
    Event(
        "unit.failed",
        "68fec097c05846659cd68a212f4ff2fa",
        3,
        "a unit crashed or has failed for good; the alert goes to the operator",
    ),
)

EVENTS: Final = {event.name: event for event in _ALL}
"""Every event, by name."""
