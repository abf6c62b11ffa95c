"""Sail and delta-rs, on this machine and without a JVM: everything that knows `pysail` and `deltalake`."""
