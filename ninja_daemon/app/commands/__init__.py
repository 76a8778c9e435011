"""One file a command, in folders by what it is for. Each is loaded only when it is asked for (``app.cli``).

What ``--help`` says is in ``app.help_texts``; what several commands need has a folder of its own in ``app``.
"""
