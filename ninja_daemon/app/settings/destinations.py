"""``[destinations.NAME]``: where messages go, by which channel, and the send policy of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Final, get_args, get_type_hints

from pydantic import Field, create_model

from ninja_daemon.adapters.channels.kind import TEXT_KEYS, ChannelKind, key_of, no_endpoint
from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.adapters.channels.wording.languages import ENGLISH, LANGUAGES
from ninja_daemon.adapters.channels.wording.presets import SECRET_FIELDS
from ninja_daemon.adapters.network.host_names import LARGEST_PORT
from ninja_daemon.app.settings.servers.proxies import looked_up, proxy_address
from ninja_daemon.app.settings.spans import LONGEST_WAIT, span_between
from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.values import (
    CLOCK,
    NAME,
    SWITCH,
    TEXT,
    ZONE,
    Refused,
    Value,
    ValueOf,
    decimal,
    must_be,
    one_of,
    whole,
)
from ninja_daemon.core.filters.days import DAYS
from ninja_daemon.core.market.instrument import is_instrument_name
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.messages.send_policy import LatePolicy, OutcomePolicy, QuietHours, Rate, SendPolicy
from ninja_daemon.core.messages.style import Style
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.spans import span

SecretLookup = Callable[[str], Secret | None]
_LONGEST_GROUP_WAIT: Final = 3_600
_LONGEST_TIMEOUT: Final = 60
_MOST_DESTINATIONS: Final = 64
NUMBER: Final = decimal(above_zero=False)
_SYMBOL: Final = re.compile(r"[A-Za-z0-9._/#+\-]{1,32}", re.ASCII)
_SYMBOL_FORM: Final = "1 to 32 letters, digits and . _ / # + -"
_RATE: Final = re.compile(r"(\d{1,4})\s*(?:/|per|a)\s*(\d{1,4})?\s*([a-z]{1,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Context:
    """What tables about delivery need to know.

    Attributes:
        destinations: the names that there are.
        secret: looks up the value behind ``env:NAME``.
    """

    destinations: Sequence[str]
    secret: SecretLookup


# --- options of a channel -------------------------------------------------------------------------------------------


def _looked_up(value: object, context: Context) -> Secret:
    return looked_up(value, context.secret)


def _revealed(value: object, context: Context) -> str:
    return _looked_up(value, context).reveal()


def _texts(value: object, context: Context) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    return (_revealed(value, context),)


def _headers(value: object, context: Context) -> Mapping[str, Secret]:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    return {name: _looked_up(text, context) for name, text in value.items()}


def _fields(value: object, context: Context) -> Mapping[str, str | Decimal | Secret]:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004 - as above
    return {name: _field(name, item, context) for name, item in value.items()}


def _field(name: str, value: object, context: Context) -> str | Decimal | Secret:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return NUMBER(value)
    secret = _looked_up(value, context)
    return secret if name in SECRET_FIELDS or str(value).startswith("env:") else secret.reveal()


def _text_or_number(value: object, context: Context) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _revealed(value, context)


_OPTIONS: Final[Mapping[object, Value[Any]]] = {
    Secret: ValueOf("text", _looked_up, hidden=True),
    str: ValueOf("text", _revealed),
    str | int: ValueOf("text", _text_or_number),
    tuple[str, ...]: ValueOf("a list of texts", _texts),
    Mapping[str, Secret]: ValueOf('a table like { Authorization = "env:NAME" }', _headers, hidden=True),
    Mapping[str, str | Decimal | Secret]: ValueOf("a table like { volume = 0.01 }", _fields, hidden=True),
    bool: SWITCH,
    int: whole(1, LARGEST_PORT),
}
"""How an option of each type is read; a whole number is a port."""


# --- send policy ----------------------------------------------------------------------------------------------------


def _rate(value: object) -> Rate | None:
    if value == "none":
        return None
    match = _RATE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or not int(match[1]) or not int(match[2] or 1):
        raise ValueError
    return Rate(int(match[1]), float(span(f"{match[2] or 1} {match[3]}")))


def _days(value: object) -> frozenset[int]:
    if not isinstance(value, list) or not value or not all(day in DAYS for day in value):
        raise ValueError
    return frozenset(DAYS.index(day) for day in value)


def _symbol(value: object) -> str:
    if not isinstance(value, str) or _SYMBOL.fullmatch(value) is None:
        raise ValueError
    return value


def _symbols(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or not all(is_instrument_name(name) for name in value):
        raise ValueError
    return tuple((name, _symbol(symbol)) for name, symbol in value.items())


class QuietTable(Table):
    """``quiet = { … }`` of a destination."""

    SHAPE: ClassVar[str] = '{ from = "22:00", to = "07:00", time_zone = "Europe/Berlin" }'
    start: Annotated[int, CLOCK] = Field(alias="from")
    """When they begin."""
    end: Annotated[int, CLOCK] = Field(alias="to")
    """When they end; before ``from`` when they last over midnight."""
    time_zone: Annotated[str, ZONE] = "UTC"
    """Zone of that clock."""
    days: Annotated[frozenset[int], Value(f"a list of {', '.join(DAYS)}", _days)] = frozenset(range(7))
    """Days of the week on which they begin."""


def _quiet(value: object) -> QuietHours:
    table = read_table(QuietTable, value)
    if table.start == table.end:
        raise Refused((".to", "must be another time than from"))
    return QuietHours(table.start, table.end, table.time_zone, table.days)


def _proxy(value: object, context: Context) -> Secret:
    return proxy_address(value, context.secret)


class SendPolicyTable(Table):
    """The keys of every destination, whatever its channel; what is left out is as the channel has it."""

    channel: Annotated[str, TEXT]
    """Kind of channel. Required."""
    max_age: Annotated[float, span_between(1, LONGEST_WAIT, " of at least one second")] = 0
    """Age in seconds at which a message that could not be delivered becomes a dead letter."""
    rate: Annotated[Rate | None, Value('a rate like "1/s", "30/min" or "5/2s", or "none"', _rate)] = None
    """Messages a period at most."""
    group: Annotated[bool, SWITCH] = False
    """Send the signals of one close as one message."""
    group_wait: Annotated[float, span_between(0, _LONGEST_GROUP_WAIT, " of at most an hour")] = 0
    """How long the first signal of a group waits for the others, in seconds."""
    late: Annotated[LatePolicy, one_of({each.value: each for each in LatePolicy}, ", ")] = LatePolicy.SEND
    """What is done with late signals."""
    delay: Annotated[float, span_between(0, LONGEST_WAIT)] = 0
    """How long everything is held back, in seconds."""
    after: Annotated[str, Value("the name of a destination", TEXT.read)] = ""
    """Destination that this one never overtakes."""
    quiet: Annotated[QuietHours | None, Value(QuietTable.SHAPE, _quiet)] = None
    """Hours in which nothing but alerts is sent."""
    time_zone: Annotated[str, ZONE] = ""
    """The reader's zone, shown beside UTC."""
    template: Annotated[str, Value("a text with {fields}", TEXT.read)] = ""
    """Text of a message in place of the channel's own."""
    outcomes: Annotated[OutcomePolicy, one_of({each.value: each for each in OutcomePolicy}, ", ")] = OutcomePolicy.NONE
    """How the outcomes of its signals are shown."""
    timeout: Annotated[float, span_between(1, _LONGEST_TIMEOUT, " from 1 to 60 s")] = 0
    """How long a post may take, in seconds."""
    proxy: Annotated[Secret | None, ValueOf("a proxy", _proxy, hidden=True)] = None
    """Proxy on the way there."""
    picture: Annotated[bool, SWITCH] = False
    """Give signals a picture, a moment after their text."""
    style: Annotated[Style, one_of({each.value: each for each in Style}, " or ")] = Style.READER
    """Who reads it: people, or programs that trade by it."""
    language: Annotated[str, one_of({name: name for name in LANGUAGES}, " or ")] = ENGLISH
    """Language of the texts; numbers are the same in all."""
    symbols: Annotated[tuple[tuple[str, str], ...], Value('names like { EUR_USD = "EURUSD.r" }', _symbols)] = ()
    """Names of instruments at the destination's broker."""
    symbol_suffix: Annotated[str, Value(_SYMBOL_FORM, _symbol)] = ""
    """What that broker appends to the plain name of every other instrument."""


