"""Tables of the configuration file as models: a key is a field, followed by its docstring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ninja_daemon.app.settings.values import Refused, Value, must_be, shown_key
from ninja_daemon.core.words import not_a_key

Model = TypeVar("Model", bound="Table")
T = TypeVar("T")


class Table(BaseModel):
    """A table; every field is annotated with the ``Value`` that reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    SHAPE: ClassVar[str] = "a table"
    """What must stand there, for messages."""

    def given(self) -> dict[str, Any]:
        """Return what the file sets, by the names of the fields."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def read_table(model: type[Model], value: object, context: object = None) -> Model:
    """Check a whole table.

    Raises:
        Refused: with every problem in it.
    """
    if not isinstance(value, Mapping):
        raise Refused(("", must_be(model.SHAPE, value)))
    try:
        return model.model_validate(dict(value), context=context)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise Refused(*(problem for fault in faults for problem in _problems(model, fault))) from None


def _problems(model: type[Table], fault: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    key = str(fault["loc"][0])
    place = f".{shown_key(key)}"
    if fault["type"] == "extra_forbidden":
        yield place, not_a_key(key, fields)
    elif fault["type"] == "missing":
        (value,) = (each for each in fields[key].metadata if isinstance(each, Value))
        yield place, f"must be {value.allowed}, was missing"
    else:
        yield from fault["ctx"]["error"].inside(place)


def read_each(values: Iterable[object], read: Callable[[object], T]) -> tuple[T, ...]:
    """Read every element of a list, counted from 1 in what is said.

    Raises:
        Refused: with every problem in it.
    """
    found: list[T] = []
    problems: list[tuple[str, str]] = []
    for place, value in enumerate(values, start=1):
        try:
            found.append(read(value))
        except Refused as refused:
            problems.extend(refused.inside(f"[{place}]"))
    if problems:
        raise Refused(*problems)
    return tuple(found)
