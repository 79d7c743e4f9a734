-- The three reports of a log of ours, each as smssim makes it: cost by country and entry, delivery by country with
-- Aalen and Johansen's shares and quantiles, statuses by country. One scan fills a small table that all three share, which is quicker
-- than a scan each; delays are counted by DuckDB's own histogram, which is four times as fast as a join with the edges.
-- Given: the variables folder and until_us (the end of the record), and the table edges (bin, low_us).
set variable bounds = (select list(low_us - 1 order by bin) from edges where bin > 0);

create table cells as
select
    country, list_position(['', 'request', 'number', 'platform'], refused_at) - 1 as place, status,
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
    country, status, ['', 'request', 'number', 'platform'][place + 1] as refused_at,
    sum(messages)::bigint as messages,
    sum(messages) / sum(sum(messages)) over (partition by country) as share
from cells
group by country, status, place
order by country nulls last, place, status nulls last;

-- By 72 h the platform makes a report: what is in flight longer has lost it.
create table delays as
with spread as (
    select
        country,
        case when status = 'DELIVRD' then 'seen' when status is null or status = 'ACCEPTD' then 'waiting'
        else 'other' end as ended,
        unnest(map_keys(delays)) as bound, unnest(map_values(delays)) as messages
    from cells
    where place = 0
),
placed as (
    select bin, low_us, coalesce(lead(low_us) over (order by bin) - 1, 9223372036854775807) as bound
    from edges
),
binned as (
    select country, messages,
        if(ended = 'waiting' and low_us >= 72 * 3600 * 1000000::bigint, 'lost', ended) as ended,
        if(ended = 'waiting', least(low_us, 72 * 3600 * 1000000::bigint), low_us) as low_us
    from spread join placed using (bound) where messages > 0
)
select
    country, low_us,
    coalesce(sum(messages) filter (ended = 'seen'), 0)::bigint as seen,
    coalesce(sum(messages) filter (ended = 'other'), 0)::bigint as other,
    coalesce(sum(messages) filter (ended = 'lost'), 0)::bigint as lost,
    coalesce(sum(messages) filter (ended = 'waiting'), 0)::bigint as waiting
from binned
group by all;

create table incidences as
with risks as (
    select *, sum(seen + other + lost + waiting) over (partition by country order by low_us desc) as risk
    from delays
),
staying as (
    select *, product(1 - (seen + other + lost) / risk) over (partition by country order by low_us) as staying
    from risks
),
entered as (
    select *, coalesce(lag(staying) over (partition by country order by low_us), 1) as before from staying
)
select
    country, low_us,
    sum(before * seen / risk) over (partition by country order by low_us) as share,
    sum(before * seen / risk) over (partition by country) as whole,
    sum(before * lost / risk) over (partition by country) as unreported
from entered;

create table latencies as
with middles as (
    select low_us,
        if(bin = 0, 0.0, coalesce(sqrt(low_us::double * lead(low_us) over (order by bin)), low_us)) as middle_us
    from edges
)
select
    country,
    any_value(whole / (1 - unreported)) as delivered_share,
    min(middle_us) filter (share >= (0.5 - 1e-11) * whole) / 1e6 as latency_p50_s,
    min(middle_us) filter (share >= (0.95 - 1e-11) * whole) / 1e6 as latency_p95_s,
    min(middle_us) filter (share >= (0.99 - 1e-11) * whole) / 1e6 as latency_p99_s
from incidences join middles using (low_us)
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
    select country as of, sum(lost) as lost from delays group by country
),
joined as (
    select *,
        coalesce(lost, 0)::bigint as no_report,
        sent - delivered - failed - expired - no_report as in_flight
    from counts left join flights on of is not distinct from country
)
select
    joined.country, requested, refused_request, refused_number, refused_platform, sent, delivered, failed, expired,
    in_flight, no_report, delivered_share,
    if(whole, latency_p50_s, null) as latency_p50_s,
    if(whole, latency_p95_s, null) as latency_p95_s,
    if(whole, latency_p99_s, null) as latency_p99_s
from joined left join latencies on joined.country is not distinct from latencies.country
order by joined.country nulls last;
