"""Whose turn it is: the caller of each run, and how many of theirs may run at once."""

import uuid

import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0005_add_limits_of_runs"),
        ("designs", "0002_add_audit"),
        ("executor", "0007_add_index_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="caller_key",
            field=models.CharField(db_default="", max_length=100, null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="caller_max_concurrent",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                models.F("caller_key"),
                django.db.models.functions.comparison.Coalesce(
                    "deployment",
                    models.Value(
                        uuid.UUID("00000000-0000-0000-0000-000000000000"), models.UUIDField()
                    ),
                ),
                models.F("id"),
                condition=models.Q(("status", "queued")),
                name="execution_queued_by_caller",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("status", "running")),
                fields=["caller_key", "deployment"],
                name="execution_running_by_caller",
            ),
        ),
    ]
