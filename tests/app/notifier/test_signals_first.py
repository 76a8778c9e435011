"""Alerts come after signals, and yet within a second while signals never cease."""

from __future__ import annotations

import threading

import redis

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.signal import encode_signal
from tests.app.notifier.test_process import SIGNALS, client, prepared, server, webhook
from tests.fakes.messages import a_notice, a_signal
from tests.fakes.receiver import Receiver
from tests.processes import Workplace, workplace

__all__ = ["client", "server", "workplace"]


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
            client.rpush("{ninja}:alerts", encode_notice(a_notice()))
        if any(post.path == "/ops" for post in list(server.posts)):
            is_told.set()
    assert is_told.is_set()
    server.wait_for_posts(listed + 1)
    running.terminate().exited(0)
