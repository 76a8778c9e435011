"""One reader of values for all settings: what a value must be, how it is read, and what is said when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from ninja_daemon.core.messages.send_policy import minute_of_day
from ninja_daemon.core.rounding import MOST_DIGITS

T = TypeVar("T")
LONGEST_TEXT: Final = 4_096
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_LONGEST_SHOWN: Final = 60
_LONGEST_ZONE: Final = 64
_WHOLE: Final = re.compile(r"\d{1,12}", re.ASCII)
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})


# --- what is said ---------------------------------------------------------------------------------------------------


class Refused(ValueError):
    """A value, or parts of a table, cannot be used.

    Attributes:
        problems: pairs of a place inside (``.side``, ``[1].to``, empty for the value itself) and a sentence.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        """Keep the problems."""
        super().__init__(*(f"{place} {text}" for place, text in problems))
        self.problems = problems

    def at(self, key: str) -> Iterator[str]:
        """Yield the sentences, each beginning with the full key."""
        return (f"{key}{place} {text}" for place, text in self.problems)

    def inside(self, place: str) -> Iterator[tuple[str, str]]:
        """Yield the problems as those of a table that has this value at ``place``."""
        return ((f"{place}{inner}", text) for inner, text in self.problems)


def must_be(allowed: str, was: object, cure: str = "") -> str:
    """Say what a value must be, what it was and how to mend it."""
    return f"must be {allowed}, was {shown(was)}" + (f"; {cure}" if cure else "")


def shown(value: object) -> str:
    """Write a value as it stands in a file, cut to what fits on a line."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:
        text = "a number of thousands of digits"
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def shown_key(name: str) -> str:
    """Write a TOML key as it stands in a file, cut to a bearable length."""
    return name if is_name(name) and "." not in name else repr(name[:64])


def is_name(name: str) -> bool:
    """Tell whether a text can name a strategy, a destination or a namespace."""
    return _NAME.fullmatch(name) is not None


# --- how a value is read --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """A kind of value. In ``Annotated`` it is the whole validation of a pydantic field.

    Attributes:
        allowed: what it must be, for messages.
        read: returns it as the core wants it; raises ValueError, with a cure or without, when it cannot be one.
        hidden: it is a secret, so that no message may show it.
    """

    allowed: str
    read: Callable[..., T]
    hidden: bool = False

    def __call__(self, value: object, context: object = None) -> T:
        """Return the value as the core wants it.

        Raises:
            Refused: it cannot be one.
        """
        try:
            return self._read(value, context)
        except Refused:
            raise
        except ValueError as error:
            raise Refused(("", must_be(self.allowed, "***" if self.hidden else value, str(error)))) from error

    def _read(self, value: object, context: object) -> T:
        del context
        return self.read(value)

    def __get_pydantic_core_schema__(self, *_: object) -> Mapping[str, object]:
        """Tell pydantic to call us, and nothing else."""
        call = {"type": "with-info", "function": lambda value, info: self(value, info.context)}
        return {"type": "function-plain", "function": call}


class ValueOf(Value[T]):
    """A kind of value whose ``read`` needs to know more: it takes what ``read_table`` was given as context."""

    __slots__ = ()

    def _read(self, value: object, context: object) -> T:
        return self.read(value, context)


def one_of(choices: Mapping[str, T], separator: str = " ") -> Value[T]:
    """Return the reader of a word that stands for something."""

    def choose(value: object) -> T:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return choices[value]

    return Value(f"one of {separator.join(choices)}", choose)


def whole(least: int, most: int, of: str = "") -> Value[int]:
    """Return the reader of a whole number of a file."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Value(f"a whole number{of} from {least} to {most}", check)


def whole_word(least: int, most: int, of: str = "") -> Value[int]:
    """Return the reader of a whole number of the environment."""
    number = whole(least, most, of)
    return Value(number.allowed, lambda text: number.read(int(text) if _WHOLE.fullmatch(text) else text))


def one_word_of(words: Iterable[str]) -> Value[str]:
    """Return the reader of one of some words of the environment, in capitals or not."""
    choice = one_of({word: word for word in words}, " or ")
    return Value(choice.allowed.removeprefix("one of "), lambda text: choice.read(text.lower()))


def decimal(*, above_zero: bool) -> Value[Decimal]:
    """Return the reader of an exact number; a whole one stands for a decimal."""

    def check(value: object) -> Decimal:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MOST_DIGITS:
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite() or value < 0 or (above_zero and not value):
            raise ValueError
        _, digits, exponent = value.as_tuple()
        if len(digits) > MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > MOST_DIGITS:
            raise ValueError
        return value

    least = "above 0" if above_zero else "from 0 up,"
    return Value(f"a number {least} of at most {MOST_DIGITS} digits", check)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise ValueError
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise ValueError
    return value


def _zone(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ZONE:
        raise ValueError
    try:
        ZoneInfo(value)
    except (OSError, KeyError, ValueError):  # a folder of zones, no such zone, and no path of one
        raise ValueError from None
    return value


def _minute(value: object) -> int:
    try:
        return minute_of_day(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError from None  # without its words, which say the same


def _switch_word(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError
    return text.lower() in _TRUE


SWITCH: Final = Value("true or false", _switch)
SWITCH_WORD: Final = Value("true or false", _switch_word)
"""The same in the environment, where ``1``, ``yes`` and ``on`` are true as well."""
TEXT: Final = Value("text", _text)
NAME: Final = Value("1 to 64 letters, digits, _ . or -", _name)
ZONE: Final = Value('a time zone like "Europe/Berlin"', _zone)
CLOCK: Final = Value('a clock time like "22:00"', _minute)
