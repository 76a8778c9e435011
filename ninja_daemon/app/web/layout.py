"""The frame of every page."""

from __future__ import annotations

from collections.abc import Sequence

from ninja_daemon import __version__
from ninja_daemon.app.web.html import Child, Html, element
from ninja_daemon.core.market.instant import format_instant

Navigation = Sequence[tuple[str, str]]
"""Paths and names of the pages that lead somewhere."""


def page(title: str, content: Child, *, at: float, here: str, navigation: Navigation, is_public: bool = False) -> bytes:
    """Return a whole page.

    Args:
        title: heading, and with the product's name the title.
        content: what follows the heading.
        at: when it was made, epoch seconds; the script says when that is too long ago.
        here: path of the page in the navigation.
        navigation: the pages to lead to.
        is_public: whether strangers read it: then it does not say which version this is.
    """
    links = [
        element("li", element("a", name, href=path, aria_current="page" if path == here else None))
        for path, name in navigation
    ]
    foot = "ninja-daemon" if is_public else f"ninja-daemon {__version__}"
    body = element(
        "body",
        element("a", "to the content", class_="skip", href="#main"),
        element("header", element("nav", element("ul", links), aria_label="pages")),
        _main(title, content, format_instant(int(at))),
        element("footer", element("p", foot, ". Times are UTC unless you ask for yours.")),
    )
    return f"<!doctype html>\n{element('html', _head(title), body, lang='en')}\n".encode()


def _main(title: str, content: Child, made: str) -> Html:
    as_of = element("p", "as of ", element("time", f"{made[:10]} {made[11:19]}", datetime=made), class_="as-of")
    age = element("p", "", id="age", role="status")
    return element("main", element("h1", title), as_of, age, content, id="main", tabindex="-1")


def _head(title: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="dark light"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{title} – ninja-daemon"),
        element("link", rel="stylesheet", href="/style.css"),
        element("link", rel="icon", href="data:,"),
        element("link", rel="alternate", type="application/feed+json", href="/feed.json", title="signals"),
        element("script", "", src="/page.js", defer=True),
        element("noscript", element("meta", http_equiv="refresh", content="30")),
    )


def notice(text: Child, *, is_bad: bool = True) -> Html:
    """Return a paragraph that stands out."""
    return element("p", text, class_="notice bad" if is_bad else "notice", role="alert" if is_bad else None)
