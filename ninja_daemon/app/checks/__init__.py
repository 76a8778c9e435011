"""What ``check`` looks for: a module for each thing. Nothing is sent and nothing is changed."""
