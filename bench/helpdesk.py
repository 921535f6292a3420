"""django-helpdesk with its own Django, as its documentation sets it up, to be measured beside the desk.

Installed into an environment of its own in the cache, and served as the desk is. See bench.agents.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farmaflux_desk.supervisor import Supervisor

PACKAGES = ("django-helpdesk==2.6.1", "granian==2.8.9", "psycopg[binary]==3.3.9")
PORT = 8197
ADDRESS = f"http://127.0.0.1:{PORT}"
BODY = "queue=1&title=Call+{n}&body=Certificates+do+not+arrive&priority=3&submitter_email=&assigned_to=&due_date="
SETTINGS = """
import os
from urllib.parse import urlsplit
SECRET_KEY, DEBUG, ALLOWED_HOSTS, ROOT_URLCONF, WSGI_APPLICATION = "bench", False, ["*"], "urls", "wsgi.application"
HELPDESK_TEAMS_MODE_ENABLED = False
DEFAULT_AUTO_FIELD, USE_TZ, SITE_ID, STATIC_URL = "django.db.models.BigAutoField", True, 1, "/static/"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
INSTALLED_APPS = ["django.contrib." + app for app in
    ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles", "sites", "humanize")] + [
    "helpdesk", "rest_framework"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}]
server = urlsplit(os.environ["HELPDESK_DATABASE"])
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": server.path[1:], "USER": server.username,
    "PASSWORD": server.password or "", "HOST": server.hostname, "PORT": server.port, "CONN_MAX_AGE": None}}
"""
URLS = """
from django.contrib import admin
from django.urls import include, path
urlpatterns = [path("admin/", admin.site.urls), path("accounts/", include("django.contrib.auth.urls")),
    path("", include("helpdesk.urls", namespace="helpdesk"))]
"""
WSGI = """
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
PEOPLE = """
import sys
import django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from helpdesk.models import Queue
settings.ALLOWED_HOSTS = ["*"]
Queue.objects.create(title="Calls", slug="calls")
for n in range(int(sys.argv[1])):
    client = Client()
    client.force_login(User.objects.create_user(f"agent{n}", is_staff=True, is_superuser=True))
    print(client.cookies["sessionid"].value, "t" * 32)
"""
COUNT = "import django; django.setup(); from helpdesk.models import Ticket; print(Ticket.objects.count())"


@contextmanager
def served(
    folder: Path, database: str, agents: int, server: dict[str, str]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A file with their sessions, and the environment in which its Python runs (`python`).

    *server*: the variables of Granian.
    """
    python = _installed()
    for name, text in (("settings", SETTINGS), ("urls", URLS), ("wsgi", WSGI), ("people", PEOPLE)):
        (folder / f"{name}.py").write_text(text)
    environment = os.environ | {
        **server,
        "HELPDESK_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(folder),
        "python": str(python),
    }
    migrate = [str(python), "-W", "ignore", "-m", "django", "migrate", "-v0"]
    subprocess.run(migrate, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run(
        [str(python), "-W", "ignore", "people.py", str(agents)],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    people = folder / "people.txt"
    people.write_text(made.stdout)
    serve = [str(python.parent / "granian"), "--interface", "wsgi", "--port", str(PORT)]
    with Supervisor() as processes:
        processes.start(
            "helpdesk",
            [*serve, "--blocking-threads", "4", "--log-level", "warning", "wsgi:application"],
            environment,
        )
        yield people, environment


def tickets(environment: dict[str, str]) -> int:
    counted = subprocess.run(
        [environment["python"], "-W", "ignore", "-c", COUNT],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(counted.stdout)


def _installed() -> Path:
    """Its Python. A minute the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "farmaflux-desk"
    folder = cache / PACKAGES[0].replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python
