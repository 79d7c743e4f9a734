-- A folder of exports as text, each ID once: what reading is held against. Without quotes, of which the
-- files have none but unclosed ones: with them DuckDB loses nearly half of the rows.
create table details as
select distinct on ("SMS ID") *
from read_csv(
    getvariable('folder') || '/details/*.csv',
    auto_detect = false, header = true, delim = ',', quote = '', escape = '',
    ignore_errors = true,
    columns = {
        'SMS ID': 'varchar', 'Recipient Number': 'varchar', 'Country/Region': 'varchar',
        'Application Name': 'varchar', 'Template ID': 'varchar', 'SMS Type': 'varchar',
        'Send Time (UTC+8)': 'varchar', 'Status Time (UTC+8)': 'varchar',
        'Sending Result': 'varchar', 'Status Code': 'varchar', 'Charged or Not': 'varchar'
    }
);
