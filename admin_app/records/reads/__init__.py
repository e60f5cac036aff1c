"""The read path: statements under the policy, and rows."""
