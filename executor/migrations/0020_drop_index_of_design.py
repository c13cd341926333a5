"""Drops an index that two newer ones made superfluous."""

import django.db.models.deletion
from django.db import migrations, models


def drop_index(apps, schema_editor):
    """By itself: to change the field on SQLite, Django would write the whole table anew."""
    execution = apps.get_model("executor", "Execution")
    with schema_editor.connection.cursor() as cursor:
        table = execution._meta.db_table
        found = schema_editor.connection.introspection.get_constraints(cursor, table)
    for name, facts in found.items():
        is_plain = facts["index"] and not facts["unique"] and not facts["foreign_key"]
        if is_plain and facts["columns"] == ["design_id"]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def create_index(apps, schema_editor):
    execution = apps.get_model("executor", "Execution")
    name = schema_editor.quote_name("executor_execution_design_id")
    table = schema_editor.quote_name(execution._meta.db_table)
    schema_editor.execute(f"CREATE INDEX {name} ON {table} (design_id)")


class Migration(migrations.Migration):
    dependencies = [
        ("designs", "0008_add_draft_checkpoint"),
        ("executor", "0019_add_version_totals"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index, create_index)],
            state_operations=[
                migrations.AlterField(
                    model_name="execution",
                    name="design",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="executions",
                        to="designs.design",
                    ),
                ),
            ],
        ),
    ]
