"""Floor 2: what the processes do, against ports. They return what happened and log nothing."""
