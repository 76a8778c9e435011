"""The scene of the stored data: market, strategies, destinations and messages, the same for its making and its use.

A destination is named by the state that its lane is left in. A message is named by its destination and a number.
"""

from __future__ import annotations

import hashlib
import time
from calendar import timegm
from collections.abc import Mapping
from pathlib import Path

MOMENT = 1_780_315_200
"""The stored data says that it was made at this moment: 2026-06-01T12:00:00Z. ``load`` moves it to another."""
FIRST = 600
"""Place of the newest candle at the first start. The market is then shown in steps of ten candles."""
STEP = 10
_START = 1_600_000_200
_CANDLES = 700

KINDS = ("sma", "ema", "wma", "smma", "dema", "tema", "hma")
STRATEGIES = (*(f"{kind}_M15" for kind in KINDS), "filtered_M15")

_MANNERS = {
    "desk": "",
    "ops": "",
    "unreached": "",
    "unsure": "",
    "follower": 'after = "unsure"\n',
    "refused": "",
    "expired": 'max_age = "1 s"\n',
    "suspended": "",
    "paused": "",
    "paused_a_while": "",
    "quiet": "",
    "delayed": 'delay = "1 h"\n',
    "digest": 'late = "digest"\n',
    "dropper": 'late = "drop"\n',
    "grouped": "group = true\n",
    "rated": 'rate = "1/10min"\n',
    "leased": "",
    "discord_a": "",
    "discord_b": "",
    "away_unsure": "",
    "away_refused": "",
    "away_suspended": "",
    "away_paused": "",
}
DESTINATIONS = tuple(_MANNERS)
_ROUTES = {
    "sma_M15": ("desk",),
    "ema_M15": ("desk",),
    "wma_M15": ("desk",),
    "smma_M15": ("away_unsure",),
    "dema_M15": ("away_refused",),
    "tema_M15": ("away_suspended",),
    "hma_M15": ("away_paused",),
    "unsure": ("unsure", "follower"),
    "hushed": ("desk",),
    "unwanted": (),
}
"""Who gets a strategy's signals, where that is not the destination of its name."""


def configuration(
    url: str,
    *,
    policy: Mapping[str, str] | None = None,
    routes: Mapping[str, str] | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> str:
    """The configuration file.

    Args:
        url: of the receiver of all destinations; the path of a post names the destination.
        policy: settings of single destinations, in place of those that the data was made under.
        routes: one destination more for a strategy that had none.
        elsewhere: addresses of single destinations.
    """
    urls = {name: f"{url}/{name}" for name in DESTINATIONS} | dict(elsewhere or {})
    behaviour = {**_MANNERS, "quiet": _quiet_now(), **(policy or {})}
    to = {**{name: (name,) for name in DESTINATIONS}, **_ROUTES, **{name: (to,) for name, to in (routes or {}).items()}}
    return "\n".join(
        (
            *map(_strategy, STRATEGIES),
            *(_destination(name, urls[name], behaviour[name]) for name in DESTINATIONS),
            *(_route(name, names) for name, names in to.items()),
            '[alerts]\nto = ["ops"]\n',
            '[heartbeat]\nat = "00:00"\nto = ["ops"]\n',
        )
    )


def _quiet_now() -> str:
    now = time.time()
    begin, end = (time.strftime("%H:%M", time.gmtime(now + hours * 3_600)) for hours in (-1, 2))
    return f'quiet = {{ from = "{begin}", to = "{end}" }}\n'


def _strategy(name: str) -> str:
    kind = name.removesuffix("_M15")
    more = "min_rr_ratio = 2.0\n" if kind == "filtered" else f'ma_type = "{kind}"\n'
    return (
        f'[strategies.{name}]\ninstrument = "EUR_USD"\ntimeframe = "M15"\nfast_ma = 3\nslow_ma = 8\n'
        f'atr_period = 5\nmarket_hours = "always"\n{more}'
    )


def _destination(name: str, url: str, policy: str) -> str:
    channel = "webhook"
    if name.startswith("discord"):
        channel, url = "discord", url.replace(f"/{name}", f"/api/webhooks/1/{name}")
    return f'[destinations.{name}]\nchannel = "{channel}"\nurl = "{url}"\ninsecure = true\n{policy}'


def _route(strategy: str, to: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in to)
    return f'[[routes]]\nmatch = {{ strategy = "{strategy}" }}\nto = [{names}]\n'


def write_market(folder: Path) -> Path:
    """Write candles whose closes go up for ten candles and down for ten, so that each average crosses once in ten."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["time,open,high,low,close,volume"]
    before = 110_000
    for place in range(_CANDLES):
        close = 110_000 + 20 * min(place % 20, 20 - place % 20)
        prices = (before, max(before, close) + 10, min(before, close) - 10, close)
        printed = ",".join(f"{price // 100_000}.{price % 100_000:05}" for price in prices)
        lines.append(f"{candle_time(place)},{printed},100")
        before = close
    (folder / "EUR_USD_M15.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder


def candle_time(place: int) -> str:
    """The open of a candle, RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + 900 * place))


def just_after(place: int) -> float:
    """Epoch seconds a little after the close of a candle."""
    return _START + 900 * (place + 1) + 2.0


def step_of(opened: str) -> int:
    """How many candles the market was shown behind the first start when it first showed this one."""
    seconds = timegm(time.strptime(opened, "%Y-%m-%dT%H:%M:%SZ")) - _START - 900 * FIRST
    return -(-seconds // (900 * STEP)) * STEP


def identity(strategy: str, number: int) -> str:
    """The id of a message of the scene."""
    return hashlib.md5(f"{strategy} {number}".encode(), usedforsecurity=False).hexdigest()


def message(strategy: str, number: int) -> bytes:
    """A message of the scene: the signal of the contract, for the destination of the strategy's name."""
    late = "true" if strategy in {"digest", "dropper"} else "false"
    return (
        f'{{"schema":1,"id":"{identity(strategy, number)}","strategy":"{strategy}","instrument":"EUR_USD",'
        '"timeframe":"H4","time":"2022-03-04T14:00:00Z","close_time":"2022-03-04T18:00:00Z","signal":-1,'
        '"side":"SELL","close":1.09259,"fast_ma":1.11873125,"slow_ma":1.1190142857,"atr":0.0041235714,'
        '"stop_loss":1.10084,"take_profit":1.08022,"sl_pips":82.5,"tp_pips":123.7,"risk_reward_ratio":1.5,'
        f'"late":{late},"created_at":"2022-03-04T18:00:02.113Z"}}'
    ).encode()


def label(strategy: str, one: str, opened: str = "") -> str:
    """What a message is called in the tests: ``desk 1``; ``sma +20`` for the daemon's.

    Args:
        strategy: its strategy.
        one: its id.
        opened: open of its candle, for the daemon's.
    """
    if strategy in STRATEGIES:
        return f"{strategy.removesuffix('_M15')} +{step_of(opened)}"
    return next(f"{strategy} {number}" for number in range(1, 10) if identity(strategy, number).startswith(one))
