"""What may go wrong with a broker, on order: how an answer fails, and how its candles lie.

A ``BrokerFault`` is an effect and when it strikes; a ``FaultScript`` holds the faults of a server and may be changed at
any time. A test says::

    server.faults.add(Fault(status(429, retry_after="2"), times=2, instrument="EUR_USD"))
    server.faults.add(Fault(Late(at, until=at + 60)))

and the command line ``--fault 429,retry-after=2,times=2,instrument=EUR_USD``; docs/simulator.md lists the names.
"""

from __future__ import annotations

from ninja_daemon.simulator.faults.answers import (
    HTML_502,
    Answered,
    CutBody,
    CutJson,
    Delay,
    GzipBomb,
    Reset,
    Skew,
    SlowBody,
    body,
    bomb,
    redirect,
    rendered_headers,
    status,
)
from ninja_daemon.simulator.faults.candles import (
    AnswerFlaw,
    CloseText,
    Flaw,
    HistoryChange,
    Late,
    Missing,
    Revised,
    Shown,
    Spoiled,
    StrayFriday,
)
from ninja_daemon.simulator.faults.script import Asked, BrokerFault, Effect, FaultScript

__all__ = ["HTML_502", "AnswerFlaw", "Answered", "Asked", "CloseText", "CutBody", "CutJson", "Delay", "Effect"]
__all__ += ["BrokerFault", "FaultScript", "Flaw", "GzipBomb", "HistoryChange", "Late", "Missing", "Reset", "Revised"]
__all__ += ["Shown", "Skew", "SlowBody", "Spoiled", "StrayFriday", "body", "bomb", "redirect", "rendered_headers"]
__all__ += ["status"]
