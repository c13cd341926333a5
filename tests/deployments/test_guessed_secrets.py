"""What callers send is not compared with the secrets here: no run tells if a guess is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment
from designs.secrets.masking import learn
from executor.models import Execution, Step
from tests.deployments.test_masked_runs import KNOWN, everything, post, transform
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    designer: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    learn(*KNOWN)
    return api_with(key_of(designer))


@pytest.mark.parametrize("secret", KNOWN)
def test_no_run_tells_whether_a_text_is_a_secret_here(
    deploy: Deploy, client: APIClient, secret: str
) -> None:
    """A guess comes back as it was sent: as input, result, prompt, answer, part, and in errors."""
    deploy(transform(template="{{ input.a }}{{ input.b }} {{ input.text }}"), "/told")
    given = {"a": secret[:9], "b": secret[9:], "text": f"({secret})", secret: [secret]}
    answer = post(client, "/api/deployed/told", given).json()
    assert answer["result"] == f"{secret} ({secret})"
    execution = Execution.objects.get()
    assert (execution.input_data, execution.result_data) == (given, answer["result"])
    deploy(greeting(), "/greet")
    assert post(client, "/api/deployed/greet", {"name": secret}).status_code == 200
    assert secret in str(Step.objects.order_by("pk").values_list("prompt", flat=True))
    deploy(path="/strict")
    refused = post(client, "/api/deployed/strict", {"number": secret})
    assert refused.status_code == 422
    assert "(secret)" not in refused.content.decode()
    kept = post(client, "/api/deployed/told", given, idempotency_key=secret)
    assert kept.status_code == 200
    assert "(secret)" not in everything()
