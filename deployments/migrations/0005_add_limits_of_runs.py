import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_add_schedule_policies")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="max_input_bytes",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="deployment",
            name="max_output_bytes",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="deployment",
            name="max_concurrent",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Runs at once. A call that waits is refused when no more may run; others queue.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="max_memory_mb",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Each run has a process of its own, which may take so many megabytes.",
                null=True,
                validators=[django.core.validators.MinValueValidator(16)],
            ),
        ),
    ]
