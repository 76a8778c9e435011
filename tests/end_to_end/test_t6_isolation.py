"""T6: strategies share a pair, a candle, a server or a prefix of their names, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.faults import BrokerFault, status
from ninja_daemon.usecases.wake_result import Start
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import nasty, oracle, rules_for
from tests.end_to_end.stage import Stage
from tests.oracle import assert_same_signals, ids, read_candles, signals_after, signals_until

NEIGHBOURS = (
    rules_for("EUR_USD_D", "A", 1, 2),
    rules_for("EUR_USD_D", "A_D", 1, 3),
    rules_for("EUR_USD_D", "A.D", 2, 5, atr_period=7),
    rules_for("GBP_JPY_D", "a", 1, 2),
    rules_for("GBP_JPY_D", "signals", 2, 5),  # the name of a key
)


def test_t6_two_pairs_and_several_strategies_of_a_pair_each_get_their_own_signals(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    stage = make_stage(NEIGHBOURS, candles_dir)
    for place in range(400, 480):
        stage.show(candles[place], "D")
        stage.good_wake()
    for rules in NEIGHBOURS:
        everything = oracle(candles_dir / f"{rules.instrument}_D.csv", rules).signals
        must = [each for each in everything if candles[400]["time"] <= each["time"] <= candles[479]["time"]]
        assert len(must) > 10
        assert_same_signals(stage.listed(rules.name), must)
    found = ids(stage.listed())
    assert len(set(found.values())) == len(found)


def test_t6_what_is_lost_of_one_strategy_is_no_loss_to_another(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    stage = make_stage(NEIGHBOURS, candles_dir)
    stage.show(candles[400], "D")
    stage.good_wake()
    stage.client.delete(stage.keys.ma_state("A"))
    stage.show(candles[401], "D")
    starts = {outcome.strategy.name: outcome.start for outcome in stage.good_wake()}
    assert starts == {rules.name: Start.REBUILT if rules.name == "A" else Start.STORED for rules in NEIGHBOURS}


def test_t6_other_settings_mean_other_ids_new_averages_and_no_gap(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    first, second = nasty("GBP_JPY_D")[0], replace(nasty("GBP_JPY_D")[0], slow_ma=4)
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    stage = make_stage([first], candles_dir)
    for place in (400, 440):
        stage.show(candles[place], "D")
        stage.good_wake()
    stage.set_rules([second])
    stage.show(candles[480], "D")
    (outcome,) = stage.good_wake()
    assert (outcome.start, outcome.taken_in) == (Start.REBUILT, 40)
    csv = candles_dir / "GBP_JPY_D.csv"
    before = [each for each in oracle(csv, first).signals if each["time"] >= candles[400]["time"]]
    after = signals_after(oracle(csv, second).signals, candles[440]["time"])
    must = [
        *signals_until(before, candles[440]["time"]),
        *signals_until(after, candles[480]["time"]),
    ]
    assert_same_signals(stage.listed(), must)


def test_t6_a_pair_that_the_broker_refuses_keeps_no_other_from_its_signals(outside: Outside, candles_dir: Path) -> None:
    outside.watch(NEIGHBOURS)
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    outside.show(candles[400], "D")
    outside.once()
    stopped = outside.cursor("a")
    refusal = BrokerFault(status(404), instrument="GBP_JPY", granularity=Granularity.D)
    outside.server.faults.add(refusal)
    outside.show(candles[430], "D")
    done = outside.once(code=1)
    assert "a could not be brought up to date" in done.err
    assert "A could not" not in done.err
    assert outside.cursor("A") == outside.cursor("A_D") == outside.cursor("A.D") == candles[430]["time"]
    assert outside.cursor("a") == outside.cursor("signals") == stopped
    outside.server.faults.clear()
    outside.once()
    for rules in NEIGHBOURS:
        everything = oracle(candles_dir / f"{rules.instrument}_D.csv", rules).signals
        must = signals_until(signals_after(everything, candles[400]["time"]), candles[430]["time"])
        assert_same_signals(outside.listed(rules.name), must)


def test_t6_two_namespaces_in_one_redis_do_not_meet(outside: Outside, candles_dir: Path) -> None:
    (rules,) = nasty("EUR_USD_D")[:1]
    outside.watch([rules])
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    for place, namespaces in ((400, ("one", "two")), (430, ("one",)), (460, ("two", "one"))):
        outside.show(candles[place], "D")
        for namespace in namespaces:
            outside.once(NINJA_NAMESPACE=namespace)
    everything = signals_until(oracle(candles_dir / "EUR_USD_D.csv", rules).signals, candles[460]["time"])
    for namespace in ("one", "two"):
        must = signals_after(everything, candles[400]["time"])
        assert_same_signals(outside.listed(namespace=namespace), must)
    assert ids(outside.listed(namespace="one")) == ids(outside.listed(namespace="two"))
    assert {str(key).split(":")[0] for key in outside.redis.scan_iter()} == {"{one}", "{two}"}
