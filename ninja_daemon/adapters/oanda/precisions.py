"""Decimals and pip of instruments: from the account's list, else from the prices themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from oandapyV20.endpoints.accounts import AccountInstruments

from ninja_daemon.adapters.oanda.answers import FORBIDDEN
from ninja_daemon.adapters.oanda.candles import RawCandle, decimals_of
from ninja_daemon.adapters.oanda.transport import OandaSession
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError
from ninja_daemon.core.market.instrument import Instrument, is_instrument_name
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

    @property
    def doubt(self) -> str:
        """What is wrong with the account although candles come, and what mends it; empty when nothing is."""
        failure = self._failure
        if isinstance(failure, BrokerDenied):
            return (
                f"{failure}: digits are taken from the prices, and each series is asked for singly; "
                "correct OANDA_ACCOUNT_ID, or take it out"
            )
        if isinstance(failure, BrokerUnavailable):
            return f"the account's instruments are not known: {failure}; strategies that begin anew wait for them"
        if failure is not None:
            return f"the account's instruments cannot be had: {failure}; digits are taken from the prices"
        if self._unlisted:
            names = ", ".join(sorted(self._unlisted)[:_NAMED])
            return f"the account does not list {names}: digits are taken from the prices; is it the right account?"
        return ""

    def of(self, session: OandaSession, name: str, raws: Sequence[RawCandle], *, is_start: bool = False) -> Instrument:
        """Return an instrument's decimals and pip: the account's word, else what its prices show.

        Raises:
            BrokerUnavailable: averages are to be begun with it, and the account will say it, but not now. Those that
                are stored have theirs, which no guess from few prices overrules.
        """
        listed = self._listed.get(name)
        if listed is None and self._account_id is not None:
            listed = self._ask_for(session, name, is_start=is_start)
        if listed is not None:
            return listed
        with self._lock:
            known = self._guessed.get(name)
            decimals = max(decimals_of(raws), known.decimals if known else 0)
            if known is None or known.decimals != decimals:
                self._guessed[name] = known = Instrument.from_decimals(name, decimals)
            return known

    def _ask_for(self, session: OandaSession, name: str, *, is_start: bool) -> Instrument | None:
        """Return what the account says, asking it again for an instrument that is new; None when it cannot be had."""
        # The others wait meanwhile: guessed and listed precisions of one wake must not differ.
        with self._listing:
            now = self._clock.monotonic()
            is_urgent = is_start and now >= self._tried_at + _PAUSE_OF_A_START
            if name not in self._listed and (now >= self._again_at or is_urgent):
                self._try(session)
            failure = self._failure
            if is_start and name not in self._listed and isinstance(failure, BrokerUnavailable):
                message = f"the account's word on the digits of {name} is not to be had yet: {failure}"
                raise BrokerUnavailable(message, retry_after=failure.retry_after)
            if name not in self._listed and failure is None:
                self._unlisted.add(name)
            return self._listed.get(name)

    def _try(self, session: OandaSession) -> None:
        try:
            self.read(session)
        except (BrokerUnavailable, BrokerRefused) as error:
            # A token that is refused here is refused for candles, too, or was by mistake.
            is_refused_token = isinstance(error, BrokerDenied) and session.status != FORBIDDEN
            self._failure = BrokerUnavailable(str(error)) if is_refused_token else error
        now = self._clock.monotonic()
        self._tried_at, self._again_at = now, now + _PAUSE

    def read(self, session: OandaSession) -> Mapping[str, Instrument]:
        """Read the account's list.

        Raises:
            BrokerUnavailable, BrokerRefused: it could not be had.
        """
        body = session.ask(AccountInstruments(self._account_id))
        rows = body.get("instruments")
        if not isinstance(rows, list):
            message = f"the broker's answer must hold a list of instruments, was {type(rows).__name__}"
            raise BrokerUnavailable(message)
        # Replaced as a whole: others read it without a lock.
        self._listed = {
            instrument.name: instrument for instrument in map(_listed_instrument, rows) if instrument is not None
        }
        self._failure = None
        self._unlisted -= self._listed.keys()
        return dict(self._listed)


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
