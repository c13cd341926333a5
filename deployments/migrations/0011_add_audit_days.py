import django.core.validators
from django.conf import settings
from django.db import migrations, models

import deployments.models.retention

NEW = {"keep_last": 1_000, "audit_days": 730}


def set_defaults_of_new(apps, schema_editor):
    """Only where there is nothing yet: an upgrade removes nobody's history unasked."""
    user = apps.get_model(settings.AUTH_USER_MODEL)
    design = apps.get_model("designs", "Design")
    if user.objects.exists() or design.objects.exists():
        return
    policy = apps.get_model("deployments", "RetentionPolicy")
    policy.objects.filter(is_general=True, keep_last=None).update(**NEW)


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0010_make_general_retention"),
        ("designs", "0006_let_old_audit_entries_go"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="retentionpolicy",
            name="audit_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Then entries of the audit go; that they went is an entry itself. Only for the whole installation. Empty or 0: for ever.",
                null=True,
                validators=[
                    deployments.models.retention.check_audit_days,
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="audit for (days)",
            ),
        ),
        migrations.RunPython(set_defaults_of_new, migrations.RunPython.noop),
    ]
