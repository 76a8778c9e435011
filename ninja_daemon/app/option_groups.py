"""Options of a command in groups: a parameter that is a dataclass stands for one option a field.

A command with many options takes them as values (``SimulatorOptions``, ``FileOptions``), and several commands share a
group. A field is written like a parameter: ``port: Annotated[int, typer.Option(…)] = 8080``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def spread(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with single options in place of groups; one without groups as it is."""
    parameters = signature(command, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: each.annotation
        for name, each in parameters.items()
        if isinstance(each.annotation, type) and is_dataclass(each.annotation)
    }
    if not groups:
        return command
    single = [
        option for name, each in parameters.items() for option in (_options(groups[name]) if name in groups else [each])
    ]

    def with_groups(**given: Any) -> Any:  # noqa: ANN401 - whatever the options are
        made = {
            name: group(**{each.name: given.pop(each.name) for each in fields(group)}) for name, group in groups.items()
        }
        return command(**given, **made)

    vars(with_groups)["__signature__"] = Signature(single)
    with_groups.__annotations__ = {each.name: each.annotation for each in single}
    return with_groups


def _options(group: type[Any]) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for each in fields(group):
        default = Parameter.empty if each.default is MISSING else each.default
        yield Parameter(each.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[each.name])
