"""The calendar of scheduled news: kept up to date beside the wakes, found again by commands that judge anew.

Reading a calendar is ``adapters.news``; which events keep a cross quiet is ``core.filters.quiet_around``.
"""
