"""Alerts come after signals, and yet within a second while signals never cease, and what ails them stays theirs."""

from __future__ import annotations

import threading

import redis

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.usecases.delivery.drain import DRAIN_MOST
from tests.app.notifier.test_process import SIGNALS, client, prepared, server, webhook
from tests.fakes.messages import a_notice, a_signal
from tests.fakes.receiver import Receiver
from tests.processes import Workplace, workplace

__all__ = ["client", "server", "workplace"]
ALERTS = "{ninja}:alerts"


def test_signals_without_a_pause_keep_no_alert_waiting(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    tables = webhook("desk", server), webhook("ops", server)
    routes = '[[routes]]\nmatch = {}\nto = ["desk"]\n[alerts]\nto = ["ops"]'
    running = prepared(workplace, redis_url, *tables, routes).start("notify")
    running.says("serves desk")
    is_told, listed = threading.Event(), 0
    while not is_told.wait(0.01) and listed < 2_000:
        listed += 1
        client.rpush(SIGNALS, encode_signal(a_signal(listed)))
        if listed == 20:
            client.rpush(ALERTS, encode_notice(a_notice()))
        if any(post.path == "/ops" for post in list(server.posts)):
            is_told.set()
    assert is_told.is_set()
    server.wait_for_posts(listed + 1)
    running.terminate().exited(0)


def test_a_list_of_alerts_of_the_wrong_type_keeps_no_signal_waiting(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    client.set(ALERTS, "no list")
    running = prepared(workplace, redis_url, webhook("desk", server)).start("notify")
    for number in (1, 2):
        client.rpush(SIGNALS, encode_signal(a_signal(number)))
        server.wait_for_posts(number)
    running.says("alerts cannot be taken off their list")
    client.delete(ALERTS)
    client.rpush(ALERTS, encode_notice(a_notice()))
    running.says("alerts can be taken again")
    running.says("The broker refuses the token.")
    assert "Redis is away" not in running.terminate().exited(0).err


def test_alerts_of_many_steps_wait_for_no_signal_between_them(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    client.rpush(ALERTS, *(encode_notice(a_notice(id=f"a{number}")) for number in range(5 * DRAIN_MOST)))
    client.config_resetstat()
    running = prepared(workplace, redis_url, webhook("ops", server), '[alerts]\nto = ["ops"]').start("notify")
    running.until(lambda: not client.exists(ALERTS), "the end of the list")
    assert client.info("commandstats").get("cmdstat_blmove", {"calls": 0})["calls"] <= 1
    running.terminate().exited(0)
