"""Instruments that OANDA is known to offer, so that a mistyped name is found before the broker refuses it.

Which of them an account may use depends on its country; ``check`` asks the broker. What is newer than this list is
named in the configuration's ``extra_instruments``.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from ninja_daemon.core.market.instrument import is_instrument_name

_PAIRS: Final = {
    "AUD": "CAD CHF HKD JPY NZD SGD USD",
    "CAD": "CHF HKD JPY SGD",
    "CHF": "HKD JPY ZAR",
    "EUR": "AUD CAD CHF CZK DKK GBP HKD HUF JPY NOK NZD PLN SEK SGD TRY USD ZAR",
    "GBP": "AUD CAD CHF HKD JPY NZD PLN SGD USD ZAR",
    "HKD": "JPY",
    "NZD": "CAD CHF HKD JPY SGD USD",
    "SGD": "CHF JPY",
    "TRY": "JPY",
    "USD": "CAD CHF CNH CZK DKK HKD HUF JPY MXN NOK PLN SAR SEK SGD THB TRY ZAR",
    "ZAR": "JPY",
    "XAG": "AUD CAD CHF EUR GBP HKD JPY NZD SGD USD",
    "XAU": "AUD CAD CHF EUR GBP HKD JPY NZD SGD USD XAG",
    "XPD": "USD",
    "XPT": "USD",
    "XCU": "USD",
}
_OTHERS: Final = (
    "AU200_AUD BCH_USD BCO_USD BTC_USD CH20_CHF CHINAH_HKD CN50_USD CORN_USD DE10YB_EUR DE30_EUR DE40_EUR ESPIX_EUR "
    "ETH_USD EU50_EUR FR40_EUR HK33_HKD IN50_USD JP225Y_JPY JP225_USD LTC_USD NAS100_USD NATGAS_USD NL25_EUR SG30_SGD "
    "SOYBN_USD SPX500_USD SUGAR_USD TWIX_USD UK100_GBP UK10YB_GBP US2000_USD US30_USD USB02Y_USD USB05Y_USD USB10Y_USD "
    "USB30Y_USD WHEAT_USD WTICO_USD"
)
KNOWN: Final = frozenset(
    {f"{base}_{quote}" for base, quotes in _PAIRS.items() for quote in quotes.split()} | set(_OTHERS.split())
)
_CURRENCIES: Final = (
    frozenset(_PAIRS) | {quote for quotes in _PAIRS.values() for quote in quotes.split()} | {"INR", "CNY"}
)
_RUN_TOGETHER: Final = re.compile(r"([A-Z]{3})[^A-Z0-9]?([A-Z]{3})", re.ASCII)


def is_known(name: str) -> bool:
    """Tell whether ``name`` is on the list, or is a pair of two currencies that are."""
    if name in KNOWN:
        return True
    base, _, quote = name.partition("_")
    return is_instrument_name(name) and base != quote and {base, quote} <= _CURRENCIES


def is_currency_pair(name: str) -> bool:
    """Tell whether ``name`` is two currencies, neither of them a metal or a coin."""
    base, _, quote = name.partition("_")
    return base != quote and {base, quote} <= _CURRENCIES and "X" not in {base[0], quote[0]}


def suggestion(name: str) -> str | None:
    """Return the instrument that was probably meant: ``EUR_USD`` for ``eur/usd``, ``EURUSD`` or ``EUR_UDS``."""
    upper = name.strip().upper()[:40]
    if match := _RUN_TOGETHER.fullmatch(upper):
        joined = f"{match[1]}_{match[2]}"
        if joined != name and is_known(joined):
            return joined
    close = get_close_matches(upper.replace("/", "_").replace("-", "_"), sorted(KNOWN), n=1, cutoff=0.7)
    return close[0] if close else None


def instrument_in(text: str) -> str | None:
    """Return the one instrument that a file's name holds, as ``DAT_ASCII_EURUSD_M1`` does; None for none or several."""
    upper = text.upper()
    pairs = {f"{match[1]}_{match[2]}" for match in _WITHIN.finditer(upper)}
    found = {name for name in pairs if is_known(name)} | {
        name for name in _OTHERS.split() if re.search(rf"(?<![A-Z0-9]){name.replace('_', '_?')}(?![A-Z0-9])", upper)
    }
    return found.pop() if len(found) == 1 else None


_WITHIN: Final = re.compile(r"(?<![A-Z])(?=([A-Z]{3})[_/.-]?([A-Z]{3})(?![A-Z]))", re.ASCII)
