"""Whether a model connection may lead to public addresses only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executor", "0004_add_settles")]

    operations = [
        migrations.AddField(
            model_name="modelconnection",
            name="is_guarded",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
