"""Installs ninja-daemon on a server: releases side by side under /opt, settings under /etc, units, Redis.

Plain Python 3.11 or newer with nothing but its standard library, so that it runs on a bare Debian or Ubuntu. Every step
may be interrupted and run again: a release counts only with its mark, links are changed by one rename, files that hold
settings or secrets are made once and never overwritten.
"""
