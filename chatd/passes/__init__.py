"""The staff pass: who issues it, who believes it, and the blind signatures that keep the two apart."""
