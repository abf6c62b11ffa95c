"""One run: what it is asked, its steps, what it leaves, and whether one is due."""
