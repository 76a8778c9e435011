"""Messages to destinations: what is sent, where it goes, when, and when it is tried again.

How a service is spoken to is a channel, in ``adapters.channels``. What is said is decided there, too.
"""
