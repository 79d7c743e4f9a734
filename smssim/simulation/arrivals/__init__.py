"""The model's rules on arrays: whole blocks of messages at once, exactly as one by one."""
