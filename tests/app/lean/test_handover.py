"""Settings on their way to the process that works by them: all of them, and nothing that is not ours."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest

from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.app.lean import handover
from ninja_daemon.app.lean.handover import Handed, go_on, pack, unpack
from ninja_daemon.app.serving.options import RunOptions
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.secret import Secret

EVERYTHING = """
[defaults]
fast_ma = 3
slow_ma = 5
min_atr_value = 0.0002
[strategies.one]
instrument = "EUR_USD"
timeframe = "H4"
sessions = ["london", "08:00-17:00 Europe/Zurich"]
days = ["mon", "fri"]
max_spread_pips = 1.5
min_candles_between = 5
fast_type = "ema"
trend = { timeframe = "D", ma_type = "sma", period = 200 }
[strategies.two]
instrument = "USD_JPY"
timeframe = "M"
ma_type = "hma"
price = "bid"
cost_pips = "spread"
atr_type = "wilder"
[destinations.desk]
channel = "webhook"
url = "env:DESK_URL"
headers = { Authorization = "env:DESK_KEY" }
quiet = { from = "22:00", to = "07:00", time_zone = "Europe/Berlin" }
rate = "5/2s"
symbols = { EUR_USD = "EURUSD.r" }
[destinations.room]
channel = "telegram"
token = "env:DESK_KEY"
chat_id = "-100123"
outcomes = "edit"
[[routes]]
match = { side = "BUY", min_risk_reward = 1.25 }
to = ["desk"]
[shards]
count = 4
[calendar]
file = "https://news.example/week.json"
zone = "America/New_York"
[audit]
every = "2 days"
[web]
public_delay = "20 min"
"""


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handed:
    (tmp_path / "ninja.toml").write_text(EVERYTHING, encoding="utf-8")
    (tmp_path / ".env").write_text(
        "OANDA_ACCESS_TOKEN=a-token-of-tests\nDESK_KEY=123456:AAkeyOfTheTestsWhichIsLongEnough123\n"
    )
    monkeypatch.setenv("NINJA_CONFIG", str(tmp_path / "ninja.toml"))
    monkeypatch.setenv("NINJA_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DESK_URL", "https://desk.example/hook")
    monkeypatch.chdir(tmp_path)
    return Handed(RunOptions(once=True, processes=1, log_level=LogLevel.INFO), *load_settings())


def packed(value: object) -> io.BytesIO:
    file = io.BytesIO()
    pack(value, file)
    file.seek(0)
    return file


def test_all_settings_arrive_as_they_were_read(handed: Handed) -> None:
    arrived = unpack(packed(handed))
    assert arrived == handed
    assert [each.settings_hash for each in arrived.configuration.strategies] == [
        each.settings_hash
        for each in handed.configuration.strategies  # type: ignore[union-attr]
    ]
    environment = arrived.environment
    assert {secret.reveal() for secret in environment.secrets} == {s.reveal() for s in handed.environment.secrets}
    assert environment.lookup("DESK_KEY") == Secret("123456:AAkeyOfTheTestsWhichIsLongEnough123")


def test_enums_arrive_whatever_this_release_of_python_makes_of_them(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_name(self: Enum, protocol: int) -> tuple[object, ...]:  # as Python 3.11.2 does
        del protocol
        return getattr, (type(self), self.name)

    monkeypatch.setattr(Enum, "__reduce_ex__", by_name)
    assert unpack(packed(handed)) == handed


def test_the_environment_itself_stays_where_it_is(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    file = packed(handed)
    monkeypatch.setenv("DESK_URL", "https://other.example/hook")
    assert unpack(file).environment.lookup("DESK_URL") == Secret("https://other.example/hook")


def test_nothing_is_loaded_that_is_not_a_value_of_ours() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"must be made of values of ours, had (posix|os)\.system"):
        unpack(io.BytesIO(pickle.dumps(os.system)))


def test_a_process_that_was_handed_nothing_knows() -> None:
    assert unpack(io.BytesIO()) is None


def test_without_a_process_that_waits_the_command_goes_on_itself(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def body_of(command: str) -> Callable[[Handed], int]:
        asked.append(command)
        return lambda given: 7 if given is handed else 0

    monkeypatch.setattr(handover, "body_of", body_of)
    assert go_on("run", handed, None) == 7
    given: list[Handed] = []
    assert go_on("run", handed, given.append) == 0
    assert (asked, given) == (["run"], [handed])
