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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from dotenv.parser import parse_stream

from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

API_URLS: Final = {"practice": "https://api-fxpractice.oanda.com", "live": "https://api-fxtrade.oanda.com"}
NAMES: Final = (
    "OANDA_ACCESS_TOKEN",
    "OANDA_ACCOUNT_ID",
    "OANDA_ENVIRONMENT",
    "OANDA_API_URL",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "CACHE_ENABLED",
    "CACHE_TTL_MA_STATE",
    "CACHE_TTL_LAST_PROCESSED",
    "NINJA_CONFIG",
    "NINJA_NAMESPACE",
    "NINJA_STATE_DIR",
)
"""Every name of the contract, in its order. ``NINJA_ENV_FILE`` comes before all of them."""

_OURS: Final = ("NINJA_", "OANDA_")
_ALIKE: Final = 0.75
_LARGEST_FILE: Final = 65_536
_LONGEST_SHOWN: Final = 60
_LONGEST_TTL: Final = 10 * 366 * 86_400
_LARGEST_PORT: Final = 65_535
_LARGEST_DATABASE: Final = 99_999
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9\-]{1,64}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._\-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_API_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,12}", re.ASCII)
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_RESERVED_SCHEMES: Final = frozenset({"redis+sentinel", "redis+cluster"})


class _Sources:
    """Where values come from, in order of precedence, and every secret that was ever handed out."""

    def __init__(
        self, environ: Mapping[str, str], directory: Path, dotenv: Mapping[str, str], dotenv_name: str
    ) -> None:
        self._environ = environ
        self._directory = directory
        self._dotenv = dotenv
        self._dotenv_name = dotenv_name
        self.asked: set[str] = {"NINJA_ENV_FILE"}
        self.handed_out: dict[Secret, None] = {}
        self.files_read: dict[Path, None] = {}

    def value(self, name: str) -> str | None:
        """Return the first value of ``name`` that is not empty.

        Raises:
            ConfigError: a file that should hold the value cannot be read.
        """
        self.asked.add(name)
        finders: tuple[Callable[[str], str | None], ...] = (
            self._environ.get,
            partial(self._from_file, self._environ, "the environment"),
            self._from_credential,
            self._dotenv.get,
            partial(self._from_file, self._dotenv, self._dotenv_name),
        )
        for find in finders:
            value = (find(name) or "").strip()
            if value:
                return value
        return None

    def unread(self) -> Iterator[str]:
        """Yield the names that look like ours, and that nobody has asked for."""
        for name in (*(each for each in self._environ if each.startswith(_OURS)), *self._dotenv):
            if self.asked.isdisjoint({name, name.removesuffix("_FILE")}):
                yield name

    def secret(self, name: str) -> Secret | None:
        """Return the value as a secret that the logs will know.

        Raises:
            ConfigError: as for ``value``.
        """
        value = self.value(name)
        if value is None:
            return None
        return self.remember(Secret(value))

    def remember(self, secret: Secret) -> Secret:
        """Have the logs know ``secret``."""
        self.handed_out[secret] = None
        return secret

    def _from_file(self, source: Mapping[str, str], where: str, name: str) -> str | None:
        path = source.get(f"{name}_FILE", "").strip()
        if not path:
            return None
        expanded = _expanded(self._directory, path)
        self.files_read[expanded] = None
        return _read_text(expanded, f"{name}_FILE in {where}")

    def _from_credential(self, name: str) -> str | None:
        directory = self._environ.get("CREDENTIALS_DIRECTORY", "").strip()
        if not directory:
            return None
        # A folder of credentials that a unit names as a whole comes with its name before each file's.
        for credential in (name.lower(), f"destinations_{name.lower()}"):
            path = Path(directory) / credential
            if path.is_file():
                return _read_text(path, f"the systemd credential {credential}")
        return None


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says, defaults filled in and every value checked.

    Attributes:
        access_token: the broker's bearer token; None when there is none.
        account_id: the broker's account, None when there is none; it stays out of logs.
        broker_environment: ``practice`` or ``live``.
        api_url: base of the broker's REST server, without a slash at its end.
        redis_url: address of Redis with user and password inside.
        redis_label: where Redis is, without credentials: ``127.0.0.1:6379/0`` or ``/run/redis.sock/0``.
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
    _sources: _Sources = field(repr=False, compare=False)

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
        return self._sources.secret(name)


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
    env_path, dotenv = _read_dotenv(environ, directory, problems)
    sources = _Sources(environ, directory, dotenv, str(env_path or ".env"))
    return _Reader(sources, environ, directory, problems).environment(env_path), problems


