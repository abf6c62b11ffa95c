"""What runs the job by itself, and what is said of it."""
