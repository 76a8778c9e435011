"""Destinations, routes and policy as people write them, and what they are told when it cannot work."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.app.settings.delivery import parse_delivery
from ninja_daemon.app.settings.routing.route_proof import problems_for
from ninja_daemon.app.settings.spans import parse_span
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route
from ninja_daemon.core.messages.send_policy import LatePolicy, OutcomePolicy, QuietHours, Rate
from ninja_daemon.core.messages.timed_report import NearDigest, TimedReport, Topic
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy

HOOK = 'channel = "webhook"\nurl = "https://example.org/hook"\n'
DESK = f"[destinations.desk]\n{HOOK}"
SECRETS = {"DESK_URL": Secret("https://example.org/s3cr3t"), "KEY": Secret("whsec_" + "QUJD" * 8)}


def read(toml: str) -> tuple[Delivery, list[str]]:
    return parse_delivery(tomllib.loads(toml, parse_float=Decimal), "ninja.toml", SECRETS.get)


def good(toml: str) -> Delivery:
    delivery, problems = read(toml)
    assert not problems
    return delivery


def only_problem(toml: str) -> str:
    _, problems = read(toml)
    assert len(problems) == 1, problems
    assert problems[0].startswith("ninja.toml: ")
    return problems[0]


def desk(more: str) -> Destination:
    return good(DESK + more).destination("desk")


# --- what is meant when nothing is said ------------------------------------------------------------------------------


def test_with_nothing_configured_everything_goes_to_the_console() -> None:
    delivery = good("")
    assert [destination.channel for destination in delivery.destinations] == ["console"]
    assert delivery.routes == (Route(MATCH_ALL, ("console",)),)
    assert delivery.alerts == ("console",)


def test_a_mirror_has_a_name_and_nothing_else() -> None:
    assert good("").mirror == ""
    assert good('[mirror]\nlist = "mine"\n').mirror == "mine"
    assert "mirror.list must be 1 to 64 letters" in only_problem('[mirror]\nlist = "a b"\n')
    assert any("mirror.name is not a key" in problem for problem in read('[mirror]\nname = "mine"\n')[1])
    assert "mirror.list must be" in read("[mirror]\n")[1][0]


def test_near_crosses_are_told_when_somebody_asks_for_it() -> None:
    assert good("").near is None
    made = good(DESK + '[near]\nwithin_pips = 5\nto = ["desk"]\n')
    assert made.near == NearDigest(Decimal(5), 900.0, ("desk",))
    assert made.told == {Topic.NEAR: ("desk",)}
    wrong = read(DESK + '[near]\nwithin_pips = 0\nbefore = "10 s"\nto = ["dsk"]\n')[1]
    assert [problem.partition(" must ")[0] for problem in wrong] == [
        f"ninja.toml: near.{key}" for key in ("within_pips", "before", "to")
    ]


def test_without_routes_all_goes_everywhere_and_alerts_to_the_console() -> None:
    delivery = good(DESK + f"[destinations.other]\n{HOOK}")
    assert delivery.routes == (Route(MATCH_ALL, ("desk", "other")),)
    assert delivery.alerts == ("console",)
    assert [destination.name for destination in delivery.destinations] == ["desk", "other", "console"]


def test_a_console_of_ones_own_is_used_as_it_is() -> None:
    delivery = good('[destinations.console]\nchannel = "console"\ntime_zone = "Asia/Tokyo"')
    assert [destination.policy.time_zone for destination in delivery.destinations] == ["Asia/Tokyo"]


# --- destinations ----------------------------------------------------------------------------------------------------


def test_the_example_of_the_contract_is_read() -> None:
    delivery = good(
        """
        [destinations.desk]
        channel = "webhook"
        url = "env:DESK_URL"
        insecure = false

        [[routes]]
        match = { instrument = ["EUR_USD", "GBP_JPY"], side = "BUY" }
        to = ["desk"]
        continue = false
        """
    )
    assert delivery.destination("desk").options == {"url": SECRETS["DESK_URL"], "insecure": False}
    assert delivery.routes == (Route(Match(instrument=("EUR_USD", "GBP_JPY"), side=Side.BUY), ("desk",)),)


def test_a_url_is_a_secret_even_when_it_stands_in_the_file() -> None:
    assert desk("").options["url"] == Secret("https://example.org/hook")
    assert "example.org/hook" not in repr(desk(""))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('channel = "pigeon"', f"channel must be one of {', '.join(KINDS)}, was 'pigeon'"),
        ('channel = "webhook"', "url must be text, was missing"),
        (HOOK + "colour = 1", "colour is not a key"),
        (HOOK + "insecur = true", "did you mean insecure?"),
        (HOOK + 'insecure = "yes"', "true or false"),
        ('channel = "webhook"\nurl = "http://example.org/"', "must begin with https://"),
        ('channel = "webhook"\nurl = "https://127.0.0.1/"', "not an address"),
        ('channel = "webhook"\nurl = "env:NOWHERE"', "NOWHERE, which is not set"),
        ('channel = "webhook"\nurl = 5', "url must be text, was '***'"),
        (
            HOOK + 'secret = "c2hvcnQ="',
            "base64 of at least 16 bytes, with whsec_ before it or not; make one",
        ),
        (HOOK + 'secret = "whsec_?"', "make one with: ninja-daemon notify --new-secret"),
        (HOOK + 'secret = "a plain password, long enough"', "must be base64"),
        (HOOK + 'secret = "ümlaute-ümlaute-ümlaute"', "must be base64"),
        ('channel = "discord"\nurl = "https://example.org/"', "/api/webhooks/"),
        ('channel = "discord"\nurl = "https://example.org/api/webhooks/"', "/api/webhooks/…/…"),
        ('channel = "telegram"\ntoken = "x"\nchat_id = 5', "@BotFather"),
        ('channel = "telegram"\ntoken = "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ"\nchat_id = "a b"', "chat_id"),
        ('channel = "email"\nhost = "h"\nfrom = "a@b.c"\nto = "nobody"', "desk@example.org"),
        ('channel = "email"\nhost = "h"\nfrom = "a@b.c\\nBcc: x@y.z"\nto = "a@b.c"', "desk@example.org"),
        ('channel = "email"\nhost = "h"\nfrom = "a@b.c"\nto = "a@b.c"\nuser = "u"', "password"),
        ('channel = "email"\nhost = "h"\nfrom = "a@b.c"\nto = "a@b.c"\nsecurity = "none"', "insecure = true"),
        ('channel = "email"\nhost = "h"\nfrom = "a@b.c"\nto = "a@b.c"\nport = 0', "65535"),
        (HOOK + 'max_age = "soon"', "a length of time"),
        (HOOK + 'max_age = "0 s"', "at least one second"),
        (HOOK + 'rate = "0/s"', "a rate like"),
        (HOOK + "rate = 5", "a rate like"),
        (HOOK + 'group = "yes"', "true or false"),
        (HOOK + 'group_wait = "2 days"', "a length of time"),
        (HOOK + 'late = "maybe"', "one of send, digest, drop"),
        (HOOK + 'delay = "-5 s"', "a length of time"),
        (HOOK + 'after = "nobody"', "a destination (desk"),
        (HOOK + 'after = "desk"', "free of circles"),
        (HOOK + 'quiet = "22:00"', "from ="),
        (HOOK + 'quiet = { from = "22:00", to = "22:00" }', "another time than from"),
        (HOOK + 'quiet = { from = "22", to = "07:00" }', "a clock time"),
        (HOOK + 'quiet = { from = "22:00", to = "07:00", time_zone = "Mars/Olympus" }', "a time zone"),
        (HOOK + 'quiet = { from = "22:00", to = "07:00", days = ["someday"] }', "a list of mon"),
        (HOOK + 'quiet = { from = "22:00", till = "07:00", to = "08:00" }', "till is not a key"),
        (HOOK + 'time_zone = "../../etc/passwd"', "a time zone"),
        (HOOK + 'template = "{side.__class__}"', "is none of"),
        (HOOK + 'template = "{colour}"', "{colour} is none of"),
        (HOOK + 'template = "{close:>99999999}"', "neither ! nor :"),
        (HOOK + 'template = "{close!r}"', "neither ! nor :"),
        (HOOK + 'template = "{close"', "a text with {fields}"),
        (HOOK + 'template = "no field"', "at least one {field}"),
    ],
)
def test_what_cannot_work_is_said_with_file_key_and_what_is_allowed(table: str, words: str) -> None:
    problem = only_problem(f"[destinations.desk]\n{table}\n")
    assert "destinations.desk" in problem
    assert words in problem
    assert "s3cr3t" not in problem


def test_two_that_wait_for_each_other_are_refused() -> None:
    _, problems = read(f'{DESK}after = "b"\n[destinations.b]\n{HOOK}after = "desk"')
    assert len(problems) == 2


def test_all_problems_are_said_at_once() -> None:
    _, problems = read(
        '[destinations.a]\nchannel = "x"\n[destinations."b c"]\nchannel = "console"\n[[routes]]\nto = ["z"]\n'
    )
    assert len(problems) == 3


def test_the_send_policy_of_a_destination() -> None:
    policy = (
        good(
            """
        [destinations.desk]
        channel = "console"
        max_age = "2 h"
        rate = "30/min"
        group = true
        group_wait = "2 s"
        late = "digest"
        delay = "15 min"
        quiet = { from = "22:00", to = "07:00", time_zone = "Europe/Berlin", days = ["sat", "sun"] }
        time_zone = "Europe/Berlin"
        template = "{side} {pair} {close}"
        """
        )
        .destination("desk")
        .policy
    )
    assert policy.max_age == 7_200
    assert policy.rate == Rate(30, 60.0)
    assert (policy.group, policy.group_wait, policy.delay) == (True, 2.0, 900.0)
    assert policy.late is LatePolicy.DIGEST
    assert policy.quiet == QuietHours(1_320, 420, "Europe/Berlin", frozenset({5, 6}))
    assert (policy.time_zone, policy.template) == ("Europe/Berlin", "{side} {pair} {close}")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/s", Rate(1, 1.0)),
        ("5/2s", Rate(5, 2.0)),
        ("20 per min", Rate(20, 60.0)),
        ("2/h", Rate(2, 3600.0)),
        ("none", None),
    ],
)
def test_rates(text: str, rate: Rate | None) -> None:
    assert desk(f'rate = "{text}"').policy.rate == rate


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90),
        ("1.5 h", 5_400),
        ("30min", 1_800),
        ("2 days", 172_800),
        ("1 hour", 3_600),
        ("1 year", None),
        ("", None),
    ],
)
def test_lengths_of_time(text: str, seconds: float | None) -> None:
    assert parse_span(text) == seconds


def test_each_channel_has_a_rate_of_its_own_until_told_otherwise() -> None:
    telegram = '[destinations.t]\nchannel = "telegram"\ntoken = "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ"\nchat_id = -100200'
    found = good(telegram).destination("t")
    assert found.policy.rate == Rate(1, 1.0)
    assert found.options["chat_id"] == "-100200"


# --- routes ----------------------------------------------------------------------------------------------------------


def test_every_condition_of_a_match_and_routes_within_routes() -> None:
    delivery = good(
        f"""
        {DESK}
        [[routes]]
        match.instrument = "EUR_*"
        match.timeframe = ["H4", "D"]
        match.strategy = "*"
        match.side = "SELL"
        match.late = false
        match.min_risk_reward = 1.5
        to = "desk"
        continue = true
        [[routes.routes]]
        match = {{ late = true }}
        to = []
        """
    )
    (route,) = delivery.routes
    assert route.match == Match(("EUR_*",), ("H4", "D"), ("*",), Side.SELL, False, Decimal("1.5"))
    assert route.goes_on
    assert route.routes == (Route(Match(late=True), ()),)


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ('to = ["disk"]', "did you mean desk?"),
        ("match = {}", "a list of destinations"),
        ('to = ["desk"]\nmatch = { colour = 1 }', "colour is not a key"),
        ('to = ["desk"]\nmatch = { side = "UP" }', '"BUY" or "SELL"'),
        ('to = ["desk"]\nmatch = { timeframe = "H5" }', "S5"),
        ('to = ["desk"]\nmatch = { late = "yes" }', "true or false"),
        ('to = ["desk"]\nmatch = { min_risk_reward = nan }', "a number from 0"),
        ('to = ["desk"]\nmatch = { instrument = 5 }', "a name or a list of names"),
        ('to = ["desk"]\nmatch = { instrument = [] }', "match.instrument must be a list of one or more; left out"),
        ('to = ["desk"]\nmatch = { timeframe = [] }', "match.timeframe must be a list of one or more; left out"),
        ('to = ["desk"]\ncontinue = "yes"', "true or false"),
    ],
)
def test_a_route_that_cannot_work_is_said(route: str, words: str) -> None:
    problem = only_problem(f"{DESK}[[routes]]\n{route}\n")
    assert "routes[1]" in problem
    assert words in problem


# --- alerts, heartbeat, silences -------------------------------------------------------------------------------------


def test_alerts_and_the_daily_report_have_destinations_of_their_own() -> None:
    delivery = good(
        f'{DESK}[alerts]\nto = "desk"\n[heartbeat]\nat = "08:30"\ntime_zone = "Europe/Paris"\nto = ["desk"]'
    )
    assert delivery.alerts == ("desk",)
    assert delivery.daily == TimedReport(510, "Europe/Paris", ("desk",))
    assert not delivery.results


def test_results_come_on_a_day_of_the_week_and_the_records_head_daily() -> None:
    delivery = good(f'{DESK}[results]\nat = "sat 09:00"\nto = "desk"\n[record]\nto = ["desk"]')
    assert delivery.results == TimedReport(540, "UTC", ("desk",), 5)
    assert delivery.record == TimedReport(0, "UTC", ("desk",))
    assert 'like "sat 09:00"' in only_problem(f'{DESK}[results]\nat = "09:00"\nto = "desk"\n')


def test_only_channels_that_can_edit_show_outcomes_by_edits() -> None:
    delivery = good(f'{DESK}outcomes = "post"\n')
    assert delivery.destination("desk").policy.outcomes is OutcomePolicy.POST
    problem = only_problem(f'{DESK}outcomes = "edit"\n')
    assert problem.endswith(
        'outcomes must be "post" or "none", was "edit": only discord and telegram can change what was posted'
    )


def test_a_silence_has_an_end() -> None:
    delivery = good(f'{DESK}[[silences]]\nmatch = {{ instrument = "EUR_*" }}\nuntil = 2026-12-24T18:00:00Z')
    (silence,) = delivery.silences
    assert silence.until == 1_798_135_200.0
    assert "a date and time" in only_problem(f"{DESK}[[silences]]\nmatch = {{}}\n")
    nothing = f"{DESK}[[silences]]\nmatch = {{ instrument = [] }}\nuntil = 2026-12-24T18:00:00Z"
    assert "match.instrument must be a list of one or more" in only_problem(nothing)


# --- the proof -------------------------------------------------------------------------------------------------------


def strategy(name: str, instrument: str, **changes: Decimal) -> Strategy:
    return Strategy(name, instrument, Granularity.H4, 3, 5, **changes)  # type: ignore[arg-type]


def test_every_strategy_is_proven_to_reach_a_destination() -> None:
    delivery = good(f'{DESK}[[routes]]\nmatch = {{ instrument = "EUR_USD", side = "BUY" }}\nto = ["desk"]')
    findings = problems_for(delivery, [strategy("a", "EUR_USD"), strategy("b", "GBP_JPY")])
    assert [finding.subject for finding in findings] == ["a", "b"]
    assert "no route takes its SELL, late SELL signals" in findings[0].text
    assert "BUY, late BUY, SELL, late SELL" in findings[1].text


def test_every_destination_is_proven_to_be_reachable() -> None:
    delivery = good(f'{DESK}[destinations.idle]\n{HOOK}[[routes]]\nto = ["desk"]')
    findings = problems_for(delivery, [strategy("a", "EUR_USD")])
    assert [finding.subject for finding in findings] == ["idle"]


def test_a_destination_for_alerts_only_is_reachable() -> None:
    delivery = good(f'{DESK}[destinations.ops]\n{HOOK}[[routes]]\nto = ["desk"]\n[alerts]\nto = ["ops"]')
    assert not problems_for(delivery, [strategy("a", "EUR_USD")])


def test_the_risk_reward_of_a_strategy_counts_as_its_signals_will_show_it() -> None:
    delivery = good(f"{DESK}[[routes]]\nmatch = {{ min_risk_reward = 1.5 }}\nto = ['desk']")
    fitting = strategy("a", "EUR_USD", sl_atr_multiplier=Decimal("1.5"), tp_atr_multiplier=Decimal("2.25"))
    lower = strategy("b", "EUR_USD", sl_atr_multiplier=Decimal("1.5"), tp_atr_multiplier=Decimal("2.2"))
    assert [finding.subject for finding in problems_for(delivery, [fitting, lower])] == ["b"]


# --- whatever stands there -------------------------------------------------------------------------------------------

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(), st.text(max_size=8), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
keys = st.sampled_from(
    [
        "desk",
        "channel",
        "url",
        "to",
        "match",
        "late",
        "quiet",
        "from",
        "time_zone",
        "rate",
        "template",
        "routes",
        "until",
        "at",
    ]
)
tables = st.recursive(
    values, lambda inner: st.one_of(st.dictionaries(keys, inner, max_size=4), st.lists(inner, max_size=2))
)


@given(st.dictionaries(st.sampled_from(["destinations", "routes", "alerts", "silences", "heartbeat"]), tables))
def test_any_table_is_read_or_complained_about(given_tables: dict[str, object]) -> None:
    delivery, problems = parse_delivery(given_tables, "ninja.toml", SECRETS.get)
    assert delivery.destinations
    assert all(problem.startswith("ninja.toml: ") for problem in problems)


# --- what is said to other programs -----------------------------------------------------------------------------------

PINE = 'preset = "pineconnector"\nfields = { license = "env:KEY", vol_lots = 0.1, comment = "x y" }\n'


def test_fields_and_headers_are_secrets_where_they_are_looked_up_or_called_so() -> None:
    destination = desk(PINE + 'headers = { Authorization = "Bearer x", X-Desk = "env:DESK_URL" }\n')
    fields: Any = destination.options["fields"]
    assert (fields["vol_lots"], fields["comment"]) == (Decimal("0.1"), "x y")
    revealed = {secret.reveal() for secret in destination.secrets}
    assert revealed >= {SECRETS["KEY"].reveal(), SECRETS["DESK_URL"].reveal(), "Bearer x", "https://example.org/hook"}
    assert "Bearer x" not in repr(destination)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('preset = "pine"', "desk.preset must be one of pineconnector, traderspost, copyfactory, 3commas, coinrule"),
        ('preset = "pineconnector"', "desk.fields must have license for the preset pineconnector"),
        ('preset = "copyfactory"\nfields = { volume = "much" }', "must have a number as volume"),
        (
            'preset = "coinrule"\nfields = { secret = "s", amount = 1 }',
            "must be of secret for the preset coinrule, had amount",
        ),
        ('preset = "pineconnector"\nfields = { license = "1,2" }', "must be without commas and line ends, license"),
        ('preset = "traderspost"\nfields = { a = [1] }', "desk.fields must be"),
        ("fields = { volume = 1 }", "desk.fields must be left out without a preset"),
        (PINE + "group = true", "desk.group must leave each signal"),
        (PINE + 'late = "digest"', "desk.late must leave each signal"),
        (PINE + 'template = "{close}"', "desk.template must be left out with a preset"),
        ("template = '{\"a\": {pair}}'", "every field filled"),
        ('style = "copier"', "desk.style must be left out: webhook does not use it"),
        ('headers = { Host = "x" }', "must not hold 'Host'"),
        ('headers = { "a b" = "x" }', "must not hold 'a b'"),
        ('headers = { A = "ü" }', "that of A was not"),
        ('headers = { A = "env:NOWHERE" }', "NOWHERE, which is not set"),
    ],
)
def test_a_webhook_for_another_system_that_cannot_work_says_why(more: str, words: str) -> None:
    problem = only_problem(f"{DESK}{more}\n")
    assert words in problem
    assert "Bearer" not in problem


@pytest.mark.parametrize(
    ("channel", "more", "words"),
    [
        ("console", 'style = "copier"\ntemplate = "{close}"', 'template must be left out with style = "copier"'),
        ("console", 'style = "copier"\ngroup = true', "a copier reads one order a message"),
        ("console", 'language = "xx"', "language must be one of de or en, was 'xx'"),
        ("console", 'symbols = { EURUSD = "x" }\nsymbol_suffix = " "', ""),
        ("console", 'template = "{pirce}"', "template must be a text with {fields}, was '{pirce}'"),
    ],
)
def test_words_that_cannot_be_meant_say_why(channel: str, more: str, words: str) -> None:
    _, problems = read(f'[destinations.desk]\nchannel = "{channel}"\n{more}\n')
    assert problems
    assert words in problems[0]


def test_a_webhook_whose_body_is_a_signal_gets_no_alerts() -> None:
    toml = DESK + PINE + '[alerts]\nto = ["desk"]\n[heartbeat]\nat = "08:00"\nto = ["desk"]\n[record]\nto = ["desk"]\n'
    _, problems = read(toml)
    assert [problem.split(": ", 1)[1] for problem in problems] == [
        f"{table}.to must not name desk: its body is made of a signal, and there is none"
        for table in ("alerts", "heartbeat", "record")
    ]


def test_threads_topics_and_roles_are_numbers() -> None:
    discord = '[destinations.club]\nchannel = "discord"\nurl = "https://discord.com/api/webhooks/1/x"\n'
    found = good(f'{discord}thread_id = 123456789012345678\nmention = ["role:42"]\n').destination("club")
    assert found.options["thread_id"] == "123456789012345678"
    for more in (
        'thread_id = "a&wait=false"',
        'mention = ["everyone"]',
        'mention = ["user:1"]',
        'mention = ["role:1", "@here"]',
    ):
        assert "club." + more.split(" ")[0] in only_problem(f"{discord}{more}\n")
    telegram = '[destinations.free]\nchannel = "telegram"\ntoken = "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ"\nchat_id = -1\n'
    assert good(f"{telegram}message_thread_id = 7\n").destination("free").options["message_thread_id"] == "7"
    assert "message_thread_id must be" in only_problem(f'{telegram}message_thread_id = "x"\n')
