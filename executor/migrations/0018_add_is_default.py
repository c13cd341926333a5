"""One connection may be the default of designs that name no model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executor", "0017_add_cause")]

    operations = [
        migrations.AddField(
            model_name="modelconnection",
            name="is_default",
            field=models.BooleanField(default=False, editable=False, verbose_name="default"),
        ),
        migrations.AddConstraint(
            model_name="modelconnection",
            constraint=models.UniqueConstraint(
                fields=("is_default",),
                condition=models.Q(is_default=True),
                name="modelconnection_one_default",
            ),
        ),
    ]
