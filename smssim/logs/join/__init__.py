"""Facts: what every file says, packed row by row, and resolved to one record."""
