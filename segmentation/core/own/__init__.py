"""What a business measures, scores and labels by configuration: expressions in SQL -> Columns for both engines."""
