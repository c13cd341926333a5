"""The variables of mail: both or none, and an address that can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestra.env import read_environment

URL, FROM = "smtp+tls://ada:p%40ss@mail.example.com:587", "orchestra@example.com"


def read(data: Path, **variables: str) -> Any:
    return read_environment({"ORCHESTRA_DATA": str(data), **variables})


def test_both_are_read_and_the_password_is_masked(tmp_path: Path) -> None:
    found = read(tmp_path, ORCHESTRA_MAIL_URL=URL, ORCHESTRA_MAIL_FROM=FROM)
    assert (found.mail_url, found.mail_from) == (URL, FROM)
    assert "p@ss" in found.passwords
    assert read(tmp_path).mail_url == ""


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ORCHESTRA_MAIL_URL": URL}, "go together"),
        ({"ORCHESTRA_MAIL_FROM": FROM}, "go together"),
        ({"ORCHESTRA_MAIL_URL": "imap://x", "ORCHESTRA_MAIL_FROM": FROM}, "smtp+tls://"),
    ],
    ids=["no sender", "no server", "another protocol"],
)
def test_a_wrong_value_stops_the_start(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence.replace("+", r"\+")):
        read(tmp_path, **variables)
