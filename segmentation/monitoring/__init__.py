"""What tells others of runs: each reads the record of a run that has ended, and none is known to the run."""
