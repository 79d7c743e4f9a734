"""The rules of the model on arrays: whole blocks of messages judged at once, exactly as one by one."""
