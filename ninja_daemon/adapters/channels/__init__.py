"""The ways to somebody: one file a channel, all of them behind the ``Channel`` port and its one contract test."""