# --- reading --------------------------------------------------------------------------------------------------------


@cache
def destination_table(kind: ChannelKind) -> type[SendPolicyTable]:
    """Return the model of a destination of one kind: the keys of all, and the channel's own options."""
    options: dict[str, Any] = {}
    for field, hint in get_type_hints(kind.options).items():
        types = {each for each in get_args(hint) if each is not type(None)}
        value = _OPTIONS[types.pop() if len(types) == 1 else hint]
        options[key_of(field)] = (Annotated[Any, value], kind.options._field_defaults.get(field, ...))
    return create_model(f"{kind.name}Table", __base__=SendPolicyTable, **options)


def _destination(name: str, value: object, context: Context) -> Destination:
    if not isinstance(value, Mapping):
        raise Refused(("", must_be(f"a table, [destinations.{name}]", value)))
    channel = value.get("channel", "nothing")
    kind = KINDS.get(channel) if isinstance(channel, str) else None
    if kind is None:
        raise Refused((".channel", must_be(f"one of {', '.join(KINDS)}", channel)))
    given = read_table(destination_table(kind), value, context).given()
    policy = {key: given.pop(key) for key in SendPolicyTable.model_fields if key in given}
    del policy["channel"]
    proxy = policy.pop("proxy", None)
    if proxy is not None and kind.endpoint is no_endpoint:
        raise Refused((".proxy", f"must be left out: the way of {kind.name} does not go through it"))
    destination = Destination(name, kind.name, given, replace(kind.policy, **policy), proxy)
    complaints = [*_clashes(destination.policy, kind, policy), *kind.complaints(destination)]
    if complaints := [*complaints, *_cannot(kind, destination.policy)]:
        raise Refused(*((f".{option}", complaint) for option, complaint in complaints))
    return destination


