"""``ninja-daemon notify``: the notifier, or one pass of it."""

from __future__ import annotations

import sys
import uuid
from typing import Annotated

import typer

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.network.signing import new_secret as new_secret_text
from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.lean.handover import Handed, go_on
from ninja_daemon.app.serving.options import NotifyOptions
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.shared_options import LOG_LEVEL
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.messages.destination import Delivery, Failure
from ninja_daemon.core.messages.message import Bundle, Entry, Kind, Notice, Severity


def notify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="DESTINATION", help="With --preview: this one alone.")] = "",
    *,
    drain: Annotated[
        bool, typer.Option("--drain", help="Deliver until nothing is due, then end: 1 when something is left.")
    ] = False,
    test: Annotated[
        str, typer.Option("--test", metavar="DESTINATION", help="Send one marked test message there, then end.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what each destination, or DESTINATION, would post; send nothing.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Print a new secret that signs a webhook's messages, then end.")
    ] = False,
    log_level: LOG_LEVEL = LogLevel.INFO,
) -> None:
    """Deliver signals: take them from the list and send them to their destinations."""
    if new_secret:
        typer.echo(new_secret_text())
        raise typer.Exit
    environment, configuration = load_settings()
    configure_logs(level=log_level, secrets=environment.secrets, stream=sys.stderr)
    _require_preview_for(name, is_preview=preview)
    if preview:
        raise typer.Exit(_preview(environment, configuration, name))
    if test:
        raise typer.Exit(_send_test(configuration.delivery, test))
    handed = Handed(NotifyOptions(drain, log_level), environment, configuration)
    raise typer.Exit(go_on("notify", handed, context.obj))


def _require_preview_for(name: str, *, is_preview: bool) -> None:
    if name and not is_preview:
        message = "it is named for --preview only"
        raise typer.BadParameter(message, param_hint="DESTINATION")


def _preview(environment: Environment, configuration: Configuration, name: str) -> int:
    from ninja_daemon.app.notifier.preview import made_up_signals, preview
    from ninja_daemon.app.signal_history.reading import read_signals

    delivery = configuration.delivery
    if name and not _is_known("--preview", delivery, name):
        return 2
    try:
        signals = [signal for signal, _ in read_signals(environment, reader="preview").entries][-2:]
    except StoreUnavailable as error:
        typer.echo(f"the history cannot be read: {error}", err=True)
        signals = []
    if not signals:
        typer.echo("there is no signal in the history yet; these are made up", err=True)
        signals = list(made_up_signals())
    chosen = [one for one in delivery.destinations if name in {"", one.name}]
    for destination in chosen:
        for text in preview(destination, configuration.strategies, signals, SystemClock().now()):
            typer.echo(text)
        typer.echo()
    return 0


def _is_known(option: str, delivery: Delivery, name: str) -> bool:
    names = [destination.name for destination in delivery.destinations]
    if name not in names:
        typer.echo(f"{option} must name a destination ({', '.join(names)}), was {name!r}", err=True)
    return name in names


def _send_test(delivery: Delivery, name: str) -> int:
    if not _is_known("--test", delivery, name):
        return 2
    now = SystemClock().now()
    text = f"This is a test of the destination {name} by ninja-daemon {__version__}. No signal, nothing to do."
    notice = Notice(f"test-{uuid.uuid4().hex[:16]}", "test", Severity.INFO, text, now)
    entry = Entry(Kind.TEST, notice.id, 0, now, _test_json(notice), notice=notice)
    channel = open_channel(delivery.destination(name))
    try:
        outcome = channel.send(Bundle(name, (entry,)))
    finally:
        channel.close()
    if isinstance(outcome, Failure):
        typer.echo(f"{name} did not take the test message ({outcome.fault}): {outcome.text}", err=True)
        return 1
    proof = f" (message {outcome.message_id})" if outcome.message_id else ""
    typer.echo(f"{name} took the test message{proof}", err=True)
    return 0


def _test_json(notice: Notice) -> str:
    from ninja_daemon.adapters.stored.alert import encode_notice

    return encode_notice(notice)
