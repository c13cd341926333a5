from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models

from designs.models.session import digest_of_session


def note_open_sessions(apps: Any, schema_editor: Any) -> None:
    """Sessions that are open at the upgrade stay in their people's lists."""
    session = apps.get_model("sessions", "Session")
    noted = apps.get_model("designs", "PersonSession")
    people = set(apps.get_model(settings.AUTH_USER_MODEL).objects.values_list("pk", flat=True))
    for row in session.objects.iterator():
        person = SessionStore().decode(row.session_data).get(SESSION_KEY)
        if person is not None and int(person) in people:
            noted.objects.create(
                digest=digest_of_session(row.session_key),
                user_id=int(person),
                expires_at=row.expire_date,
            )


class Migration(migrations.Migration):
    dependencies = [
        ("designs", "0004_add_person_session"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # The raw keys go with their table.
        migrations.DeleteModel(name="PersonSession"),
        migrations.CreateModel(
            name="PersonSession",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(note_open_sessions, migrations.RunPython.noop),
    ]
