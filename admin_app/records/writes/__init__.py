"""The write path: the writes of one transaction, each with its checks and its change."""
