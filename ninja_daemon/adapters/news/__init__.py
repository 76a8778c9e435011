"""Calendars of scheduled news as people have them: files and addresses, in JSON or as iCalendar.

What a calendar said when is kept by ``adapters.journal.history.news``; what follows from it is ``core.filters``.
"""
