from django.db import migrations, models

from designs.rows.audit_guard import let_nothing_pass, let_old_entries_pass


class Migration(migrations.Migration):
    dependencies = [("designs", "0005_hash_person_sessions")]

    operations = [
        migrations.CreateModel(
            name="AuditPruning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.PositiveSmallIntegerField(
                choices=[
                    (0, "Created"),
                    (1, "Changed"),
                    (2, "Deleted"),
                    (3, "Looked at"),
                    (10, "Executed"),
                    (11, "Cancelled"),
                    (12, "Ran again"),
                    (13, "Resumed"),
                    (14, "Filled in"),
                    (15, "Delivered again"),
                    (16, "Exported"),
                    (17, "Secret masked"),
                    (18, "Old entries removed"),
                    (20, "Undeployed"),
                    (21, "Rotated"),
                    (22, "Revoked"),
                    (30, "Signed in"),
                    (31, "Failed to sign in"),
                    (32, "Signed out"),
                ]
            ),
        ),
        migrations.RunPython(let_old_entries_pass, let_nothing_pass),
    ]
