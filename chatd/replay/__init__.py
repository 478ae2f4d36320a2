"""A real conversation, played through real sockets, and the judgement on what came out."""
