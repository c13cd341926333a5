import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import designs.rows.ids
from designs.rows.audit_guard import guard_entries, unguard_entries


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("designs", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GroupGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("group", models.CharField(max_length=150)),
                ("permission", models.CharField(max_length=200)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("group", "permission"), name="groupgrant_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("object_repr", models.TextField(verbose_name="object representation")),
                ("changes", models.JSONField(null=True, verbose_name="change message")),
                (
                    "cid",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        max_length=255,
                        null=True,
                        verbose_name="Correlation ID",
                    ),
                ),
                (
                    "remote_addr",
                    models.GenericIPAddressField(
                        blank=True, null=True, verbose_name="remote address"
                    ),
                ),
                (
                    "timestamp",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="timestamp"
                    ),
                ),
                (
                    "additional_data",
                    models.JSONField(blank=True, null=True, verbose_name="additional data"),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=designs.rows.ids.new_ordered_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("object_pk", models.CharField(blank=True, max_length=255)),
                (
                    "action",
                    models.PositiveSmallIntegerField(
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
                            (20, "Undeployed"),
                            (21, "Rotated"),
                            (22, "Revoked"),
                            (30, "Signed in"),
                            (31, "Failed to sign in"),
                            (32, "Signed out"),
                        ]
                    ),
                ),
                ("actor_name", models.CharField(max_length=200, verbose_name="who")),
                ("key_id", models.UUIDField(blank=True, null=True)),
                ("key_name", models.CharField(blank=True, max_length=250)),
                ("deployment_id", models.UUIDField(blank=True, db_index=True, null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "content_type",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contenttypes.contenttype",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit",
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["content_type", "object_pk", "-id"], name="auditentry_by_object"
                    ),
                    models.Index(fields=["actor_name", "-id"], name="auditentry_by_actor"),
                    models.Index(fields=["action", "-id"], name="auditentry_by_action"),
                ],
            },
        ),
        migrations.RunPython(guard_entries, unguard_entries),
    ]
