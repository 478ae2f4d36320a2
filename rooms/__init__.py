"""rooms: what a room is and what may happen in it. Pure rules and the log; no sockets."""
