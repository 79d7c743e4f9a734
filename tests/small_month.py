"""A plan of four days with one package, small enough to be run hundreds of times."""

from __future__ import annotations

SMALL_MONTH = """
start: 2026-03-01
days: 4
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 400, daily_limit: 500, monthly_alarm: 9_000, monthly_limit: 90_000}
applications: [{name: shop}]
templates: [{name: code, application: shop, segments: {1: 0.9, 2: 0.1}}]
packages: [{country: ID, segments: 300, price: 30}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 100}]
routes: {ID: {price: 0.1}}
"""
