"""What people read: the same facts in every layout, with the reason, the age and the lateness."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.wording.briefing import Briefing, average_names
from ninja_daemon.adapters.channels.wording.discord_embeds import LATE, embeds_of
from ninja_daemon.adapters.channels.wording.mail_html import mail_html
from ninja_daemon.adapters.channels.wording.plain import plain_text
from ninja_daemon.adapters.channels.wording.telegram_html import LONGEST, telegram_html
from ninja_daemon.adapters.channels.wording.told import Told, atr_pips
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy
from tests.fakes.messages import CLOSE_TIME, a_bundle, a_notice_entry, a_signal, an_entry

BERLIN = SendPolicy(time_zone="Europe/Berlin")
STRATEGY = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, fast_ma=40, slow_ma=140)
ID = signal_id(STRATEGY, CLOSE_TIME - 14_400, Side.SELL)
LAYOUTS = [plain_text, telegram_html, mail_html, lambda *each: str(embeds_of(*each))]


def briefed(bundle: Bundle, sent_at: float = CLOSE_TIME + 3.0) -> Bundle:
    return Briefing([STRATEGY], lambda: sent_at).of(replace(bundle, sent_at=0.0))


def test_telegram_has_a_bold_head_and_prices_that_copy_at_a_tap() -> None:
    assert telegram_html(briefed(a_bundle(an_entry(id=ID))), BERLIN) == (
        "<b>▼ SELL EUR/USD H4</b>\n"
        "SMA 40 crossed below SMA 140\n\n"
        "Entry <code>1.09259</code>\n"
        "Stop <code>1.10084</code> (82.5 pips)\n"
        "Target <code>1.08022</code> (123.7 pips)\n"
        "Risk/reward 1 : 1.5\n"
        "ATR 41.2 pips\n\n"
        "2022-03-04 19:00 CET, 3 s after the close\n"
        f"<i>EUR_USD_H4 · {ID[:8]}</i>"
    )


def test_a_late_one_looks_different_everywhere_and_says_how_late_it_is() -> None:
    ordinary = briefed(a_bundle(an_entry(id=ID)))
    late = briefed(a_bundle(an_entry(id=ID, late=True)), CLOSE_TIME + 11_525.0)
    for layout in LAYOUTS:
        shown = layout(late, BERLIN)
        assert shown.count("3 h 12 min after the close") == 1
        assert "⚠ LATE · ▼ SELL EUR/USD H4" in shown.replace("\\", "")
        assert "LATE" not in layout(ordinary, BERLIN)
    assert embeds_of(late, BERLIN)[0]["color"] == LATE != embeds_of(ordinary, BERLIN)[0]["color"]


def test_a_reason_is_named_only_by_the_settings_that_gave_the_signal() -> None:
    for layout in LAYOUTS:
        assert "SMA 40 crossed below SMA 140" in layout(briefed(a_bundle(an_entry(id=ID))), BERLIN)
        others = layout(briefed(a_bundle(an_entry(1))), BERLIN)
        assert "The fast average crossed below the slow one" in others
        assert "SMA" not in others


def test_two_kinds_of_averages_are_named_as_they_are() -> None:
    mixed = replace(STRATEGY, fast_type=MovingAverageKind.EMA)
    assert average_names(mixed) == ("EMA 40", "SMA 140")


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d"),
        (180_000, "2 d 2 h"),
    ],
)
def test_an_age_is_written_in_its_two_largest_units(seconds: float, age: str) -> None:
    assert Told(a_signal(), SendPolicy(), CLOSE_TIME + seconds).age == age


def test_without_a_time_of_the_post_the_age_is_that_of_the_finding() -> None:
    assert Told(a_signal(), SendPolicy()).age == "2 s"


@given(pips=st.integers(1, 9_999), atr=st.integers(1, 99_999), digits=st.integers(0, 5))
def test_the_range_in_pips_is_that_of_the_instruments_pip(pips: int, atr: int, digits: int) -> None:
    pip = Decimal(1).scaleb(-digits)
    close = Decimal(100_000)
    signal = a_signal(close=close, stop_loss=close + pips * pip, sl_pips=Decimal(pips), atr=Decimal(atr) / 100 * pip)
    assert atr_pips(signal) == (Decimal(atr) / 100).quantize(Decimal("0.1"))


def test_a_signal_without_a_distance_shows_the_range_as_a_price() -> None:
    signal = a_signal(stop_loss=Decimal("1.09259"), sl_pips=Decimal(0))
    assert atr_pips(signal) is None
    assert Told(signal, SendPolicy()).facts[-1].value == "0.0041235714"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=st.text(max_size=5_000), repeat=st.booleans())
def test_whatever_a_notice_says_telegram_gets_whole_tags_and_no_others(text: str, repeat: bool) -> None:
    html = telegram_html(a_bundle(a_notice_entry(text=text, topic=text[:300]), repeat=repeat), SendPolicy())
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert not parser.open
    assert parser.seen <= {"b", "i"}
    assert len(parser.text.encode("utf-16-le")) // 2 <= 2 * LONGEST
    assert len(parser.text) <= LONGEST
    assert not re.search(r"[<>]", re.sub(r"</?[bi]>", "", html))


@pytest.mark.parametrize("changes", [{"grouped": True}, {"digest": True}])
def test_ten_signals_with_the_longest_names_fit_into_one_message(changes: dict[str, bool]) -> None:
    names: dict[str, Any] = {"strategy": "S" * 64, "instrument": "ABCDEFGHIJ_KLMNOPQRST"}
    entries = [an_entry(number, late="digest" in changes, **names) for number in range(1, 11)]
    parser = _Tags()
    parser.feed(telegram_html(a_bundle(*entries, repeat=True, **changes), BERLIN))
    assert len(parser.text) <= LONGEST
    assert all(entry.id[:8] in parser.text for entry in entries)


def test_a_mail_page_loads_nothing_and_runs_nothing() -> None:
    hostile = '<script>alert(1)</script><img src="https://evil.example/x.png">'
    page = mail_html(a_bundle(a_notice_entry(text=hostile, topic=hostile), repeat=True), SendPolicy())
    assert "<script" not in page
    assert "<img" not in page
    assert "http" not in page.replace("https://evil.example", "")
