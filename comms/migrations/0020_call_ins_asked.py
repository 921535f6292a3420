import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('comms', '0019_plan_names'),
        ('incidents', '0011_alerts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='notice',
            field=models.CharField(blank=True, choices=[('sign_up', 'sign-up'), ('manage', 'link to her subscription'), ('test', 'test'), ('reply', 'reply'), ('reminder', 'reminder of the plan'), ('call-in', 'asked to come')], max_length=8),
        ),
        migrations.CreateModel(
            name='CallInAsked',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('way', models.CharField(choices=[('phone', 'Phone'), ('sms', 'SMS'), ('email', 'E-mail')], max_length=5)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('colleague', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='incidents.colleague')),
                ('delivery', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='call_in', to='comms.delivery')),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='call_ins_asked', to='incidents.incident')),
            ],
            options={
                'ordering': ['at', 'pk'],
            },
        ),
    ]
