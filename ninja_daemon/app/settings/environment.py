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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from ninja_daemon.app.settings.addresses import broker_url
from ninja_daemon.app.settings.environment_names import METRICS, PING_URL, TOKEN, TTL, Names
from ninja_daemon.app.settings.sources import Sources, expand, read_dotenv
from ninja_daemon.app.settings.values import NAME, SWITCH_WORD, one_word_of
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

T = TypeVar("T")
_API_URLS: Final = {"practice": "https://api-fxpractice.oanda.com", "live": "https://api-fxtrade.oanda.com"}
_ALIKE: Final = 0.75
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


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
        cache_ttl_last_processed: seconds, the same for the last candle taken in.
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
        """Make the logs hide a secret from elsewhere, such as one written into the configuration file."""
        self._sources.remember(secret)

    def misspelt(self) -> Mapping[str, str]:
        """Return the names that nothing has read so far and that resemble one that is read, with that one."""
        from difflib import get_close_matches  # noqa: PLC0415 - only for `check`

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
    return _environment(Names(sources, environ, directory, problems), sources, directory, env_path), problems


def _environment(names: Names, sources: Sources, directory: Path, env_path: Path | None) -> Environment:
    """Read every name of the contract."""
    broker_environment = names.value("OANDA_ENVIRONMENT", one_word_of(_API_URLS), "practice")
    namespace = names.value("NINJA_NAMESPACE", NAME, "ninja")
    redis = names.redis(namespace)
    return Environment(
        access_token=names.secret("OANDA_ACCESS_TOKEN", TOKEN),
        account_id=names.account_id(),
        broker_environment=broker_environment,
        api_url=names.value("OANDA_API_URL", broker_url, _API_URLS[broker_environment]),
        redis_url=Secret(redis.url),
        redis_label=redis.label,
        redis_configured=bool(names.text("REDIS_URL") or names.text("REDIS_HOST")),
        cache_enabled=names.value("CACHE_ENABLED", SWITCH_WORD, default=True),
        cache_ttl_ma_state=names.value("CACHE_TTL_MA_STATE", TTL, 3_600),
        cache_ttl_last_processed=names.value("CACHE_TTL_LAST_PROCESSED", TTL, 86_400),
        config_path=expand(directory, names.text("NINJA_CONFIG") or "config/ninja.toml"),
        namespace=namespace,
        state_dir=names.state_dir(),
        metrics=names.value("NINJA_METRICS", METRICS, None),
        ping_url=names.secret("NINJA_PING_URL", PING_URL),
        ping_insecure=names.value("NINJA_PING_INSECURE", SWITCH_WORD, default=False),
        env_file=env_path,
        notes=tuple(names.notes),
        _sources=sources,
    )
