from django.db import migrations, models

from executor.history.ended_rows import guard_ended_rows, unguard_ended_rows


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0002_links_to_executions"),
        ("executor", "0002_add_modelconnection"),
    ]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="max_concurrent",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("status__in", ("queued", "running", "waiting"))),
                fields=["deployment", "status", "id"],
                name="execution_live_by_deployment",
            ),
        ),
        migrations.RunPython(guard_ended_rows, unguard_ended_rows),
    ]
