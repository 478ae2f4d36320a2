"""The benchmark: chatd, what the machine could do at most, and the servers one could take instead.

`scripts/bench` runs it; README.md says how it measures. It is no part of what is installed.
"""
