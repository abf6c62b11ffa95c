"""What people ask of what was published: why, and what comes next. Nothing here writes to an output."""
