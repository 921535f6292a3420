from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_monitoring'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='browser_reminders',
            field=models.BooleanField(default=False, editable=False, help_text='Her open pages show reminders of the plan as notifications.'),
        ),
    ]
