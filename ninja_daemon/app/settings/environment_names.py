"""The names of the environment: what each may be, and how it is read with all problems noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from ninja_daemon.adapters.network.host_names import LARGEST_PORT
from ninja_daemon.adapters.redis.topology.address import kind_of
from ninja_daemon.app.settings.addresses import REDIS_PORT, RedisAddress, redis_of_parts, redis_of_url
from ninja_daemon.app.settings.sources import Sources, expand
from ninja_daemon.app.settings.values import Refused, Value, whole_word
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

T = TypeVar("T")
_LONGEST_TTL: Final = 10 * 366 * 86_400
_LARGEST_DATABASE: Final = 99_999
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9\-]{1,64}", re.ASCII)


class Names:
    """Reads names of the environment, notes every problem and goes on with the default.

    Attributes:
        notes: what has no effect, and why.
    """

    def __init__(self, sources: Sources, environ: Mapping[str, str], directory: Path, problems: list[str]) -> None:
        """Begin; problems are added to the list."""
        self._sources = sources
        self._environ = environ
        self._directory = directory
        self._problems = problems
        self.notes: list[str] = []
        self._texts: dict[str, str | None] = {}

    def text(self, name: str) -> str | None:
        """Return a value as it is written, None when it is not set."""
        if name not in self._texts:
            self._texts[name] = None
            try:
                self._texts[name] = self._sources.value(name)
            except ConfigError as error:
                self._problems.extend(error.problems)
        return self._texts[name]

    def value(self, name: str, read: Callable[[str], T], default: T) -> T:
        """Read a value; the default when it is not set or cannot be read."""
        text = self.text(name)
        try:
            return default if text is None else read(text)
        except Refused as refused:
            self._problems.extend(refused.at(f"environment: {name}"))
            return default

    def secret(self, name: str, read: Value[str]) -> Secret | None:
        """Read a secret, which no message shows from now on."""
        text = self.text(name)
        if text is None:
            return None
        self.value(name, read, "")
        return self._sources.remember(Secret(text))

    def account_id(self) -> str | None:
        """Read the account."""
        account = self.secret("OANDA_ACCOUNT_ID", _ACCOUNT_ID)
        return None if account is None else account.reveal()

    def state_dir(self) -> Path:
        """Return the directory of state."""
        # systemd gives several directories separated by colons when a unit names several; the first is ours.
        value = self.text("NINJA_STATE_DIR") or self._environ.get("STATE_DIRECTORY", "").split(":")[0].strip()
        if not value:
            value = str(Path(self._environ.get("HOME", "").strip() or "~") / ".local/state/ninja-daemon")
        path = expand(self._directory, value).absolute()
        if "~" in path.parts:
            problem = "must be set where there is no home directory, was not set"
            self._problems.append(f"environment: NINJA_STATE_DIR {problem}")
        return path

    def redis(self, namespace: str) -> RedisAddress:
        """Return where Redis is."""
        password = self.value("REDIS_PASSWORD", _utf8, "")
        if password:
            self._sources.remember(Secret(password))
        url = self.value("REDIS_URL", _utf8, "")
        host = self.value("REDIS_HOST", _utf8, "localhost")
        port = self.value("REDIS_PORT", _PORT, REDIS_PORT)
        database = self.value("REDIS_DB", _DATABASE, 0)
        try:
            if not url:
                return redis_of_parts(host, port, database, password)
            if password:
                self.notes.append("REDIS_PASSWORD has no effect, because REDIS_URL is set; put it inside REDIS_URL")
            address = redis_of_url(url, **self._of_sentinel(url), namespace=namespace)
        except Refused as refused:
            self._problems.extend(refused.at(f"environment: {'REDIS_URL' if url else 'REDIS_HOST'}"))
            return redis_of_parts("localhost", REDIS_PORT, 0, "")
        for each in address.passwords:
            self._sources.remember(Secret(each))
        return address

    def _of_sentinel(self, url: str) -> dict[str, str]:
        """Return Sentinel's own credentials, by the options that they are in the address."""
        names = {"sentinel_username": "REDIS_SENTINEL_USERNAME", "sentinel_password": "REDIS_SENTINEL_PASSWORD"}
        given = {option: self.value(name, _utf8, "") for option, name in names.items()}
        if given["sentinel_password"]:
            self._sources.remember(Secret(given["sentinel_password"]))
        if any(given.values()) and kind_of(url) != "sentinel":
            self.notes.append("REDIS_SENTINEL_… has no effect, because REDIS_URL is not redis+sentinel://…")
        elif given["sentinel_username"] and not given["sentinel_password"]:
            self.notes.append("REDIS_SENTINEL_USERNAME has no effect without REDIS_SENTINEL_PASSWORD")
        return given


# --- what each name must be -----------------------------------------------------------------------------------------


def _matching(pattern: re.Pattern[str], allowed: str) -> Value[str]:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text

    return Value(allowed, check, hidden=True)


def _utf8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(("", "must be text in UTF-8, was bytes that are none")) from None
    return text


_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}


def _metrics(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    if host not in _LOOPBACK or not port.isdecimal() or int(port) > LARGEST_PORT:
        raise ValueError
    return _LOOPBACK[host], int(port)


TOKEN: Final = _matching(_HEADER_SAFE, "one line of printable characters without spaces")
_ACCOUNT_ID: Final = _matching(_ACCOUNT, "an account such as 101-001-1234567-001")
PING_URL: Final = _matching(re.compile(rf"(?=https?://){_HEADER_SAFE.pattern}", re.ASCII), "an https:// URL")
METRICS: Final = Value("an address of this machine and a port, 127.0.0.1:9464 or [::1]:9464", _metrics)
TTL: Final = whole_word(0, _LONGEST_TTL, " of seconds")
_PORT: Final = whole_word(1, LARGEST_PORT)
_DATABASE: Final = whole_word(0, _LARGEST_DATABASE)
