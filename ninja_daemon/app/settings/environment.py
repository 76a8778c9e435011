"""The environment of a process (contract 2), read once and checked as a whole.

Every name is looked for in this order, and the first value that is not empty counts:

1. ``NAME`` in the process environment,
2. ``NAME_FILE`` in the process environment: the path of a file that holds the value,
3. a systemd credential: the file ``$CREDENTIALS_DIRECTORY/name``, in lower case,
4. ``NAME``, then ``NAME_FILE``, in ``.env`` of the working directory or in the file that ``NINJA_ENV_FILE`` names.

White space around a value is dropped, an empty value counts as not set, ``${…}`` is not expanded, and the process
environment is only read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

from ninja_daemon.adapters.network.host_names import LARGEST_PORT
from ninja_daemon.adapters.redis.topology.address import kind_of
from ninja_daemon.app.settings.addresses import RedisAddress, broker_url, redis_of_parts, redis_of_url
from ninja_daemon.app.settings.sources import Sources, expand, read_dotenv
from ninja_daemon.app.settings.values import NAME, SWITCH_WORD, Refused, Value, one_word_of, whole_word
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

T = TypeVar("T")
_API_URLS: Final = {"practice": "https://api-fxpractice.oanda.com", "live": "https://api-fxtrade.oanda.com"}
_ALIKE: Final = 0.75
_LONGEST_TTL: Final = 10 * 366 * 86_400
_LARGEST_DATABASE: Final = 99_999
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9\-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says, defaults filled in and every value checked.

    Attributes:
        access_token: the broker's bearer token; None when there is none.
        account_id: the broker's account, None when there is none; it stays out of logs.
        broker_environment: ``practice`` or ``live``.
        api_url: base of the broker's REST server, without a slash at its end.
        redis_url: address of Redis with user and password inside.
        redis_label: where Redis is, without credentials: ``127.0.0.1:6379/0``, ``/run/redis.sock/0``,
            ``sentinel:mymaster/0``. It names the files in the state directory, so today's master is not in it.
        redis_configured: whether the environment names a Redis at all.
        cache_enabled: False: run without Redis state.
        cache_ttl_ma_state: seconds, a floor for the life of the averages (contract 4.6).
        cache_ttl_last_processed: seconds, likewise for the last candle taken in.
        config_path: the TOML file.
        namespace: key prefix in Redis, without braces.
        state_dir: directory of the local journal and ledger; need not exist yet.
        metrics: loopback address and port for metrics and health checks; None for none.
        ping_url: pinged while all is well; None for nobody.
        ping_insecure: plain http and private addresses are allowed for it.
        env_file: the ``.env`` file that was read, None when there was none.
        notes: one sentence for each value that is set and has no effect.
    """

    access_token: Secret | None
    account_id: str | None = field(repr=False)
    broker_environment: str
    api_url: str
    redis_url: Secret
    redis_label: str
    redis_configured: bool
    cache_enabled: bool
    cache_ttl_ma_state: int
    cache_ttl_last_processed: int
    config_path: Path
    namespace: str
    state_dir: Path
    metrics: tuple[str, int] | None
    ping_url: Secret | None
    ping_insecure: bool
    env_file: Path | None
    notes: tuple[str, ...]
    _sources: Sources = field(repr=False, compare=False)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Everything secret that was read so far, ``lookup`` included; what the logs must never show."""
        return tuple(self._sources.handed_out)

    def remember(self, secret: Secret) -> None:
        """Have the logs know a secret that came from elsewhere, such as one written into the configuration file."""
        self._sources.remember(secret)

    def misspelt(self) -> Mapping[str, str]:
        """Return the names that nothing has read so far and that resemble one that is read, with that one."""
        resembled = {name: get_close_matches(name, self._sources.asked, 1, _ALIKE) for name in self._sources.unread()}
        return {name: near[0] for name, near in resembled.items() if near}

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that values were read from so far, besides ``.env`` and systemd's credentials."""
        return tuple(self._sources.files_read)

    def lookup(self, name: str) -> Secret | None:
        """Return the secret behind ``env:NAME`` in the configuration file, from the same sources; None when not set.

        Raises:
            ConfigError: the name cannot be one, or the file that should hold the value cannot be read.
        """
        if _VARIABLE.fullmatch(name) is None:
            message = f"env:NAME must name an environment variable of letters, digits and _, was {name[:40]!r}"
            raise ConfigError(message)
        value = self._sources.value(name)
        return None if value is None else self._sources.remember(Secret(value))


def read_environment(environ: Mapping[str, str] | None = None, working_directory: Path | None = None) -> Environment:
    """Read and check the environment of a process.

    Args:
        environ: the process environment; None for that of this process.
        working_directory: where ``.env`` and relative paths are looked for; None for the current one.

    Raises:
        ConfigError: with every problem found, none of them showing a secret.
    """
    environment, problems = inspect_environment(environ, working_directory)
    if problems:
        raise ConfigError(*problems)
    return environment


def inspect_environment(
    environ: Mapping[str, str] | None = None, working_directory: Path | None = None
) -> tuple[Environment, list[str]]:
    """Read the environment as far as it goes: what could be read, defaults in place of the rest, and the problems."""
    environ = os.environ if environ is None else environ
    directory = Path() if working_directory is None else working_directory
    problems: list[str] = []
    env_path, dotenv = read_dotenv(environ, directory, problems)
    sources = Sources(environ, directory, dotenv, str(env_path or ".env"))
    return _Reader(sources, environ, directory, problems).environment(env_path), problems


