-- The three reports of a log of ours, each as smssim makes it: cost by country and entry, delivery by country with
-- Kaplan-Meier's quantiles, statuses by country. One scan fills a small table that all three share, which is quicker
-- than a scan each; delays are counted by DuckDB's own histogram, which is four times as fast as a join with the edges.
-- Given: the variables folder and until_us (the end of the record), and the table edges (bin, low_us).
set variable bounds = (select list(low_us - 1 order by bin) from edges where bin > 0);

create table cells as
select
    country, place, status,
    covered_segments > 0 as covered, cost_micro > 0 as paid, covered_segments is null as untold,
    count(*)::bigint as messages,
    sum(segments)::bigint as segments,
    sum(covered_segments)::bigint as covered_segments,
    sum(cost_micro)::bigint as cost_micro,
    histogram(
        case when final_at is null or status = 'ACCEPTD' then getvariable('until_us')
        else epoch_us(final_at) end - epoch_us(submitted_at),
        getvariable('bounds')) as delays,
    count(final_at)::bigint as timed
from read_parquet(getvariable('folder') || '/messages.parquet')
group by all;

create table cost as
with charged as (
    select *, if(untold and not coalesce(paid, false), 'unknown', 'pay_per_use') as entry
    from cells
    where place = 0 and (not coalesce(covered, false) or paid)
)
select
    country, entry,
    sum(messages)::bigint as messages,
    sum(segments - if(entry = 'unknown', 0, coalesce(covered_segments, 0)))::bigint as segments,
    sum(if(entry = 'unknown', null, cost_micro))::bigint as cost_micro
from charged
group by country, entry
order by country nulls last, entry;

create table statuses as
select
    country, status, place,
    sum(messages)::bigint as messages,
    sum(messages) / sum(sum(messages)) over (partition by country) as share
from cells
group by country, status, place
order by country nulls last, place, status nulls last;

create table delays as
with told as (
    select
        country, status = 'DELIVRD' as delivered,
        unnest(map_keys(delays)) as bound, unnest(map_values(delays)) as messages
    from cells
    where place = 0 and (status is null or status in ('ACCEPTD', 'DELIVRD'))
),
binned as (
    select country, coalesce(delivered, false) as delivered, bound, sum(messages)::bigint as messages
    from told where messages > 0 group by all
),
placed as (
    select bin, low_us, coalesce(lead(low_us) over (order by bin) - 1, 9223372036854775807) as bound,
        if(bin = 0, 0.0, coalesce(sqrt(low_us::double * lead(low_us) over (order by bin)), low_us)) as middle_us
    from edges
)
select
    country, bin, low_us, middle_us,
    coalesce(sum(messages) filter (delivered), 0)::bigint as seen,
    coalesce(sum(messages) filter (not delivered), 0)::bigint as waiting
from binned join placed using (bound)
group by all;

-- By 72 h the platform makes a report: what is in flight longer has lost it.
create table latencies as
with known as (
    select country, bin, middle_us, seen,
        seen + if(low_us < 72 * 3600 * 1000000::bigint, waiting, 0) as entered
    from delays
),
risks as (
    select *, sum(entered) over (partition by country order by bin desc) as risk from known
),
gone as (
    select *, 1 - product(1 - seen / risk) over (partition by country order by bin) as share
    from risks where risk > 0
)
select
    country,
    min(middle_us) filter (share >= 0.5 - 1e-11) / 1e6 as latency_p50_s,
    min(middle_us) filter (share >= 0.95 - 1e-11) / 1e6 as latency_p95_s,
    min(middle_us) filter (share >= 0.99 - 1e-11) / 1e6 as latency_p99_s
from gone
group by country;

create table delivery as
with counts as (
    select
        country,
        sum(messages)::bigint as requested,
        coalesce(sum(messages) filter (place = 1), 0)::bigint as refused_request,
        coalesce(sum(messages) filter (place = 2), 0)::bigint as refused_number,
        coalesce(sum(messages) filter (place = 3), 0)::bigint as refused_platform,
        coalesce(sum(messages) filter (place = 0), 0)::bigint as sent,
        coalesce(sum(messages) filter (place = 0 and status = 'DELIVRD'), 0)::bigint as delivered,
        coalesce(sum(messages) filter (
            place = 0 and status not in ('DELIVRD', 'EXPIRED', 'ACCEPTD')), 0)::bigint as failed,
        coalesce(sum(messages) filter (place = 0 and status = 'EXPIRED'), 0)::bigint as expired,
        coalesce(sum(timed) filter (place = 0 and status = 'DELIVRD'), 0) >= delivered as whole
    from cells group by country
),
flights as (
    select
        country as of,
        sum(waiting) filter (low_us >= 72 * 3600 * 1000000::bigint) as lost
    from delays group by country
),
joined as (
    select *,
        coalesce(lost, 0)::bigint as no_report,
        sent - delivered - failed - expired - no_report as in_flight,
        nullif(delivered + failed + expired, 0) as known
    from counts left join flights on of is not distinct from country
)
select
    joined.country, requested, refused_request, refused_number, refused_platform, sent, delivered, failed, expired,
    in_flight, no_report, delivered / known as delivered_share,
    if(whole, latency_p50_s, null) as latency_p50_s,
    if(whole, latency_p95_s, null) as latency_p95_s,
    if(whole, latency_p99_s, null) as latency_p99_s
from joined left join latencies on joined.country is not distinct from latencies.country
order by joined.country nulls last;
