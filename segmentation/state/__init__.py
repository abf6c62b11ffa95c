"""What lies under `output_dir`, and what it means."""
