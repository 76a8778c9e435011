"""Checks of what several servers and daemons share.

A single Redis is looked at by ``checks.store``.
"""
