"""chatd: the daemon. Wire, sockets, hub, bus, HTTP, identity, command line."""
