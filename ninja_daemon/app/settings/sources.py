"""Where values of the environment come from, in order of precedence; see ``environment``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

_OURS: Final = ("NINJA_", "OANDA_")
_LARGEST_FILE: Final = 65_536


class Sources:
    """All sources of values, and every secret that was ever handed out.

    Attributes:
        asked: names that were looked for.
        handed_out: secrets, in the order in which they were read.
        files_read: files that values were read from, besides ``.env`` and systemd's credentials.
    """

    def __init__(
        self, environ: Mapping[str, str], directory: Path, dotenv: Mapping[str, str], dotenv_name: str
    ) -> None:
        """Keep the sources; nothing is read yet.

        Args:
            environ: the process environment.
            directory: where relative paths begin.
            dotenv: what ``.env`` says.
            dotenv_name: its path, for messages.
        """
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
        return next((value for find in finders if (value := (find(name) or "").strip())), None)

    def unread(self) -> Iterator[str]:
        """Yield the names that look like ours, and that nobody has asked for."""
        for name in (*(each for each in self._environ if each.startswith(_OURS)), *self._dotenv):
            if self.asked.isdisjoint({name, name.removesuffix("_FILE")}):
                yield name

    def remember(self, secret: Secret) -> Secret:
        """Make the logs hide ``secret``."""
        self.handed_out[secret] = None
        return secret

    def _from_file(self, source: Mapping[str, str], where: str, name: str) -> str | None:
        path = source.get(f"{name}_FILE", "").strip()
        if not path:
            return None
        expanded = expand(self._directory, path)
        self.files_read[expanded] = None
        return _read_text(expanded, f"{name}_FILE in {where}")

    def _from_credential(self, name: str) -> str | None:
        directory = self._environ.get("CREDENTIALS_DIRECTORY", "").strip()
        if not directory:
            return None
        # A folder of credentials that a unit names as a whole comes with its name before each file's.
        for credential in (name.lower(), f"destinations_{name.lower()}"):
            path = Path(directory) / credential
            with suppress(PermissionError):  # systemd shows them to the service's main process only
                if path.is_file():
                    return _read_text(path, f"the systemd credential {credential}")
        return None


def read_dotenv(
    environ: Mapping[str, str], directory: Path, problems: list[str]
) -> tuple[Path | None, Mapping[str, str]]:
    """Return path and values of the ``.env`` file; no path when there is none and none was named."""
    named = environ.get("NINJA_ENV_FILE", "").strip()
    path = expand(directory, named or ".env")
    if not named and not path.is_file():
        return None, {}
    try:
        text = _read_text(path, "NINJA_ENV_FILE" if named else str(path))
    except ConfigError as error:
        problems.extend(error.problems)
        return path, {}
    from dotenv.parser import parse_stream  # noqa: PLC0415 - not where settings come read

    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            problems.append(f"{path}: line {binding.original.line} must be NAME=value or a comment, was neither")
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    return path, values


def expand(directory: Path, path: str) -> Path:
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
