"""What became of the signals: how each one ended, and what that adds up to."""
