"""Where executions were called from, and with which key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executor", "0005_add_is_guarded"),
    ]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="caller_address",
            field=models.GenericIPAddressField(null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="key_id",
            field=models.UUIDField(null=True),
        ),
    ]
