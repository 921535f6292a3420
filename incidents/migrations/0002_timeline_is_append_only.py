"""The database itself refuses to change an entry (decision 0005)."""

from django.db import migrations, models

POSTGRESQL = """
CREATE FUNCTION incidents_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The timeline is append-only.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER incidents_entry_append_only BEFORE UPDATE OR DELETE ON incidents_entry
    FOR EACH ROW EXECUTE FUNCTION incidents_entry_refuse();
"""
SQLITE = """
CREATE TRIGGER incidents_entry_append_only BEFORE UPDATE ON incidents_entry
BEGIN SELECT RAISE(ABORT, 'The timeline is append-only.'); END
"""


def make_append_only(_apps, schema_editor):
    schema_editor.execute(POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE, params=None)


def undo(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER incidents_entry_append_only ON incidents_entry")
        schema_editor.execute("DROP FUNCTION incidents_entry_refuse")
    else:
        schema_editor.execute("DROP TRIGGER incidents_entry_append_only")


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='incident',
            options={'ordering': ['-began_at', '-pk'], 'permissions': [('run_incident', 'May declare incidents and change their titles, severity, milestones and roles'), ('change_course', "May change an incident's services and phase, as publishing an update does"), ('note_fact', 'May add entries to a timeline')]},
        ),
        migrations.AlterField(
            model_name='entry',
            name='kind',
            field=models.CharField(choices=[('declared', 'declared'), ('amended', 'amended'), ('phase', 'phase'), ('impact', 'services'), ('milestone', 'milestone'), ('role', 'roles'), ('link', 'link'), ('update', 'message'), ('signal', 'signal'), ('action', 'action'), ('calls', 'calls'), ('plan', 'plan'), ('people', 'people'), ('note', 'note'), ('delivery', 'delivery')], max_length=12),
        ),
        migrations.RunPython(make_append_only, undo),
    ]
