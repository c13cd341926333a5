"""Wiring: settings, addresses, the Celery application."""

from orchestra.celery import app as celery_app

__all__ = ["celery_app"]
