"""What is asked for: from parameters or JSON to plain data, validated. No SQL."""
