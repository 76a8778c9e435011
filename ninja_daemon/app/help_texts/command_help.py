"""The form of a command's help: what it does, when to use it, examples, exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CONFIGURATION_EXIT: Final = "78  the configuration cannot work; every problem is listed on standard error"
_WIDTH: Final = 78
"""Columns of a help on a terminal of 80, which leaves one free at each side."""
_USAGE_EXIT: Final = "2   the command line was wrong"


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """The help of one command.

    Attributes:
        folder: where in ``app/commands`` its file lies.
        summary: one line for the list of commands.
        paragraphs: what it does and when to use it.
        examples: command lines, each with what it is for.
        exits: exit codes besides usage and configuration errors, each with its meaning.
        lists_problems: whether a configuration that cannot work ends it with 78.
    """

    folder: str
    summary: str
    paragraphs: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]
    exits: tuple[str, ...] = ("0   done",)
    lists_problems: bool = True

    def text(self) -> str:
        r"""Return the whole help; a paragraph that begins with ``\b`` keeps its line breaks, ``\[`` is no markup."""
        examples = self._shown_examples()
        exits = [f"  {line}" for line in self._all_exits()]
        blocks = ["\b\nExamples:\n" + "\n".join(examples), "\b\nExit codes:\n" + "\n".join(exits)]
        return "\n\n".join([self.summary, *self.paragraphs, *blocks]).replace("[", r"\[")

    def _shown_examples(self) -> list[str]:
        """Put each purpose beside its command, or below where one of them would not fit: a wrapped table is none."""
        width = max(len(line) for line, _ in self.examples) + 3
        beside = [f"  ninja-daemon {line:<{width}}{purpose}".rstrip() for line, purpose in self.examples]
        if max(map(len, beside)) <= _WIDTH:
            return beside
        return [
            row
            for line, purpose in self.examples
            for row in (f"  ninja-daemon {line}", *([f"      {purpose}"] if purpose else []))
        ]

    def _all_exits(self) -> list[str]:
        more = (_USAGE_EXIT, _CONFIGURATION_EXIT) if self.lists_problems else (_USAGE_EXIT,)
        return sorted((*self.exits, *more), key=_exit_code)


def _exit_code(line: str) -> int:
    return int(line.partition(" ")[0])
