"""A whole facilitated hour, played by scripts: `python -m chatd.rehearsal.hour`."""
