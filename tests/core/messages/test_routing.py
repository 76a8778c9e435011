"""Who gets which signal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.messages.routing import (
    MATCH_ALL,
    Match,
    Prospect,
    Route,
    Silence,
    audible,
    destinations_for,
    unused_routes,
)
from ninja_daemon.core.signals.crossover import Side

SIGNAL = Prospect("EUR_USD_H4", "EUR_USD", "H4", Side.BUY, False, Decimal("1.5"))


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        (Match(), True),
        (Match(instrument=("EUR_USD", "GBP_JPY")), True),
        (Match(instrument=("EUR_*",)), True),
        (Match(instrument=("eur_usd",)), False),
        (Match(instrument=("GBP_JPY",)), False),
        (Match(timeframe=("H4",)), True),
        (Match(timeframe=("D",)), False),
        (Match(strategy=("*_H4",)), True),
        (Match(strategy=("other",)), False),
        (Match(side=Side.BUY), True),
        (Match(side=Side.SELL), False),
        (Match(late=False), True),
        (Match(late=True), False),
        (Match(min_risk_reward=Decimal("1.5")), True),
        (Match(min_risk_reward=Decimal("1.50001")), False),
        (Match(instrument=("EUR_USD",), side=Side.SELL), False),
    ],
)
def test_a_match_holds_when_every_condition_does(match: Match, holds: bool) -> None:
    assert match.holds(SIGNAL) is holds


def test_the_first_route_that_matches_takes_the_signal() -> None:
    routes = (Route(Match(side=Side.SELL), ("a",)), Route(MATCH_ALL, ("b",)), Route(MATCH_ALL, ("c",)))
    assert destinations_for(routes, SIGNAL) == ("b",)


def test_a_route_that_continues_lets_the_next_ones_see_it() -> None:
    routes = (Route(MATCH_ALL, ("a", "b"), goes_on=True), Route(MATCH_ALL, ("b", "c")), Route(MATCH_ALL, ("d",)))
    assert destinations_for(routes, SIGNAL) == ("a", "b", "c")


def test_finer_routes_come_before_their_parents_own_destinations() -> None:
    finer = (Route(Match(timeframe=("D",)), ("daily",)), Route(Match(timeframe=("H4",)), ("fast",)))
    routes = (Route(Match(instrument=("EUR_USD",)), ("euro",), routes=finer), Route(MATCH_ALL, ("rest",)))
    assert destinations_for(routes, SIGNAL) == ("fast",)
    assert destinations_for(routes, replace(SIGNAL, timeframe="M15")) == ("euro",)
    assert destinations_for(routes, replace(SIGNAL, instrument="GBP_JPY")) == ("rest",)


def test_a_signal_that_no_route_takes_is_told_from_one_that_nobody_wants() -> None:
    assert destinations_for((Route(Match(side=Side.SELL), ("a",)),), SIGNAL) is None
    assert destinations_for((Route(MATCH_ALL, ()),), SIGNAL) == ()


routes_of = st.recursive(
    st.builds(
        Route,
        st.builds(Match, side=st.sampled_from([None, *Side]), late=st.sampled_from([None, True, False])),
        st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
        st.booleans(),
    ),
    lambda inner: st.builds(
        Route, st.just(MATCH_ALL), st.just(("p",)), st.booleans(), st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


@given(st.lists(routes_of, max_size=5), st.sampled_from(list(Side)), st.booleans())
def test_with_a_last_route_that_takes_everything_no_signal_is_lost(routes: list[Route], side: Side, late: bool) -> None:
    signal = replace(SIGNAL, side=side, late=late)
    to = destinations_for((*routes, Route(MATCH_ALL, ("z",))), signal)
    assert to is not None
    assert len(set(to)) == len(to)


def test_a_silence_hushes_what_it_matches_where_it_holds_until_it_ends() -> None:
    silence = Silence("s", Match(instrument=("EUR_*",)), until=100.0, destinations=("a",))
    assert audible(("a", "b"), (silence,), SIGNAL, 99.9) == ("b",)
    assert audible(("a", "b"), (silence,), SIGNAL, 100.0) == ("a", "b")
    assert audible(("a",), (silence,), replace(SIGNAL, instrument="GBP_JPY"), 1.0) == ("a",)
    assert audible(("a", "b"), (replace(silence, destinations=()),), SIGNAL, 1.0) == ()


def test_a_route_is_unused_when_nothing_gets_to_it_nor_to_those_within() -> None:
    pounds, euros = Match(instrument=("GBP_*",)), Match(instrument=("EUR_USD",))
    within = (Route(Match(side=Side.SELL), ("a",)), Route(Match(side=Side.BUY), ("b",)))
    routes = [
        Route(pounds, ("a",), goes_on=True),
        Route(pounds, (), routes=(Route(euros, ("a",)),)),
        Route(euros, (), routes=within),
        Route(MATCH_ALL, ("c",)),
    ]
    assert unused_routes(routes, [SIGNAL]) == ((1,), (2,), (3, 1), (4,))
    assert unused_routes(routes, [SIGNAL, replace(SIGNAL, side=Side.SELL)]) == ((1,), (2,), (4,))
    assert unused_routes(routes, [SIGNAL, replace(SIGNAL, instrument="GBP_JPY")]) == ((2, 1), (3, 1), (4,))
    assert unused_routes(routes[3:], [SIGNAL]) == ()
