"""Finds the first and last execution, and those of a time, without reading all."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0005_add_limits_of_runs"),
        ("designs", "0002_add_audit"),
        ("executor", "0006_add_origin"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["created_at"], name="execution_by_time"),
        ),
    ]
