import datetime
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0009_deputies"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExerciseClock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(help_text="UTC; until then it kept the real time.")),
                (
                    "speed",
                    models.PositiveSmallIntegerField(
                        help_text="Seconds of the exercise in one of ours, 1 to 60."
                    ),
                ),
                (
                    "elapsed",
                    models.DurationField(
                        default=datetime.timedelta(0),
                        help_text="Of the exercise's time, when it last began to run or was held.",
                    ),
                ),
                (
                    "running_since",
                    models.DateTimeField(blank=True, help_text="Empty: it is held.", null=True),
                ),
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exercise_clock",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("speed__gte", 1), ("speed__lte", 60)),
                        name="exercise_speed_between_1_and_60",
                    )
                ],
            },
        ),
    ]
