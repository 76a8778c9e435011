"""Backups: making one from Redis and the state directory, and putting one back.

The file's form is in ``adapters.files``, reading and writing Redis in ``adapters.redis``.
"""
