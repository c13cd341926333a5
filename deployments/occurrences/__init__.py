"""The arithmetic of schedules: the instants of a rule. Plain Python that stores nothing."""

from deployments.occurrences.cron import read_cron
from deployments.occurrences.exclusions import (
    NO_EXCLUSIONS,
    Exclusions,
    exclusions_of,
    is_left_out,
    next_allowed,
)
from deployments.occurrences.rules import MAX_EVERY_SECONDS, Rule, RuleInvalid
from deployments.occurrences.runs import PlannedRun, next_runs
from deployments.occurrences.times import due_times, jitter, next_due, reaching_back
from deployments.occurrences.words import in_words, offset_text
from deployments.occurrences.zones import known_zones, zone_choices, zone_of, zones_like

__all__ = [
    "MAX_EVERY_SECONDS",
    "NO_EXCLUSIONS",
    "Exclusions",
    "PlannedRun",
    "Rule",
    "RuleInvalid",
    "due_times",
    "exclusions_of",
    "in_words",
    "is_left_out",
    "jitter",
    "known_zones",
    "next_allowed",
    "next_due",
    "next_runs",
    "offset_text",
    "read_cron",
    "reaching_back",
    "zone_choices",
    "zone_of",
    "zones_like",
]
