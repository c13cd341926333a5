from django.db import migrations


def make_general(apps, schema_editor):
    """The installation's policy is there from the beginning, so that no page has to make it."""
    policy = apps.get_model("deployments", "RetentionPolicy")
    policy.objects.get_or_create(is_general=True)


class Migration(migrations.Migration):
    dependencies = [("deployments", "0009_add_max_concurrent_of_keys")]

    operations = [migrations.RunPython(make_general, migrations.RunPython.noop)]
