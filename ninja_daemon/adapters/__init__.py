"""Floor 3: the ports made real. Each third-party library has one home here."""
