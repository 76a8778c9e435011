"""What is shown of several lanes, servers and daemons that belong together."""
