"""What the tests start, `spark-submit` among it, finds the Java that the job would find."""

from segmentation.engines.spark.java import ensure_java

ensure_java()
