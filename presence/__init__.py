"""presence: who is here, under which handle. Knows topics and members, not rooms' rules."""
