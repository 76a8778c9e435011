"""The ways to somebody: one file a channel, all of them behind the ``Channel`` port and its one contract test.

What messages say is in ``wording``, posting in ``adapters.network``, when a message is sent in ``core.messages``.
"""
