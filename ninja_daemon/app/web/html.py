"""HTML by construction: text is escaped unless it was made here, so nothing that is stored can become markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

_SHORT: Final = 32
_VOID: Final = frozenset({"meta", "link", "input"})


class Html(str):
    """Markup that was made here. Any other text is escaped when it becomes part of a page."""

    __slots__ = ()


Child: TypeAlias = str | int | Iterable["Child"] | None


def element(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element.

    Args:
        name: of the element; never from outside.
        children: markup as it is, other text escaped, sequences one after the other, None left out.
        attributes: values are escaped, True stands alone, None and False are left out. ``class_`` is ``class``,
            ``data_at`` is ``data-at``.
    """
    written = "".join(_attribute(each, value) for each, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def _attribute(name: str, value: str | bool | None) -> str:  # noqa: FBT001 - as HTML has it
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def joined(children: Child) -> Html:
    """Return children one after the other."""
    if children is None:
        return Html("")
    if isinstance(children, Html):
        return children
    if isinstance(children, str | int):
        return Html(escape(str(children), quote=False))
    return Html("".join(map(joined, children)))


def table(caption: str, titles: Iterable[str], rows: Iterable[Iterable[Child]]) -> Html:
    """Return a table; on a narrow screen each row becomes a block whose cells bear the columns' titles."""
    titles = list(titles)
    first = titles[0]
    head = element("tr", [element("th", title, scope="col") for title in titles])
    body = [
        element("tr", [_cell(title, cell, is_first=title is first) for title, cell in zip(titles, row, strict=True)])
        for row in rows
    ]
    return element(
        "table", element("caption", caption), element("thead", head), element("tbody", body or _nothing(len(titles)))
    )


def _cell(title: str, content: Child, *, is_first: bool) -> Html:
    # Short cells stay on one line, or a long one beside them would break their numbers.
    kind = "long" if len(joined(content)) > _SHORT and not isinstance(content, Html) else None
    if is_first:
        return element("th", content, scope="row", class_=kind)
    return element("td", content, data_title=title, class_=kind)


def _nothing(columns: int) -> Html:
    return element("tr", element("td", "none", colspan=str(columns)))


def facts(pairs: Iterable[tuple[str, Child]]) -> Html:
    """Return a list of names and values; those without a value are left out."""
    return element(
        "dl", [element("div", element("dt", name), element("dd", value)) for name, value in pairs if value is not None]
    )
