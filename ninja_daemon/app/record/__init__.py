"""The record of signals and outcomes: keeping it, adding it up, checking it.

``recording`` runs in the daemon, ``tracked`` and ``report`` serve the commands that read, ``verification`` derives all
of it again.
"""
