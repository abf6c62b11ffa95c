"""The core: DataFrame functions that every engine understands. Nothing here reads, writes or starts anything."""
