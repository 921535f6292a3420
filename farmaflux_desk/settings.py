"""Settings: everything that differs between installations comes from the environment (README, configuration)."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.contrib.messages import constants as message_levels
from django.utils.csp import CSP

from farmaflux_desk import configuration, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DESK_DATA_DIR = configuration.folder(env, "DESK_DATA_DIR", BASE_DIR / "var")
PORT = configuration.port(env)
DESK_BASE_URL = configuration.address(env, "DESK_BASE_URL", f"http://127.0.0.1:{PORT}")
DESK_STATUS_URL = configuration.address(env, "DESK_STATUS_URL", DESK_BASE_URL)
DESK_STATUS_ROOT = Path(env.str("DESK_STATUS_ROOT", default=str(DESK_DATA_DIR / "status"))).absolute()
DESK_STATUS_MIRROR = configuration.mirror(env, "DESK_STATUS_MIRROR", DESK_STATUS_ROOT)
DESK_STATUS_BUCKET = configuration.bucket(env, "DESK_STATUS_BUCKET")
DESK_ENVIRONMENT_ID = env.str("DESK_ENVIRONMENT_ID", default="embedded")
REDIS_URL = configuration.redis(env, "REDIS_URL")
# What an APB number looks like, as a whole: its length and check rule are not public.
DESK_APB_PATTERN = configuration.pattern(env, "DESK_APB_PATTERN", r"\d{4,8}")

# Told to who reports a problem nobody knows of while patients are waiting; none: told without a number.
DESK_SECURITY_CONTACT = configuration.contact(env, "DESK_SECURITY_CONTACT")
DESK_HELPDESK_PHONE = env.str("DESK_HELPDESK_PHONE", default="")

SECRET_KEY = configuration.secret_key(env, DESK_DATA_DIR)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    *(str(urlsplit(url).hostname) for url in (DESK_BASE_URL, DESK_STATUS_URL)),
]
CSRF_TRUSTED_ORIGINS = [DESK_BASE_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    "allauth",
    "allauth.account",
    "simple_history",
    "django_structlog",
    "accounts",
    "incidents",
    "comms",
    "tickets",
    "farmaflux_desk",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "farmaflux_desk.outage.OutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.UserLanguageMiddleware",
    "accounts.middleware.SignInFirstMiddleware",
    "tickets.middleware.VolunteerMiddleware",
    "accounts.middleware.AcceptedMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "comms.middleware.StatusSiteMiddleware",
]

ROOT_URLCONF = "farmaflux_desk.urls"
WSGI_APPLICATION = "farmaflux_desk.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "farmaflux_desk.header.header",
            ],
        },
    }
]

DATABASES = {"default": configuration.database(env, DESK_DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

LOGGING = logs.LOGGING
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # of who reports a problem without an account nothing is kept
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
logs.configure()

MAILERS = {"default": configuration.mailer(env, DESK_DATA_DIR)}
DEFAULT_FROM_EMAIL = configuration.mailbox(
    env, "DESK_MAIL_FROM", f"FarmaFlux <desk@{urlsplit(DESK_BASE_URL).hostname}>"
)
DESK_MAIL_REPLY_TO = configuration.mailbox(env, "DESK_MAIL_REPLY_TO", "")
DESK_IMAP = configuration.imap(env, "DESK_IMAP_URL")
DESK_WEBHOOK_NETWORKS = configuration.networks(env, "DESK_WEBHOOK_NETWORKS")

# Each of these was measured: without the timeouts a frozen Redis blocks for minutes, without the throttle of 1 what
# a lost worker held comes back every hundred seconds only. Rows carry their own `not_before`: no countdown, no results.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT = "farmaflux_desk.broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "visibility_timeout": 900,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Beat remembers nothing in a file, over which one could meet another that was not ended yet ("locking protocol").
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

ALLAUTH_TRUSTED_PROXY_COUNT = configuration.count(env, "DESK_PROXIES")
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backend.DeskBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # as long as SESSION_COOKIE_AGE, a long shift
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # that mail invites to sign up
ACCOUNT_ADAPTER = "accounts.adapter.ClosedAdapter"
CSRF_FAILURE_VIEW = "accounts.views.csrf_failure"
MESSAGE_TAGS = {message_levels.ERROR: "danger"}

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("nl", "Nederlands"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Brussels"

STATIC_URL = "static/"
STATIC_ROOT = DESK_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
HTTPS = DESK_BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
