"""Every error that this project raises on purpose, named by what the caller does about it.

```
NinjaError
├── ConfigError              stop, exit 78; a person has to mend the configuration
├── TransientError           say it once, try again at the next tick
│   ├── BrokerUnavailable    no answer, a torn answer, 429 or 5xx
│   ├── StoreUnavailable     Redis refused, hung, is loading, read-only, full or locked out
│   │   ├── StoreDenied      this user lacks a right, or the password is wrong
│   │   └── StoreSpoilt      a key is of the wrong type
│   ├── JournalUnavailable   the local journal cannot be written or read
│   └── CalendarUnreadable   the calendar of scheduled news is not there, or not understood
├── RejectedError            repeating it changes nothing; say it, set the thing aside
│   ├── BrokerRefused        400, 404 and the like: this request is wrong
│   │   └── BrokerDenied     401 or 403: the token or the account is wrong
│   ├── CandleRejected       a candle that cannot be true; nothing is advanced past it
│   │   └── CandleFileRejected   a file of candles with faults; holds all kinds of them
│   ├── SignalRejected       an entry of the signals list that is not a signal
│   └── PictureRefused       a picture that would be wrong, or cannot be drawn here
└── StateError               set this strategy aside, keep the others going
    ├── PlugInFailed         a plug-in raised, took too long, or returned what is no number
    ├── StateUnreadable      what is stored is not what we wrote
    └── HistoryGap           the broker's history does not end at the cursor's candle
```

Foreign errors are translated into these once, at the edge of the adapter that met them, with the cause kept.
"""

from __future__ import annotations


class NinjaError(Exception):
    """The root: everything that this project raises on purpose."""


class ConfigError(NinjaError):
    """The configuration cannot work; holds every problem found, not only the first.

    Attributes:
        problems: one sentence each, naming file, key and what is allowed.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class TransientError(NinjaError):
    """It may work at the next tick."""


class BrokerUnavailable(TransientError):
    """The broker did not answer, answered in pieces, or answered 429 or 5xx.

    Attributes:
        retry_after: seconds that the broker asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailable(TransientError):
    """Redis is away, or there but not taking writes."""


class StoreDenied(StoreUnavailable):
    """Redis answers, and refuses this user: a password or a right is not what it should be."""


class StoreSpoilt(StoreUnavailable):
    """Redis answers, and a key is of the wrong type; a person has to move it away."""


class JournalUnavailable(TransientError):
    """The local journal cannot be read or written (disk full, locked, damaged)."""


class CalendarUnreadable(TransientError):
    """The calendar of scheduled news cannot be read; its next version may be good."""


class RejectedError(NinjaError):
    """Repeating the same thing cannot help."""


class BrokerRefused(RejectedError):
    """The broker says that this request is wrong (400, 404, 405)."""


class BrokerDenied(BrokerRefused):
    """The broker does not accept the token (401) or the account (403)."""


class CandleRejected(RejectedError):
    """A candle that cannot be true: off the grid, out of order, impossible or unreadable prices."""


class CandleFileRejected(CandleRejected):
    """A file of candles that cannot be taken in; holds every kind of fault found, not only the first.

    Attributes:
        problems: one sentence a kind, with file, line, what is allowed and what would help.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SignalRejected(RejectedError):
    """An entry of the signals list that is not a signal of a schema we know."""


class PictureRefused(RejectedError):
    """A picture whose candles do not belong to its signal, or that this machine cannot draw."""


class StateError(NinjaError):
    """One strategy cannot go on; the others can."""


class PlugInFailed(StateError):
    """A plug-in raised, took too long, or returned something that is no exact number."""


class StateUnreadable(StateError):
    """A stored value is not what this version writes."""


class HistoryGap(StateError):
    """The history that the broker sends does not end exactly at the cursor's candle (contract 4.8)."""
