"""The columns that the page shows of each report; the workbook has them all."""

# fmt: off
MONEY = (
    "entry", "packages", "messages", "segments", "cost_micro", "per_delivered",
)
WASTE = (
    "kind", "messages", "segments", "covered_segments", "billed_micro", "package_micro",
)
PROJECTION = (
    "figure", "unit", "since", "ends", "so_far", "rest", "month", "whole_days", "days_left",
    "reason",
)
PACKAGES = (
    "package", "country", "segments", "price_micro", "in_force_at", "ends_at", "used",
    "expired", "expired_cost_micro", "left", "empty_at", "run_out_projected_at",
)
LIMITS = (
    "period", "start", "used", "alarm", "limit", "share_of_limit", "alarm_at", "limit_at",
    "suspended_h", "stopped", "near_miss",
)
COUNTS = (
    "country", "requested", "sent", "delivered", "failed", "expired", "in_flight",
    "no_report", "delivered_share",
)
TIMES = (
    "country", "latency_p50_s", "latency_p95_s", "latency_p99_s", "within_10_s",
    "within_30_s", "within_3_min",
)
FAILURES = (
    "code", "place", "messages", "share", "source", "cause", "advice",
)
REPORTS = (
    "reports", "received", "lost", "pending", "received_share", "late", "duplicates",
    "out_of_order", "attempts_mean", "delay_p50_s", "delay_p95_s", "delay_p99_s",
)
REVIEW = (
    "template", "attempts", "submitted_at", "approved_at", "usable_at", "wall_h", "working_h",
    "rejected", "state",
)
# fmt: on
