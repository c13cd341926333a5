"""What looks like a key is masked in every text; the secrets of the installation are in what
servers say and in logs.
"""

from __future__ import annotations

import json
import secrets
import uuid
from typing import Any

import orjson
import pytest

from designs.secrets import masking
from designs.secrets.encryption import Secret
from designs.secrets.known import KnownSecrets, is_strong
from designs.secrets.masking import (
    MASK,
    is_clean,
    learn,
    learn_chosen,
    masked,
    masked_line,
    masked_output,
    masked_value,
)

API_KEY = "orc_1f0c9a3b_" + "aB3_-xYz" * 5
WEBHOOK = "whsec_" + "MfKQ9r8GKYqrTwjU" * 2
OPENAI = "sk-proj-" + "Ab1-Cd2_" * 5
GOOGLE = "AIza" + "SyA1b2C3d4" * 4
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl-_x"
BLOCK = f"-----BEGIN RSA PRIVATE KEY-----\n{'Ab+/' * 30}\n-----END RSA PRIVATE KEY-----"
SHAPES = (API_KEY, WEBHOOK, OPENAI, GOOGLE, TOKEN, BLOCK)
STRONG = "canary-5d1f9b3c7a2e8046-Kq7wZr2m"
ODD = 'q7"Kd\\slash/Zt93Lm1wB8xRv'
CHOSEN = "red-password-1"
CHOSEN_BUT_RANDOM = "W9x2Qm7Lr4Tz8Bv1Nc6Kd3Hf"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process knows is as it was afterwards."""
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    learn(STRONG, ODD, CHOSEN)
    learn_chosen(CHOSEN_BUT_RANDOM)


@pytest.mark.parametrize("secret", SHAPES)
def test_a_key_is_masked_wherever_it_stands(secret: str) -> None:
    for text in (
        secret,
        f"Bearer {secret}",
        f'{{"key":"{secret}"}}',
        f"a\n{secret}\nb",
        json.dumps(f"a\n{secret}\nb"),
        f"({secret})",
    ):
        assert secret not in masked(text)
        assert MASK in masked(text)
    value = {"a": [1, None, {secret: [f"x {secret}"]}], "b": "clean"}
    shown = json.dumps(masked_value(value), ensure_ascii=False)
    assert secret not in shown
    assert '"b": "clean"' in shown
    assert not is_clean(orjson.dumps({"a": f"\n{secret}"}))
    assert not is_clean(orjson.dumps({"a": f"\x1f{secret}"}))


def test_what_a_key_begins_with_stays() -> None:
    assert masked(f"The key {API_KEY}.") == "The key orc_1f0c9a3b_(secret)."
    assert masked(f"{WEBHOOK} {OPENAI}") == "whsec_(secret) sk-(secret)"
    assert masked("Authorization: Bearer q7Kd-Zt93.Lm1wB8xRv!") == "Authorization: Bearer (secret)!"
    assert masked("in postgresql://ada:pa55@db/x") == "in postgresql://ada:(secret)@db/x"
    assert masked(f"a {BLOCK} b") == "a -----BEGIN RSA PRIVATE KEY-----(secret) b"
    assert masked(masked(f"{API_KEY} {BLOCK}")) == masked(f"{API_KEY} {BLOCK}")


@pytest.mark.parametrize(
    "text",
    [
        "", "desk-based and risk-taking work", "sk-learn-pipelines-and-more-models",
        "orc_12345678_", "orc_short_abc", "my_orchestra", "whsec_",
        "task-1234567890-1234567890-1234567890", "the bearer of good-news-for-everybody",
        "AIzazel", "a@b.example", "3.14", "word", "Authorization: none", "eyJ is no token",
        "http://localhost:8000/a@b", "https://a.example: ask ada@b.example",
        "-----BEGIN CERTIFICATE----- MIIB",
    ],
)  # fmt: skip
def test_ordinary_text_stays(text: str) -> None:
    assert masked(text) is text
    assert masked_output(text) is text
    assert masked_line(text) == text
    value = {"a": [text], text: 1, "url": "http://h:80", "mail": "a@b.c"}
    assert masked_value(value) == value
    assert masked(json.dumps(value)) == json.dumps(value)


@pytest.mark.parametrize("secret", [STRONG, ODD, CHOSEN, CHOSEN_BUT_RANDOM])
def test_what_callers_send_is_never_compared_with_the_secrets_here(secret: str) -> None:
    value = {"a": [f"It is {secret}.", secret], secret: 1}
    assert masked(f"It is {secret}.") == f"It is {secret}."
    assert masked_value(value) is value
    assert is_clean(orjson.dumps(value))


def test_what_servers_say_shows_no_secret_that_cannot_be_guessed() -> None:
    for secret in (STRONG, ODD):
        for before in range(12):
            text = f"{'x' * before}{secret}{'y' * before}"
            assert masked_output(text) == f"{'x' * before}{MASK}{'y' * before}"
        assert MASK in masked_output(json.dumps(secret))
        assert secret[2:] not in masked_output(json.dumps([secret, f"{secret}{secret}"]))
        assert secret not in masked_line(f"key {secret}")
    assert masked_output(f"{STRONG} {API_KEY}") == f"{MASK} orc_1f0c9a3b_{MASK}"


@pytest.mark.parametrize("secret", [CHOSEN, CHOSEN_BUT_RANDOM])
def test_what_people_chose_is_masked_in_logs_alone(secret: str) -> None:
    assert masked_output(f"the {secret}!") == f"the {secret}!"
    assert masked_line(f"the {secret}!") == f"the {MASK}!"


@pytest.mark.parametrize("weak", ["", "short", "postgres", "orchestra", "       ", "EMPTY", "none"])
def test_words_that_are_no_secret_by_their_look_stay_in_logs(weak: str) -> None:
    learn(weak)
    learn_chosen(weak)
    assert masked_line(f"the {weak} server") == f"the {weak} server"


def test_only_what_a_machine_made_is_strong() -> None:
    made = [secrets.token_urlsafe(32), secrets.token_hex(32), str(uuid.uuid4())]
    made += [f"canary-llm-{secrets.token_urlsafe(24)}", secrets.token_urlsafe(48)]
    assert [text for text in made if not is_strong(text)] == []
    chosen = [
        "red-password-1", "correct-horse-battery-staple-1", "Tr0ub4dor&3", "Summer2024!" * 4,
        "to-be-or-not-to-be-that-is-the-question-1", "change-me-please-1234567890",
        "0123456789abcdef0123456789abcdef", "my-vllm-key-2024-production", "a1" * 40,
        "2024-01-02-2025-12-31-1999-11-11-1234", "only for the check of settings", "x" * 2000,
    ]  # fmt: skip
    assert [text for text in chosen if is_strong(text)] == []


def test_a_secret_that_is_opened_or_typed_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = secrets.token_hex(20), secrets.token_hex(20)
    typed = Secret(first)
    assert masked_output(first) == MASK
    stored = Secret(token=Secret(second).token)
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    assert masked_output(second) == second
    stored.reveal()
    assert masked_output(second) == MASK
    assert typed


def test_thousands_are_known_at_once_and_the_oldest_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is compiled, and a text is looked through once, however many there are."""
    monkeypatch.setattr("designs.secrets.known.MAX_KNOWN", 3_000)
    made = [secrets.token_hex(20) for _ in range(3_500)]
    learn(*made)
    text = " ".join(made)
    assert masked_output(text) == " ".join([*made[:500], *[MASK] * 3_000])
    assert len(masking._known._by_window) <= 8 * 3_000


def test_values_that_json_does_not_take_are_looked_through() -> None:
    value: dict[str, Any] = {"big": 2**80, "half": "\ud800", "key": f"\ud800 {API_KEY}"}
    assert masked_value(value)["key"] == "\ud800 orc_1f0c9a3b_(secret)"


def test_logs_show_no_password_of_an_address_and_no_token() -> None:
    line = "cannot reach postgresql://ada:s3cret-wörd@db.example/x, sent Basic abc.def.ghi-123"
    assert masked_line(line) == (
        "cannot reach postgresql://ada:(secret)@db.example/x, sent Basic (secret)"
    )
