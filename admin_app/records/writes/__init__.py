"""The write path: one transaction's writes, each with its checks and its change."""
