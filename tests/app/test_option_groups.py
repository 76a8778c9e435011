from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from ninja_daemon.app.option_groups import spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    town: Annotated[str, typer.Option("--town", help="Where.")]
    number: Annotated[int, typer.Option(min=1, help="Which house.")] = 7


def tell(
    word: Annotated[str, typer.Argument()],
    *,
    place: Place,
    loud: Annotated[bool, typer.Option("--loud")] = False,
) -> None:
    typer.echo(f"{word} {place} {loud}")


def plain(word: str) -> None:
    typer.echo(word)


def invoked(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(spread(tell))
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_each_field_of_a_group_is_an_option() -> None:
    assert invoked("hello", "--town", "Kyoto") == (0, "hello Place(town='Kyoto', number=7) False\n")
    assert invoked("hello", "--number", "3", "--loud", "--town=Nara") == (
        0,
        "hello Place(town='Nara', number=3) True\n",
    )


@pytest.mark.parametrize("wrong", [[], ["--town", "Nara", "--number", "0"], ["--place", "x"]])
def test_an_option_of_a_group_is_checked_like_any_other(wrong: list[str]) -> None:
    assert invoked("hello", *wrong)[0] == 2


def test_a_command_without_groups_stays_as_it_is() -> None:
    assert spread(plain) is plain
