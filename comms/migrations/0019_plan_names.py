from django.db import migrations, models
from django.db.migrations.state import StateApps

LONGEST = 120


def by_language(apps: StateApps, _schema_editor: object) -> None:
    """What was one name for both languages, "français · Nederlands", is one for each."""
    for model, field in (("PlanTemplate", "name"), ("Checklist", "template_name")):
        for row in apps.get_model("comms", model).objects.all():
            french, _dot, dutch = getattr(row, field).partition(" · ")
            row.name_fr, row.name_nl = french, dutch or french
            row.save(update_fields=["name_fr", "name_nl"])


def fields(model: str) -> list[migrations.AddField]:
    return [
        migrations.AddField(
            model_name=model,
            name=f"name_{language}",
            field=models.CharField(max_length=LONGEST, blank=True, default=""),
            preserve_default=False,
        )
        for language in ("fr", "nl", "de", "en")
    ]


def required(model: str) -> list[migrations.AlterField]:
    return [
        migrations.AlterField(
            model_name=model, name=f"name_{language}", field=models.CharField(max_length=LONGEST)
        )
        for language in ("fr", "nl")
    ]


class Migration(migrations.Migration):
    dependencies = [("comms", "0018_browser_reminders")]

    operations = [
        *fields("plantemplate"),
        *fields("checklist"),
        migrations.RunPython(by_language, migrations.RunPython.noop, elidable=True),
        *required("plantemplate"),
        *required("checklist"),
        migrations.RemoveField(model_name="plantemplate", name="name"),
        migrations.RemoveField(model_name="checklist", name="template_name"),
    ]
