"""Formats durations for people."""

from django import template

from executor.history.durations import as_duration

register = template.Library()
register.filter(as_duration)
