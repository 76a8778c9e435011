"""Text that must never be shown: tokens, passwords, addresses that carry either."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

_SHOWN: Final = "***"


class Secret:
    """A text whose every accidental way out shows ``***``; reading it is an explicit act.

    Two secrets are equal when their texts are. A secret cannot be pickled or copied into JSON.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep ``text``."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        """Show nothing of the text, nor its length."""
        return _SHOWN

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        """Show nothing of the text, whatever the format."""
        return _SHOWN

    def __eq__(self, other: object) -> bool:
        """Compare the texts, in a time that does not tell where they differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        ours, theirs = (secret._text.encode("utf-8", "surrogatepass") for secret in (self, other))  # noqa: SLF001
        return hmac.compare_digest(ours, theirs)

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        """Tell whether there is any text."""
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: the text would leave in clear.

        Raises:
            TypeError: always.
        """
        message = "a secret must stay in the process that read it, was to be pickled or copied"
        raise TypeError(message)
