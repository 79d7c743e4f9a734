"""The file of the Group SMS Assistant: read as the console imports it, and how large it would be.

Limits and what happens to duplicates and invalid numbers: DOMAIN.md section 8.
"""

from smssim.sms.recipients import (
    MAX_FILE_BYTES,
    MAX_NUMBERS,
    Recipients,
    estimated_file_bytes,
    read_recipients,
)

__all__ = ["MAX_FILE_BYTES", "MAX_NUMBERS", "Recipients", "estimated_file_bytes", "read_recipients"]
