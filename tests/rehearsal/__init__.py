"""The rehearsal: a whole Debian, booted; install, run, break, mend, upgrade, restore, remove: ``make rehearsal``."""
