"""One file a command, in folders by what it is for. Each is loaded only when it is asked for (``app.cli``)."""
