"""One signal of the history, drawn with candles of the broker."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from ninja_daemon.app import wiring
from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named, write_picture, zone_named
from ninja_daemon.app.pictures.of_signals import found_signal, picture_of_signal
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.signal_history.reading import read_signals


def draw_signal(wanted: str, path: Path, theme: str, zone: str) -> None:
    """Draw one listed signal, with candles of one request to the broker."""
    require_a_pictures_name(path, "--picture")
    colours, clock = theme_named(theme), zone_named(zone)
    environ, product = running_environ()
    say_found(product)
    environment, configuration = load_settings(environ)
    history = read_signals(environment, reader="signals")
    signal = found_signal([signal for signal, _ in history.entries], wanted)
    known = (signal, history.outcomes.get(signal.id))
    with closing(wiring.candle_source(environment)) as source:
        svg = picture_of_signal(source, configuration.strategies, known, colours, clock)
    write_picture(svg, path)
