"""Checks of what several servers and daemons share."""
