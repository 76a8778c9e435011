"""Commands that run until they are stopped: run, notify, up, demo, simulator."""