class _Reader:
    """Turns values into an ``Environment``, noting every problem and going on with the default."""

    def __init__(self, sources: _Sources, environ: Mapping[str, str], directory: Path, problems: list[str]) -> None:
        self._sources = sources
        self._environ = environ
        self._directory = directory
        self._problems = problems
        self._notes: list[str] = []
        self._texts: dict[str, str | None] = {}

    def environment(self, env_path: Path | None) -> Environment:
        """Read every name of the contract."""
        broker_environment = self._choice("OANDA_ENVIRONMENT", tuple(API_URLS))
        redis_url, redis_label = self._redis()
        config_path = _expanded(self._directory, self._text("NINJA_CONFIG") or "config/ninja.toml")
        return Environment(
            access_token=self._access_token(),
            account_id=self._account_id(),
            broker_environment=broker_environment,
            api_url=self._api_url(API_URLS[broker_environment]),
            redis_url=Secret(redis_url),
            redis_label=redis_label,
            redis_configured=bool(self._text("REDIS_URL") or self._text("REDIS_HOST")),
            cache_enabled=self._switch("CACHE_ENABLED", default=True),
            cache_ttl_ma_state=self._whole("CACHE_TTL_MA_STATE", 3_600, _LONGEST_TTL, "seconds"),
            cache_ttl_last_processed=self._whole("CACHE_TTL_LAST_PROCESSED", 86_400, _LONGEST_TTL, "seconds"),
            config_path=config_path,
            namespace=self._namespace(),
            state_dir=self._state_dir(),
            metrics=self._metrics(),
            ping_url=self._ping_url(),
            ping_insecure=self._switch("NINJA_PING_INSECURE", default=False),
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

    def _problem(self, name: str, allowed: str, was: str) -> None:
        self._problems.append(f"environment: {name} must be {allowed}, was {was}")

    def _access_token(self) -> Secret | None:
        token = self._text("OANDA_ACCESS_TOKEN")
        if token is None:
            return None
        if _HEADER_SAFE.fullmatch(token) is None:
            self._problem("OANDA_ACCESS_TOKEN", "one line of printable characters without spaces", "something else")
        return self._sources.remember(Secret(token))

    def _account_id(self) -> str | None:
        account = self._text("OANDA_ACCOUNT_ID")
        if account is None:
            return None
        self._sources.remember(Secret(account))
        if _ACCOUNT.fullmatch(account) is None:
            self._problem("OANDA_ACCOUNT_ID", "an account such as 101-001-1234567-001", "something else")
            return None
        return account

    def _choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = (self._text(name) or allowed[0]).lower()
        if value in allowed:
            return value
        self._problem(name, " or ".join(allowed), _shown(value))
        return allowed[0]

    def _switch(self, name: str, *, default: bool) -> bool:
        value = self._text(name)
        if value is None:
            return default
        if value.lower() not in _TRUE | _FALSE:
            self._problem(name, "true or false", _shown(value))
            return default
        return value.lower() in _TRUE

    def _whole(self, name: str, default: int, most: int, unit: str = "", least: int = 0) -> int:
        value = self._text(name)
        if value is None:
            return default
        if _WHOLE.fullmatch(value) is None or not least <= int(value) <= most:
            of = f" of {unit}" if unit else ""
            self._problem(name, f"a whole number{of} from {least} to {most}", _shown(value))
            return default
        return int(value)

    def _metrics(self) -> tuple[str, int] | None:
        value = self._text("NINJA_METRICS")
        if value is None:
            return None
        host, _, port = value.rpartition(":")
        if host not in {"127.0.0.1", "localhost"} or not port.isdecimal() or int(port) > _LARGEST_PORT:
            self._problem("NINJA_METRICS", "an address of this machine and a port, 127.0.0.1:9464", _shown(value))
            return None
        return "127.0.0.1", int(port)

    def _ping_url(self) -> Secret | None:
        value = self._text("NINJA_PING_URL")
        if value is None:
            return None
        secret = self._sources.remember(Secret(value))
        if _HEADER_SAFE.fullmatch(value) is None or not value.startswith(("https://", "http://")):
            self._problem("NINJA_PING_URL", "an https:// URL", "something else")
            return None
        return secret

    def _namespace(self) -> str:
        value = self._text("NINJA_NAMESPACE") or "ninja"
        if _NAMESPACE.fullmatch(value) is None:
            self._problem("NINJA_NAMESPACE", "1 to 64 letters, digits, _ . or -", _shown(value))
            return "ninja"
        return value

    def _state_dir(self) -> Path:
        # systemd gives several directories separated by colons when a unit names several; the first is ours.
        value = self._text("NINJA_STATE_DIR") or self._environ.get("STATE_DIRECTORY", "").split(":")[0].strip()
        if not value:
            value = str(Path(self._environ.get("HOME", "").strip() or "~") / ".local/state/ninja-daemon")
        path = _expanded(self._directory, value).absolute()
        if "~" in path.parts:
            self._problem("NINJA_STATE_DIR", "set where there is no home directory", "not set")
        return path

    def _api_url(self, default: str) -> str:
        value = self._text("OANDA_API_URL")
        if value is None:
            return default
        complaint = _api_url_complaint(value)
        if complaint is not None:
            self._problem("OANDA_API_URL", *complaint)
            return default
        return value.rstrip("/").removesuffix("/v3")

    def _utf8(self, name: str) -> str | None:
        value = self._text(name)
        try:
            (value or "").encode()
        except UnicodeEncodeError:
            self._problem(name, "text in UTF-8", "bytes that are none")
            return None
        return value

    def _redis(self) -> tuple[str, str]:
        password = self._utf8("REDIS_PASSWORD")
        if password is not None:
            self._sources.remember(Secret(password))
        url = self._utf8("REDIS_URL")
        host = self._utf8("REDIS_HOST")
        port = self._whole("REDIS_PORT", 6_379, _LARGEST_PORT, least=1)
        database = self._whole("REDIS_DB", 0, _LARGEST_DATABASE)
        if url is not None:
            if password is not None:
                self._notes.append("REDIS_PASSWORD has no effect, because REDIS_URL is set; put it inside REDIS_URL")
            return self._given_redis(url)
        return self._redis_of_parts(host or "localhost", port, database, password)

    def _redis_of_parts(self, host: str, port: int, database: int, password: str | None) -> tuple[str, str]:
        bare = host.removeprefix("[").removesuffix("]")
        if host.startswith("/"):
            credentials = f"?password={quote(password, safe='')}&db={database}" if password else f"?db={database}"
            return f"unix://{quote(host)}{credentials}", f"{host}/{database}"
        if _HOST.fullmatch(bare) is None:
            self._problem("REDIS_HOST", "a host name, an address or the path of a socket", _shown(host))
            bare = "localhost"
        credentials = f":{quote(password, safe='')}@" if password else ""
        where = f"[{bare}]" if ":" in bare else bare
        return f"redis://{credentials}{where}:{port}/{database}", f"{_normal_host(bare)}:{port}/{database}"

    def _given_redis(self, url: str) -> tuple[str, str]:
        # The text of the URL holds a password: no message may quote it.
        try:
            parts = urlsplit(url)
            label = _redis_label(parts)
        except ValueError as error:
            allowed = "redis://host:port/db, rediss://host:port/db or unix:///path/to/socket?db=0"
            self._problem("REDIS_URL", allowed, str(error) or "not an address")
            return "redis://localhost:6379/0", "127.0.0.1:6379/0"
        if parts.password:
            self._sources.remember(Secret(unquote(parts.password)))
        for pair in parts.query.split("&"):
            name, _, hidden = pair.partition("=")
            if name == "password" and hidden:
                self._sources.remember(Secret(unquote(hidden)))
        return url, label


def _redis_label(parts: SplitResult) -> str:
    """Return where a Redis URL leads, without its credentials.

    Raises:
        ValueError: with what is wrong, in words that hold nothing of the URL but its scheme.
    """
    if parts.scheme in _RESERVED_SCHEMES:
        message = f"{parts.scheme}://, which is reserved and not built yet: name one server for the time being"
        raise ValueError(message)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        message = f"{parts.scheme}://…" if parts.netloc else "without a scheme that is known"
        raise ValueError(message)
    queried = dict(pair.partition("=")[::2] for pair in parts.query.split("&"))
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            message = "without the path of a socket"
            raise ValueError(message)
        return f"{unquote(parts.path)}/{_database(queried.get('db', ''))}"
    try:
        port = parts.port or 6_379
    except ValueError:
        message = "with a port that is none"
        raise ValueError(message) from None
    database = _database(queried.get("db", "") or parts.path.strip("/"))
    return f"{_normal_host(parts.hostname or 'localhost')}:{port}/{database}"


def _database(text: str) -> int:
    if not text:
        return 0
    if _WHOLE.fullmatch(text) is None:
        message = "with a database that is not a number"
        raise ValueError(message)
    return int(text)


def _normal_host(host: str) -> str:
    """Write one host in one way, so that labels can be compared."""
    host = host.lower()
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6


def _api_url_complaint(url: str) -> tuple[str, str] | None:
    """Return what the broker's address must be and what it was, or None when it is good."""
    allowed = "the base of a REST server such as https://api-fxpractice.oanda.com"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return allowed, "not an address"
    complaint: tuple[str, str] | None = None
    path = parts.path.rstrip("/")
    if parts.scheme not in {"http", "https"} or not host or _HOST.fullmatch(host) is None:
        complaint = allowed, "something else"
    elif parts.username is not None or parts.password is not None:
        complaint = f"{allowed}; the token belongs in OANDA_ACCESS_TOKEN", "an address with a user in it"
    elif parts.query or parts.fragment or _API_PATH.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        complaint = f"{allowed}, with nothing behind it", "an address with more behind it"
    elif parts.scheme == "http" and not is_loopback(host):
        clear = "https: the token would travel in clear text (plain http is for this machine only)"
        complaint = clear, _shown(url)
    return complaint


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is certainly this machine."""
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read_dotenv(
    environ: Mapping[str, str], directory: Path, problems: list[str]
) -> tuple[Path | None, Mapping[str, str]]:
    named = environ.get("NINJA_ENV_FILE", "").strip()
    path = _expanded(directory, named or ".env")
    if not named and not path.is_file():
        return None, {}
    try:
        text = _read_text(path, "NINJA_ENV_FILE" if named else str(path))
    except ConfigError as error:
        problems.extend(error.problems)
        return path, {}
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            problems.append(f"{path}: line {binding.original.line} must be NAME=value or a comment, was neither")
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    return path, values


def _expanded(directory: Path, path: str) -> Path:
    """Return ``path`` under ``directory`` unless it is absolute; ``~`` is the home directory where there is one."""
    try:
        return directory / Path(path).expanduser()
    except RuntimeError:
        return directory / path


def _read_text(path: Path, what: str) -> str:
    """Return the text of a small file.

    Raises:
        ConfigError: it cannot be read, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            message = f"{what} must name a file of at most {_LARGEST_FILE} bytes, was larger: {path}"
            raise ConfigError(message)
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not text in UTF-8"
        message = f"{what} must name a file that can be read, was {path} ({reason})"
        raise ConfigError(message) from error


def _shown(value: str) -> str:
    return repr(value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…")
