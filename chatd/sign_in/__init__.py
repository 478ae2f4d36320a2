"""Signing in: OpenID Connect, from the settings to the sealed cookie of somebody who has."""
