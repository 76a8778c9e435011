"""Figures for Prometheus and answers for health checks, over HTTP on this machine alone.

Nothing is counted here: a page asks for the figures when somebody looks at it, so that work never waits for a watcher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from ninja_daemon.core.histogram import Histogram


class Name(NamedTuple):
    """One figure that is exported.

    Attributes:
        kind: ``gauge``, ``counter`` (its name ends with ``_total``) or ``histogram``.
        help: what it is, for people.
        labels: what its values are told apart by.
    """

    kind: str
    help: str
    labels: tuple[str, ...] = ()


NAMES: Final[Mapping[str, Name]] = {
    "ninja_build_info": Name("gauge", "1; the version is a label", ("version", "role")),
    "ninja_redis_up": Name("gauge", "1 while Redis answers and takes writes"),
    "ninja_shard_active": Name("gauge", "1 while this process leads the shard", ("shard",)),
    "ninja_takeover_seconds": Name("gauge", "Seconds from the end of another's lease to ours, at the last takeover"),
    # --- the daemon
    "ninja_active": Name("gauge", "1 in the daemon that holds the lease"),
    "ninja_strategies": Name("gauge", "strategies that are watched"),
    "ninja_strategies_waiting": Name("gauge", "strategies that are not up to date, see status"),
    "ninja_wakes_total": Name("counter", "wakes"),
    "ninja_looks_total": Name("counter", "looks at the broker"),
    "ninja_evaluated_total": Name("counter", "candles evaluated"),
    "ninja_fetched_total": Name("counter", "complete candles that the broker sent"),
    "ninja_averages_total": Name("counter", "evaluations by where their averages came from", ("start",)),
    "ninja_hit_ratio": Name("gauge", "share of evaluations that found their averages stored"),
    "ninja_signals_total": Name("counter", "signals put on the list"),
    "ninja_strategy_signals_total": Name(
        "counter", "signals put on the list since the start", ("strategy", "instrument", "side")
    ),
    "ninja_rejected_total": Name("counter", "crosses that a filter rejected since the start", ("strategy", "filter")),
    "ninja_last_signal_timestamp_seconds": Name("gauge", "close of the last signal's candle", ("strategy",)),
    "ninja_usual_silence_seconds": Name("gauge", "mean time between two signals, from five on", ("strategy",)),
    "ninja_outcomes_total": Name("counter", "signals that ended, by how", ("strategy", "result")),
    "ninja_outcome_r": Name("gauge", "sum of R of the signals that ended since the start", ("strategy",)),
    "ninja_last_wake_timestamp_seconds": Name("gauge", "when the last wake ended"),
    "ninja_last_good_wake_timestamp_seconds": Name("gauge", "when the last wake ended that left nothing waiting"),
    "ninja_last_candle_timestamp_seconds": Name("gauge", "open of the last candle taken in", ("strategy",)),
    "ninja_lag_seconds": Name("gauge", "how long ago the next candle has closed; 0 when it has not", ("strategy",)),
    "ninja_audit_timestamp_seconds": Name("gauge", "when the strategy audited longest ago was audited; 0 for never"),
    "ninja_audit_differences": Name("gauge", "differences that the daemon's own audits found last", ("kind",)),
    "ninja_closes_due_total": Name("counter", "scheduled closes since the start", ("strategy",)),
    "ninja_closes_evaluated_total": Name(
        "counter", "those that were evaluated, or had no candle because there was no price", ("strategy",)
    ),
    "ninja_completion_delay_seconds": Name("histogram", "close to seen complete, each series", ("timeframe",)),
    "ninja_signal_latency_seconds": Name("histogram", "close of the candle to the signal's commit, late ones left out"),
    "ninja_broker_requests_total": Name("counter", "requests by HTTP status, 0 for no answer", ("status",)),
    "ninja_broker_connections_total": Name("counter", "connections opened to the broker"),
    "ninja_broker_bytes_total": Name("counter", "bytes of the broker's answers"),
    "ninja_state_free_bytes": Name("gauge", "room on the disk of the state directory"),
    "ninja_kept_commits": Name("gauge", "commits that wait in the local journal for Redis"),
    # --- the notifier
    "ninja_events_total": Name(
        "counter", "what happened in delivery, by the journal's event", ("event", "destination")
    ),
    "ninja_delivery_seconds": Name("histogram", "take from the lane to acceptance, attempts that succeeded"),
    "ninja_list_signals": Name("gauge", "signals on the list that no lane has yet"),
    "ninja_list_alerts": Name("gauge", "alerts that wait"),
    "ninja_list_outcomes": Name("gauge", "outcomes that wait"),
    "ninja_lane_messages": Name("gauge", "messages in a lane", ("destination",)),
    "ninja_lane_oldest_seconds": Name("gauge", "age of the first message of a lane", ("destination",)),
    "ninja_lane_stopped": Name("gauge", "1 for a lane that is paused or suspended", ("destination",)),
    "ninja_dead_letters": Name("gauge", "dead letters", ("destination",)),
    "ninja_delivered_total": Name("counter", "messages delivered, ever", ("destination",)),
    "ninja_repeats_total": Name("counter", "messages delivered perhaps twice, ever", ("destination",)),
    "ninja_outcomes_shown_total": Name("counter", "outcomes that a destination shows, ever", ("destination",)),
    "ninja_outcomes_dropped_total": Name("counter", "outcomes that it could not show, ever", ("destination",)),
}
"""Every figure, by name; docs/operations.md shows them to people."""


class MetricValue(NamedTuple):
    """A figure's value, or a distribution for a histogram."""

    name: str
    value: float | Histogram
    labels: tuple[str, ...] = ()


class _Figures(Collector):
    def __init__(self, readings: Callable[[], Iterable[MetricValue]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[MetricValue]] = {}
        for reading in self._readings():
            by_name.setdefault(reading.name, []).append(reading)
        for name, found in by_name.items():
            yield _family(name, found)


def _family(name: str, readings: Sequence[MetricValue]) -> Metric:
    kind, text, labels = NAMES[name]
    if kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for reading in readings:
            if isinstance(reading.value, Histogram):
                bins, total = reading.value.cumulated()
                histogram.add_metric(reading.labels, buckets=bins, sum_value=total)
        return histogram
    family = (
        CounterMetricFamily(name, text, labels=labels)
        if kind == "counter"
        else GaugeMetricFamily(name, text, labels=labels)
    )
    for reading in readings:
        if not isinstance(reading.value, Histogram):
            family.add_metric(reading.labels, reading.value)
    return family


def exposed(readings: Callable[[], Iterable[MetricValue]]) -> bytes:
    """Return the figures in the text form that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_Figures(readings))
    return generate_latest(registry)
