"""What became of the signals: how each one ended, and what that adds up to.

Where an outcome is sent is ``core.messages``; the chained record of outcomes is ``app.record``.
"""
