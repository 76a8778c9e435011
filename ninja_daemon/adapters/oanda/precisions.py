"""Decimals and pip of instruments: from the account's list, else from the prices themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from oandapyV20.endpoints.accounts import AccountInstruments

from ninja_daemon.adapters.oanda.answers import FORBIDDEN
from ninja_daemon.adapters.oanda.candles import RawCandle, decimals_of, is_finer
from ninja_daemon.adapters.oanda.transport import OandaSession
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError
from ninja_daemon.core.market.instrument import Instrument, is_instrument_name
from ninja_daemon.core.spans import DAY
from ninja_daemon.usecases.ports import Clock

_PAUSE: Final = 600.0
"""Seconds between two requests for the list because an instrument is not on it."""
_PAUSE_OF_A_START: Final = 5.0
"""The same for a strategy that cannot begin without the list."""
_MOST_DECIMALS: Final = 10
_NAMED: Final = 3


class Precisions:
    """What is known of the digits of instruments; for all threads of a process."""

    def __init__(self, account_id: str | None, clock: Clock) -> None:
        """Begin with nothing known.

        Args:
            account_id: quoted for an address; without it there is no list.
            clock: for pauses.
        """
        self._account_id = account_id
        self._clock = clock
        self._lock = threading.Lock()
        self._listing = threading.Lock()
        self._listed: dict[str, Instrument] = {}
        self._guessed: dict[str, Instrument] = {}
        self._again_at = 0.0
        self._tried_at = float("-inf")
        self._failure: NinjaError | None = None
        self._unlisted: set[str] = set()
        self._old_at = float("inf")
        self._changes: list[str] = []

    def changes(self) -> list[str]:
        """Return what has changed on the list since this was asked, one sentence each."""
        with self._lock:
            found, self._changes = self._changes, []
        return found

    @property
    def doubt(self) -> str:
        """What is wrong with the account although candles come, with the cure; empty when nothing is."""
        failure = self._failure
        if isinstance(failure, BrokerDenied):
            return (
                f"{failure}: digits are taken from the prices, and each series is asked for singly; "
                "correct OANDA_ACCOUNT_ID, or take it out"
            )
        if isinstance(failure, BrokerUnavailable):
            return f"the account's instruments are not known: {failure}; strategies that begin anew wait for them"
        if failure is not None:
            return f"the account's instruments cannot be read: {failure}; digits are taken from the prices"
        if self._unlisted:
            names = ", ".join(sorted(self._unlisted)[:_NAMED])
            return f"the account does not list {names}: digits are taken from the prices; is it the right account?"
        return ""

    def listed(self, name: str) -> Instrument | None:
        """Return what the account's list says of an instrument, as long as that is not old."""
        return None if self._is_old else self._listed.get(name)

    def of(self, session: OandaSession, name: str, raws: Sequence[RawCandle], *, is_start: bool = False) -> Instrument:
        """Return an instrument's decimals and pip: the account's word, else what its prices show.

        Raises:
            BrokerUnavailable: averages are to be begun with it, and the account will say it, but not now. Those that
                are stored have theirs, which no guess from few prices overrules.
        """
        listed = self._listed.get(name)
        if self._account_id is not None and (listed is None or self._is_old):
            listed = self._ask_for(session, name, is_start=is_start)
        if listed is not None:
            return listed
        with self._lock:
            known = self._guessed.get(name)
            decimals = max(decimals_of(raws), known.decimals if known else 0)
            if known is None or known.decimals != decimals:
                self._guessed[name] = known = Instrument.from_decimals(name, decimals)
            return known

    def again(self, session: OandaSession, instrument: Instrument, raws: Sequence[RawCandle]) -> Instrument:
        """Return an instrument anew where its prices are finer than the account's list says; the list may be old.

        The account is asked at most every ten minutes.
        """
        if self._account_id is None or not is_finer(raws, instrument.decimals):
            return instrument
        with self._listing:
            known = self._listed.get(instrument.name, instrument)
            if known == instrument and self._clock.monotonic() >= self._again_at:
                self._try(session, is_needed=False)
            return self._listed.get(instrument.name, instrument)

    @property
    def _is_old(self) -> bool:
        return self._clock.monotonic() >= self._old_at

    def _ask_for(self, session: OandaSession, name: str, *, is_start: bool) -> Instrument | None:
        """Return what the account says, asking it again for an instrument that is new; None when it cannot be read."""
        # The others wait meanwhile: guessed and listed precisions of one wake must not differ.
        with self._listing:
            now = self._clock.monotonic()
            is_urgent = is_start and now >= self._tried_at + _PAUSE_OF_A_START
            is_needed = name not in self._listed
            if (is_needed or self._is_old) and (now >= self._again_at or is_urgent):
                self._try(session, is_needed=is_needed)
            failure = self._failure
            if is_start and name not in self._listed and isinstance(failure, BrokerUnavailable):
                message = f"the account has not said the digits of {name} yet: {failure}"
                raise BrokerUnavailable(message, retry_after=failure.retry_after)
            if name not in self._listed and failure is None:
                self._unlisted.add(name)
            return self._listed.get(name)

    def _try(self, session: OandaSession, *, is_needed: bool) -> None:
        """Read the list; that this failed is a trouble only where something on it is needed."""
        try:
            self.read(session)
        except (BrokerUnavailable, BrokerRefused) as error:
            # A token that is refused here is refused for candles, too, or was by mistake.
            is_refused_token = isinstance(error, BrokerDenied) and session.status != FORBIDDEN
            if is_needed:
                self._failure = BrokerUnavailable(str(error)) if is_refused_token else error
        now = self._clock.monotonic()
        self._tried_at, self._again_at = now, now + _PAUSE

    def read(self, session: OandaSession) -> Mapping[str, Instrument]:
        """Read the account's list.

        Raises:
            BrokerUnavailable, BrokerRefused: it could not be read.
        """
        body = session.ask(AccountInstruments(self._account_id))
        rows = body.get("instruments")
        if not isinstance(rows, list):
            message = f"the broker's answer must hold a list of instruments, was {type(rows).__name__}"
            raise BrokerUnavailable(message)
        found = {instrument.name: instrument for instrument in map(_listed_instrument, rows) if instrument is not None}
        with self._lock:
            self._changes += [_change(self._listed[name], new) for name, new in found.items() if self._differs(new)]
        # Replaced as a whole: others read it without a lock.
        self._listed = found
        self._old_at = self._clock.monotonic() + DAY
        self._failure = None
        self._unlisted -= self._listed.keys()
        return dict(self._listed)

    def _differs(self, new: Instrument) -> bool:
        return self._listed.get(new.name, new) != new


def _change(old: Instrument, new: Instrument) -> str:
    return (
        f"the account lists {new.name} with {new.decimals} decimals and pip 10^{new.pip_location} now; it was "
        f"{old.decimals} and 10^{old.pip_location}"
    )


def _listed_instrument(row: object) -> Instrument | None:
    """Read one instrument of the account's list; None for one that says nothing of use."""
    if not isinstance(row, dict):
        return None
    name, decimals, pip = row.get("name"), row.get("displayPrecision"), row.get("pipLocation")
    if not isinstance(name, str) or not is_instrument_name(name) or type(decimals) is not int or type(pip) is not int:
        return None
    if not 0 <= decimals <= _MOST_DECIMALS or not -_MOST_DECIMALS <= pip <= _MOST_DECIMALS:
        return None
    return Instrument(name, decimals, pip)
