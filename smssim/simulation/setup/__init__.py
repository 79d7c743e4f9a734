"""Everything known before the first message."""
