"""What was published, over HTTP: without an engine, and without holding the customers in memory."""
