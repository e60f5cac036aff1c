"""Many records in one write: lists, what a query finds, upserts and batches."""
