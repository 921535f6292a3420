from django.db import migrations
from django.db.migrations.state import StateApps


def carry_over(apps: StateApps, _schema_editor: object) -> None:
    ExerciseClock = apps.get_model("incidents", "ExerciseClock")
    fields = ("incident_id", "started_at", "speed", "elapsed", "running_since")
    ExerciseClock.objects.bulk_create(
        ExerciseClock(**row) for row in apps.get_model("farmaflux_desk", "Replay").objects.values(*fields)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("farmaflux_desk", "0002_replay"),
        ("incidents", "0010_exercise_clock"),
    ]

    operations = [
        migrations.RunPython(carry_over, migrations.RunPython.noop, elidable=True),
        migrations.RemoveConstraint(model_name="replay", name="replay_speed_between_1_and_60"),
        migrations.RemoveField(model_name="replay", name="elapsed"),
        migrations.RemoveField(model_name="replay", name="running_since"),
        migrations.RemoveField(model_name="replay", name="speed"),
        migrations.RemoveField(model_name="replay", name="started_at"),
    ]
