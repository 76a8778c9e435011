"""Floor 4: settings, wiring, the life and death of a process, one file a command."""
