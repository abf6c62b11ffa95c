"""Commands: a file each, with its options and its words."""
