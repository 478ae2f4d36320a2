"""The life of an epoch: its key, what is sealed with it, how a room begins anew, and how all of it goes."""
