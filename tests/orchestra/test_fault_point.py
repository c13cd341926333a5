"""The switch that lets a process die at a commit: for tests, and for nobody else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestra.env import read_environment


def source(tmp_path, **variables):
    return {"ORCHESTRA_DATA": str(tmp_path), "SECRET_KEY": "s", **variables}


@pytest.mark.parametrize("value", ["", "step.after", "occurrence.before:12"])
def test_it_names_a_point_and_how_often_it_is_passed(tmp_path, value):
    found = read_environment(source(tmp_path, ORCHESTRA_FAULT_POINT=value))
    assert found.fault_point == value


@pytest.mark.parametrize("value", ["step", "step.during", "step.after:0", "rm -rf"])
def test_anything_else_stops_the_start(tmp_path, value):
    with pytest.raises(ImproperlyConfigured, match="ORCHESTRA_FAULT_POINT"):
        read_environment(source(tmp_path, ORCHESTRA_FAULT_POINT=value))


def test_production_refuses_it(tmp_path):
    variables = {
        "ORCHESTRA_PRODUCTION": "1",
        "ORCHESTRA_FAULT_POINT": "step.after",
        "ORCHESTRA_ENCRYPTION_KEYS": "k",
        "ORCHESTRA_ALLOWED_HOSTS": "orchestra.example",
        "ORCHESTRA_PUBLIC_URL": "https://orchestra.example",
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "REDIS_URL": "redis://localhost/0",
    }
    with pytest.raises(ImproperlyConfigured, match="for tests only"):
        read_environment(source(tmp_path, **variables))
