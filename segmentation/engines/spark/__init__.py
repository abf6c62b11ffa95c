"""Spark, on one machine or a cluster: everything that knows a JVM."""
