"""`chatd doctor` and the page /doctor: what is wrong here, or on the way here, and what to do about it."""
