"""Nothing is sent again by row any more: workers look by themselves."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("executor", "0012_add_failed_steps"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="execution",
            name="published_at",
        ),
    ]
