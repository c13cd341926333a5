from decimal import Decimal

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0011_add_audit_days"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="max_concurrent",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Beyond it, a call that waits is refused; others are queued.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
                verbose_name="runs at once, at most",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="requests_per_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="By UTC. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2000000000),
                ],
                verbose_name="requests a day, at most",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="In any 60 seconds. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
                verbose_name="requests a minute, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_concurrent",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Beyond it, a call that waits is refused; others are queued.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
                verbose_name="runs at once, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_cost_usd",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                max_digits=10,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                verbose_name="cost of a run, at most (USD)",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_input_bytes",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
                verbose_name="bytes of an input, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_memory_mb",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="With it, each run has a process of its own.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(16),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="memory of a run, at most (MB)",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_model_calls",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="model calls of a run, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_output_bytes",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
                verbose_name="bytes of a result, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="max_tokens",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(2000000000),
                ],
                verbose_name="tokens of a run, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="requests_per_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="By UTC. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2000000000),
                ],
                verbose_name="requests a day, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="In any 60 seconds. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
                verbose_name="requests a minute, at most",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="timeout_seconds",
            field=models.PositiveIntegerField(
                default=600,
                help_text="A run that takes longer is stopped as timed out.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(86400),
                ],
                verbose_name="time limit of a run (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="wait_seconds",
            field=models.PositiveIntegerField(
                default=60,
                help_text="A call that takes longer is answered with 202, and its run continues.",
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(600),
                ],
                verbose_name="a call waits for (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="jitter_seconds",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Each run starts up to this much after its planned time, which spreads load.",
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(86400),
                ],
                verbose_name="random delay, at most (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="misfire",
            field=models.CharField(
                choices=[
                    ("run_latest", "Run the latest one missed"),
                    ("run_all", "Run every one missed"),
                    ("skip", "Skip those missed"),
                ],
                default="run_latest",
                help_text="When planned times passed while no scheduler ran.",
                max_length=20,
                verbose_name="missed runs",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="misfire_window_seconds",
            field=models.PositiveIntegerField(
                default=86400,
                help_text="Runs that were missed longer ago are skipped. 86400 is a day.",
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(316224000),
                ],
                verbose_name="run missed ones for at most (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="nonexistent_time",
            field=models.CharField(
                choices=[("next", "Run at the next time that exists"), ("skip", "Skip it")],
                default="next",
                help_text="When clocks are set forward and a time of day does not exist.",
                max_length=10,
                verbose_name="nonexistent times",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="overlap",
            field=models.CharField(
                choices=[
                    ("skip", "Skip this time"),
                    ("queue", "Wait until the last run has ended"),
                    ("allow", "Run beside it"),
                    ("cancel_running", "Cancel the last run"),
                ],
                default="skip",
                help_text="When the schedule's last run is still going on.",
                max_length=20,
                verbose_name="overlapping runs",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="pause_after_failures",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="The deployment then takes no calls until it is activated again. Empty: never.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
                verbose_name="pause after failures in a row",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="repeated_time",
            field=models.CharField(
                choices=[("once", "Run once, at the first"), ("twice", "Run at both")],
                default="once",
                help_text="When clocks are set back and a time of day comes twice.",
                max_length=10,
                verbose_name="repeated times",
            ),
        ),
    ]
