"""What a web server runs: the status site's front, and Django behind it."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmaflux_desk.settings")

django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402  # readable only now

from comms.status import site  # noqa: E402
from comms.status.front import StatusFront  # noqa: E402

site.try_to_renew()
application = StatusFront(django_application, settings.DESK_STATUS_ROOT)

gc.freeze()  # what is loaded stays: looking through it at each full collection made some answers twice as late
