"""A Redis in which a daemon has been at work, and the broker that it asked, for the commands that compare both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from ninja_daemon.app import cli, wiring
from ninja_daemon.core.market.candle import Candle
from tests.app.stored import CONFIGURATION, EUR_USD, M15, candles, closes_with_crosses, work
from tests.fakes.broker import FakeBroker

TAKEN_IN = 300
SEEN_AT_START = 20


class Committed:
    """What a daemon has left behind, and the command line over it.

    Attributes:
        client: of its Redis.
        candles: the broker's, which a test may change.
    """

    def __init__(self, client: redis.Redis, broker: FakeBroker, capsys: pytest.CaptureFixture[str]) -> None:
        self.client = client
        self.candles: list[Candle] = list(broker.candles[M15.series])
        broker.candles[M15.series] = self.candles
        self._capsys = capsys
        self.error = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, self.error = self._capsys.readouterr()
        assert (ended.value.code or 0) == code, (out, self.error)
        return out

    def listed(self) -> list[str]:
        """The signals that are in the history, as they were listed."""
        return [str(text) for text in self.client.lrange("{ninja}:history", 0, -1)]

    def revise(self, index: int, **prices: int) -> Candle:
        """Let the broker show a candle otherwise than before."""
        self.candles[index] = self.candles[index]._replace(**prices)
        return self.candles[index]


@pytest.fixture
def committed(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Committed]:
    class Closing(FakeBroker):
        close: Callable[[], None] = staticmethod(lambda: None)

    closes = closes_with_crosses(TAKEN_IN)
    work(redis_url, tmp_path, closes, seen_at_start=SEEN_AT_START)
    broker = Closing({"EUR_USD": EUR_USD}, {M15.series: candles(closes)})
    monkeypatch.setattr(wiring, "candle_source", lambda _: broker)
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "NINJA_CONFIG": "ninja.toml",
        "REDIS_URL": redis_url,
        "COLUMNS": "80",
        "NINJA_STATE_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield Committed(client, broker, capsys)
