-- Sends joined with their reports, a row a segment sent: what joining is held against.
create table joined as
with sends as (
    select distinct on ("Message ID") *
    from read_csv(getvariable('folder') || '/joined/sends.csv', all_varchar = true, header = true)
),
reports as (
    select distinct on ("smsMsgId", "sequence") *
    from read_csv(getvariable('folder') || '/joined/reports.csv', all_varchar = true, header = true)
)
select sends.*, reports.sequence, reports.status, reports.source, reports."updateTime"
from sends left join reports on sends."Message ID" = reports."smsMsgId";
