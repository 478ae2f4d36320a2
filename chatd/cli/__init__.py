"""The command line: one file for each family of commands, and `program.py`, which has them all."""
