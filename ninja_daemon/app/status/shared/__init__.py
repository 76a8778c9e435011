"""What is shown of several servers and daemons that belong together."""
