"""chatd through what stands between a ward PC and a server: real proxies, each transport, and the page.

    python -m tests.proxies        # measures every pair, and prints the table of docs/transports.md

`rows.py` is the list of what is tried. `programs.py` starts real programs, with what is in `configs/`;
`relays.py` does what no package does; `peers.py` is somebody who holds a seat, over one of the
transports in `lines.py`; `talks.py` is what is done over each pair.
"""