class _Reader:
    """Turns values into an ``Environment``, noting every problem and going on with the default."""

    def __init__(self, sources: Sources, environ: Mapping[str, str], directory: Path, problems: list[str]) -> None:
        self._sources = sources
        self._environ = environ
        self._directory = directory
        self._problems = problems
        self._notes: list[str] = []
        self._texts: dict[str, str | None] = {}

    def environment(self, env_path: Path | None) -> Environment:
        """Read every name of the contract."""
        broker_environment = self._value("OANDA_ENVIRONMENT", one_word_of(_API_URLS), "practice")
        namespace = self._value("NINJA_NAMESPACE", NAME, "ninja")
        redis = self._redis(namespace)
        return Environment(
            access_token=self._secret("OANDA_ACCESS_TOKEN", _TOKEN),
            account_id=self._account_id(),
            broker_environment=broker_environment,
            api_url=self._value("OANDA_API_URL", broker_url, _API_URLS[broker_environment]),
            redis_url=Secret(redis.url),
            redis_label=redis.label,
            redis_configured=bool(self._text("REDIS_URL") or self._text("REDIS_HOST")),
            cache_enabled=self._value("CACHE_ENABLED", SWITCH_WORD, default=True),
            cache_ttl_ma_state=self._value("CACHE_TTL_MA_STATE", _TTL, 3_600),
            cache_ttl_last_processed=self._value("CACHE_TTL_LAST_PROCESSED", _TTL, 86_400),
            config_path=expand(self._directory, self._text("NINJA_CONFIG") or "config/ninja.toml"),
            namespace=namespace,
            state_dir=self._state_dir(),
            metrics=self._value("NINJA_METRICS", _METRICS, None),
            ping_url=self._secret("NINJA_PING_URL", _PING_URL),
            ping_insecure=self._value("NINJA_PING_INSECURE", SWITCH_WORD, default=False),
            env_file=env_path,
            notes=tuple(self._notes),
            _sources=self._sources,
        )

    def _text(self, name: str) -> str | None:
        if name not in self._texts:
            self._texts[name] = None
            try:
                self._texts[name] = self._sources.value(name)
            except ConfigError as error:
                self._problems.extend(error.problems)
        return self._texts[name]

    def _value(self, name: str, read: Callable[[str], T], default: T) -> T:
        text = self._text(name)
        try:
            return default if text is None else read(text)
        except Refused as refused:
            self._problems.extend(refused.at(f"environment: {name}"))
            return default

    def _secret(self, name: str, read: Value[str]) -> Secret | None:
        text = self._text(name)
        if text is None:
            return None
        self._value(name, read, "")
        return self._sources.remember(Secret(text))

    def _account_id(self) -> str | None:
        account = self._secret("OANDA_ACCOUNT_ID", _ACCOUNT_ID)
        return None if account is None else account.reveal()

    def _state_dir(self) -> Path:
        # systemd gives several directories separated by colons when a unit names several; the first is ours.
        value = self._text("NINJA_STATE_DIR") or self._environ.get("STATE_DIRECTORY", "").split(":")[0].strip()
        if not value:
            value = str(Path(self._environ.get("HOME", "").strip() or "~") / ".local/state/ninja-daemon")
        path = expand(self._directory, value).absolute()
        if "~" in path.parts:
            problem = "must be set where there is no home directory, was not set"
            self._problems.append(f"environment: NINJA_STATE_DIR {problem}")
        return path

    def _redis(self, namespace: str) -> RedisAddress:
        password = self._value("REDIS_PASSWORD", _utf8, "")
        if password:
            self._sources.remember(Secret(password))
        url = self._value("REDIS_URL", _utf8, "")
        host = self._value("REDIS_HOST", _utf8, "localhost")
        port = self._value("REDIS_PORT", _PORT, 6_379)
        database = self._value("REDIS_DB", _DATABASE, 0)
        try:
            if not url:
                return redis_of_parts(host, port, database, password)
            if password:
                self._notes.append("REDIS_PASSWORD has no effect, because REDIS_URL is set; put it inside REDIS_URL")
            address = redis_of_url(url, **self._of_sentinel(url), namespace=namespace)
        except Refused as refused:
            self._problems.extend(refused.at(f"environment: {'REDIS_URL' if url else 'REDIS_HOST'}"))
            return redis_of_parts("localhost", 6_379, 0, "")
        for each in address.passwords:
            self._sources.remember(Secret(each))
        return address

    def _of_sentinel(self, url: str) -> dict[str, str]:
        """Return Sentinel's own credentials, by the options that they are in the address."""
        names = {"sentinel_username": "REDIS_SENTINEL_USERNAME", "sentinel_password": "REDIS_SENTINEL_PASSWORD"}
        given = {option: self._value(name, _utf8, "") for option, name in names.items()}
        if given["sentinel_password"]:
            self._sources.remember(Secret(given["sentinel_password"]))
        if any(given.values()) and kind_of(url) != "sentinel":
            self._notes.append("REDIS_SENTINEL_… has no effect, because REDIS_URL is not redis+sentinel://…")
        elif given["sentinel_username"] and not given["sentinel_password"]:
            self._notes.append("REDIS_SENTINEL_USERNAME has no effect without REDIS_SENTINEL_PASSWORD")
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


_TOKEN: Final = _matching(_HEADER_SAFE, "one line of printable characters without spaces")
_ACCOUNT_ID: Final = _matching(_ACCOUNT, "an account such as 101-001-1234567-001")
_PING_URL: Final = _matching(re.compile(rf"(?=https?://){_HEADER_SAFE.pattern}", re.ASCII), "an https:// URL")
_METRICS: Final = Value("an address of this machine and a port, 127.0.0.1:9464 or [::1]:9464", _metrics)
_TTL: Final = whole_word(0, _LONGEST_TTL, " of seconds")
_PORT: Final = whole_word(1, LARGEST_PORT)
_DATABASE: Final = whole_word(0, _LARGEST_DATABASE)
