"""Check_template, check_values, segments, country_of, status_codes, read_recipients."""
