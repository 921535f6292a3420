import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('comms', '0017_mentions'),
    ]

    operations = [
        migrations.AlterField(
            model_name='channel',
            name='kind',
            field=models.CharField(choices=[('email', 'e-mail'), ('sms', 'SMS'), ('mastodon', 'Mastodon'), ('bluesky', 'Bluesky'), ('x', 'X'), ('facebook', 'Facebook page'), ('linkedin', 'LinkedIn organisation'), ('slack', 'Slack'), ('teams', 'Microsoft Teams'), ('webhook', 'webhook'), ('apprise', 'Apprise'), ('subscriber-email', 'e-mail to subscribers'), ('subscriber-hook', 'webhooks of subscribers'), ('caller-email', 'e-mail to callers'), ('caller-sms', 'SMS to callers'), ('staff-email', 'e-mail to staff, reminders'), ('staff-sms', 'SMS to staff, reminders'), ('staff-browser', 'notifications in the browsers of staff, reminders')], max_length=16),
        ),
        migrations.CreateModel(
            name='ReminderShown',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('delivery', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='shown', to='comms.delivery')),
            ],
        ),
    ]