def _cannot(kind: ChannelKind, policy: SendPolicy) -> Iterator[tuple[str, str]]:
    """Yield what the send policy asks for that channels of the kind cannot do."""
    if policy.outcomes is OutcomePolicy.EDIT and not kind.edits:
        able = " and ".join(name for name, one in KINDS.items() if one.edits)
        yield "outcomes", f'must be "post" or "none", was "edit": only {able} can change what was posted'
    if policy.picture and not kind.has_pictures:
        able = ", ".join(name for name, one in KINDS.items() if one.has_pictures)
        yield "picture", f"must be false, was true: only {able} have pictures"


def _clashes(policy: SendPolicy, kind: ChannelKind, given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the keys about texts that this channel, or another key beside them, leaves without effect."""
    for key in given:
        if key in TEXT_KEYS and key not in kind.text_keys:
            yield key, f"must be left out: {kind.name} does not use it"
    if policy.template and (complaint := kind.template_complaint(policy.template)):
        yield "template", must_be("a text with {fields}", policy.template, complaint)
    if policy.style is Style.COPIER and policy.template:
        yield "template", 'must be left out with style = "copier", which has its own lines'
    if policy.style is Style.COPIER and policy.group:
        yield "group", 'must be false with style = "copier": a copier reads one order a message'


def read_destinations(tables: object, context: Context, problems: list[str]) -> list[Destination]:
    """Read every destination that is without fault, and note what is wrong with the others."""
    if not isinstance(tables, Mapping) or len(tables) > _MOST_DESTINATIONS:
        allowed = f"tables, each [destinations.NAME], {_MOST_DESTINATIONS} at most"
        problems.append(f"destinations {must_be(allowed, tables)}")
        return []
    found = []
    for name, table in tables.items():
        key = f"destinations.{str(name)[:64]}"
        try:
            NAME(name)
        except Refused as refused:
            problems.extend(refused.at(f"the name of {key}"))
            continue
        try:
            found.append(_destination(name, table, context))
        except Refused as refused:
            problems.extend(refused.at(key))
    problems.extend(_circles(found, context.destinations))
    return found


def _circles(destinations: Sequence[Destination], known: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with destinations that wait for nobody, for themselves, or for one who waits for them."""
    after = {destination.name: destination.policy.after for destination in destinations}
    for name, first in after.items():
        key = f"destinations.{name}.after"
        if first and first not in known:
            allowed = f"a destination ({', '.join(dict.fromkeys(known))})"
            yield f"{key} {must_be(allowed, first)}"
            continue
        seen, ahead = {name}, first
        while ahead and ahead not in seen:
            seen.add(ahead)
            ahead = after.get(ahead, "")
        if ahead:
            yield f"{key} {must_be('free of circles', first)}"
