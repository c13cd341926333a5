"""The installation's settings with two more addresses to compare with."""

from orchestra.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
