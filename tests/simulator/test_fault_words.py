from __future__ import annotations

import re

import pytest

from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.simulator.faults import (
    BrokerFault,
    CloseText,
    Delay,
    Flaw,
    Late,
    Missing,
    Reset,
    Revised,
    Skew,
    Spoiled,
    body,
    redirect,
    status,
)
from ninja_daemon.simulator.faults.words import FAULT_NAMES, read_fault
from tests.conftest import ROOT

AT = parse_instant("2026-11-19T15:00:00Z")
NEEDED = {"missing": "=2026-11-19T15:00:00Z", "revised": "=2026-11-19T15:00:00Z", "price": "=1e5"}
NEEDED["late"] = "=2026-11-19T15:00:00Z,until=2026-11-19T15:01:00Z"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", BrokerFault(Reset())),
        ("delay=2.5", BrokerFault(Delay(2.5))),
        ("429", BrokerFault(status(429))),
        ("429,retry-after=date:30,times=3", BrokerFault(status(429, retry_after="date:30"), times=3)),
        ("502,share=0.25,skip=2,path=/latest", BrokerFault(status(502), share=0.25, skip=2, path="/latest")),
        ("skew=-10", BrokerFault(Skew(-10))),
        ("null", BrokerFault(body("null"))),
        ("redirect=http://other.invalid/", BrokerFault(redirect("http://other.invalid/"))),
        ("price=NaN", BrokerFault(CloseText("NaN"))),
        ("duplicate", BrokerFault(Spoiled(Flaw.DUPLICATE))),
        ("zero=2026-11-19T15:00:00Z", BrokerFault(Spoiled(Flaw.ZERO, AT))),
        (
            "missing=2026-11-19T15:00:00Z,instrument=EUR_USD,granularity=H4",
            BrokerFault(Missing(AT), instrument="EUR_USD", granularity=Granularity.H4),
        ),
        ("late=2026-11-19T15:00:00Z,until=2026-11-19T15:01:00Z", BrokerFault(Late(AT, AT + 60))),
        ("revised=2026-11-19T15:00:00Z,by=-3,since=2026-11-19T16:00:00Z", BrokerFault(Revised(AT, -3, AT + 3_600))),
    ],
)
def test_a_fault_is_read_as_it_is_said(text: str, fault: BrokerFault) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_name_makes_a_fault(name: str) -> None:
    assert read_fault(name + NEEDED.get(name, "")).times is None


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_name_is_explained_in_the_manual(name: str) -> None:
    manual = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert re.search(rf"`{name}[`=]", manual)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with one of 400 401"),
        ("bogus", "was 'bogus'"),
        ("429,again", "what follows a comma must look like times=3, was 'again'"),
        ("429,tims=1", "a key must be one of granularity instrument path retry-after share skip times, was 'tims'"),
        ("reset,retry-after=1", "was 'retry-after'"),
        ("reset,times=often", "times must be a whole number, was 'often'"),
        ("reset,share=2", "share must be a number from 0 to 1, was '2'"),
        ("reset,share=nan", "share must be a number from 0 to 1, was 'nan'"),
        ("delay=-1", "delay must be a number from 0 to 86400, was '-1'"),
        ("delay=long", "delay must be a number from 0 to 86400, was 'long'"),
        ("cut-body=1.5", "cut-body must be a whole number, was '1.5'"),
        ("missing=yesterday", "an instant must look like"),
        ("missing", "an instant must look like"),
        ("late=2026-11-19T15:00:00Z", "until= must be given, too"),
        ("reset,granularity=H5", "a timeframe must be one of"),
    ],
)
def test_what_is_not_understood_is_said_with_what_is(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_fault(text)
    assert message in str(caught.value)
