"""What ``--help`` says of each command, in one file for each folder of ``app.commands``.

The texts stand here and not beside the commands, so that listing the commands loads none of them.
"""
