"""A notifier that takes changed destinations over while a post hangs."""

from __future__ import annotations

import redis

from tests.app.notifier.test_process import client, lists, prepared, server, webhook
from tests.fakes.receiver import OK, Answer, Receiver
from tests.processes import Workplace, workplace

__all__ = ["client", "server", "workplace"]


def ours(client: redis.Redis) -> int:
    """Return how many connections the notifier has."""
    return sum("notifier" in one["name"] for one in client.client_list())


def test_a_post_that_hangs_over_a_takeover_leaves_no_connection(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    server.script = lambda post: Answer(how="hang") if post.path == "/bad" else OK
    running = prepared(workplace, redis_url, webhook("bad", server, 'timeout = "6 s"')).start("notify")
    running.says("serves bad")
    lists(client, 1)
    server.wait_for_posts(1)
    before = ours(client)
    prepared(workplace, redis_url, webhook("bad", server, 'timeout = "7 s"'))
    workplace.run("reload").exited(0)
    assert ours(client) > before, "those of the post that hangs are still there"
    running.until(lambda: ours(client) <= before, "connections let go")
    running.terminate().exited(0)
