"""Totals by deployment and day, and what retention marks."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from executor.history.ended_rows import guard_ended_rows, let_retention_pass


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0005_add_limits_of_runs"),
        ("designs", "0002_add_audit"),
        ("executor", "0009_add_model_override"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyTotals",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("runs", models.PositiveBigIntegerField(default=0)),
                ("completed", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("timed_out", models.PositiveBigIntegerField(default=0)),
                ("cancelled", models.PositiveBigIntegerField(default=0)),
                ("degraded", models.PositiveBigIntegerField(default=0)),
                ("manual", models.PositiveBigIntegerField(default=0)),
                ("scheduled", models.PositiveBigIntegerField(default=0)),
                ("api", models.PositiveBigIntegerField(default=0)),
                ("timed", models.PositiveBigIntegerField(default=0)),
                ("duration_ms", models.PositiveBigIntegerField(default=0)),
                ("duration_ms_max", models.PositiveBigIntegerField(default=0)),
                ("model_calls", models.PositiveBigIntegerField(default=0)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ("last_run_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "daily totals",
            },
        ),
        migrations.AddField(
            model_name="execution",
            name="is_counted",
            field=models.BooleanField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="is_held",
            field=models.BooleanField(null=True, verbose_name="held"),
        ),
        migrations.AddField(
            model_name="execution",
            name="payload_removed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("is_counted", None)),
                fields=["deployment", "status"],
                name="execution_uncounted",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("is_counted", True), ("payload_removed_at", None)),
                fields=["id"],
                name="execution_with_payload",
            ),
        ),
        migrations.AddField(
            model_name="dailytotals",
            name="deployment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="daily_totals",
                to="deployments.deployment",
            ),
        ),
        migrations.AddField(
            model_name="dailytotals",
            name="design",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="daily_totals",
                to="designs.design",
            ),
        ),
        migrations.AddIndex(
            model_name="dailytotals",
            index=models.Index(fields=["day"], name="dailytotals_by_day"),
        ),
        migrations.AddConstraint(
            model_name="dailytotals",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deployment__isnull", False)),
                fields=("deployment", "day"),
                name="dailytotals_deployment_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailytotals",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deployment__isnull", True)),
                fields=("design", "day"),
                name="dailytotals_tries_day",
            ),
        ),
        migrations.RunPython(let_retention_pass, guard_ended_rows),
    ]
