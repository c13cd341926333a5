"""The audit as files: what the list shows, in parts, with nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from designs.access import SYSTEM
from designs.auditing.audit import Action, AuditEntry, note
from designs.auditing.files import ROWS_AT_ONCE, csv_lines
from designs.models import Design
from designs.runtime.threads import in_thread
from tests.orchestra.audit.entries import LIST, body

pytestmark = pytest.mark.django_db


def test_the_filtered_list_as_files(browser: Client, renamed: AuditEntry) -> None:
    query = {"cid": renamed.cid}
    lines = body(browser.get(f"{LIST}export/jsonl/", query)).splitlines()
    [found] = map(json.loads, lines)
    assert found["actor"] == "designer"
    assert found["changes"][-1] == {
        "field": "name", "before": "Doubling", "after": "<b>Bold</b>",
    }  # fmt: skip
    response = browser.get(f"{LIST}export/csv/", query)
    assert response["Content-Disposition"].startswith('attachment; filename="audit-')
    rows = list(csv.DictReader(io.StringIO(body(response))))
    assert [row["actor"] for row in rows] == ["designer"]
    assert json.loads(rows[0]["changes"])[-1]["before"] == "Doubling"
    exported = AuditEntry.objects.filter(action=Action.EXPORT).order_by("pk")
    assert [entry.additional_data["form"] for entry in exported] == ["jsonl", "csv"]
    assert exported[0].additional_data["filter"] == f"cid={renamed.cid}"
    assert browser.get(f"{LIST}export/exe/").status_code == 404
    assert browser.get(f"{LIST}export/csv/", {"timestamp__year": "x"}).status_code == 302


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://evil")', "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    row = Design.objects.create(name=text)
    lines = "".join(csv_lines(AuditEntry.objects.filter(object_pk=row.pk), SYSTEM))
    [found] = csv.DictReader(io.StringIO(lines))
    assert found["object"] == f"'{text}"


def test_a_long_list_is_sent_in_parts(renamed: AuditEntry) -> None:
    row = Design.objects.get()
    for number in range(ROWS_AT_ONCE + 1):
        note(Action.EXPORT, row, number=number)
    parts = list(csv_lines(AuditEntry.objects.filter(action=Action.EXPORT), SYSTEM))
    assert len(parts) == 3
    found = list(csv.DictReader(io.StringIO("".join(parts))))
    assert [json.loads(line["details"])["number"] for line in found] == [
        *reversed(range(ROWS_AT_ONCE + 1))
    ]


@pytest.mark.django_db(transaction=True)
async def test_files_under_the_asynchronous_server(
    administrator: User, renamed: AuditEntry
) -> None:
    client = AsyncClient()
    await in_thread(client.force_login, administrator)
    response = await client.get(f"{LIST}export/jsonl/", {"cid": renamed.cid})
    parts = [part async for part in response]
    [found] = map(json.loads, b"".join(parts).decode().splitlines())
    assert found["id"] == str(renamed.pk)
