"""Planned sessions: planning them, running their clock, and what is left afterwards."""
