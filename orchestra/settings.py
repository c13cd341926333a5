"""Django's settings: values only; what the installation was told comes from `env`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from kombu.entity import Exchange, Queue

from designs.runtime.redis_clients import QUICK
from orchestra.admin_look import UNFOLD as UNFOLD
from orchestra.env import read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = read_environment()

DEBUG = False
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.public_url]

# Processes that serve no pages load none of the admin's modules.
_admin = "django.contrib.admin"
if ENVIRONMENT.process in ("worker", "beat", "prepare"):
    _admin += ".apps.SimpleAdminConfig"
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    _admin,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_celery_beat",
    "django_htmx",
    "template_partials",
    "csp",
    "axes",
    "auditlog",
    "designs",
    "executor",
    "deployments",
    "orchestra",
]

MIDDLEWARE = [
    "orchestra.server.middleware.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "orchestra.server.middleware.StaticFilesMiddleware",
    "orchestra.server.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "orchestra.server.middleware.CallerMiddleware",
    "orchestra.server.middleware.ActingMiddleware",
    "orchestra.server.middleware.AdminPolicyMiddleware",
    "axes.middleware.AxesMiddleware",
    "orchestra.server.middleware.RowGoneMiddleware",
]

ROOT_URLCONF = "orchestra.urls"
ASGI_APPLICATION = "orchestra.asgi.application"
APPEND_SLASH = True

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
                "orchestra.views.navigation",
            ],
        },
    }
]

# --- Rows -----------------------------------------------------------------------------------------

# Connections of a web process to PostgreSQL.
POOL_SIZE = 16
_database = environ.Env.db_url_config(ENVIRONMENT.database_url)
if _database["ENGINE"].endswith("sqlite3"):
    # Measured: without IMMEDIATE, six writers lose 60-86 % of their transactions to "database is
    # locked".
    _options: dict[str, Any] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif ENVIRONMENT.process == "web":
    # Unless they are checked, a pool returns dead connections after a restart of the database.
    _database["CONN_HEALTH_CHECKS"] = True
    _options = {"pool": {"min_size": 1, "max_size": POOL_SIZE, "timeout": 10}}
else:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["CONN_MAX_AGE"] = 60
    _options = {}
# Beside those of the address, such as sslmode.
_database["OPTIONS"] = {**_database.get("OPTIONS", {}), **_options}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Broker, cache --------------------------------------------------------------------------------

REDIS_URL = ENVIRONMENT.redis_url
_socket = REDIS_URL.startswith("unix://")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"{REDIS_URL}?db=1" if _socket else REDIS_URL,
        "KEY_PREFIX": "orchestra",
        "OPTIONS": QUICK.options,
    }
}
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1) + "?virtual_host=0" if _socket else REDIS_URL
)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
# Early acknowledgement: the row is the truth, a lost message costs a sweep, a redelivered one would
# cost more.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_DISABLE_PREFETCH = True
# A worker hears all of them, unless its -Q names some. One that is full does not listen to
# `executions`; what follows an end waits behind no run.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("celery", "executions", "settling")
]
CELERY_TASK_ROUTES = {
    "executor.take_work": {"queue": "executions"},
    "deployments.settle_execution": {"queue": "settling"},
}
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A frozen Redis blocks publishing for ever with the defaults.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": not _socket,
    "health_check_interval": 10,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "deployments.schedules.beat:LedgerScheduler"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Mail -----------------------------------------------------------------------------------------

_mail = environ.Env.email_url_config(ENVIRONMENT.mail_url or "dummymail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail["EMAIL_HOST"]
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
# Without one in the address: where servers take mail of programs.
EMAIL_PORT = _mail["EMAIL_PORT"] or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_from or "orchestra"

# --- Time and language ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = "orchestra.formats"

# --- Static files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without production settings files are served from the sources, with nothing to collect.
WHITENOISE_USE_FINDERS = not ENVIRONMENT.production
WHITENOISE_ALLOW_ALL_ORIGINS = False
if ENVIRONMENT.production:
    STATIC_ROOT = BASE_DIR / "staticfiles"
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# --- Sign-in and browser protection ---------------------------------------------------------------

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_ENGINE = "orchestra.sign_in.session_store"
SESSION_COOKIE_AGE = ENVIRONMENT.session_seconds
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "orchestra.server.error_pages.csrf_failure"
# A message may contain a new secret, which must not be stored in the database.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "orchestra.sign_in.limits.SignInLimits"
AXES_LOCKOUT_CALLABLE = "orchestra.sign_in.limits.locked_out"
AXES_CLIENT_IP_CALLABLE = "orchestra.sign_in.limits.limited_address"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_ON_SUCCESS = True
# Attempts during a lock are not counted, so that nobody can lock out another person for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
if ENVIRONMENT.production:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^api/health/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- Audit ----------------------------------------------------------------------------------------

# Our own table, so that a trigger can refuse every change of it. auditlog's is not created.
AUDITLOG_LOGENTRY_MODEL = "designs.AuditEntry"
MIGRATION_MODULES = {"auditlog": None}
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_USE_FK_STRING_REPRESENTATION = True
AUDITLOG_MASK_CALLABLE = "designs.models.audit.hidden"

# --- Designer -------------------------------------------------------------------------------------

# What the designer says about runs and models comes from an app above its own.
RUN_FACTS = "executor.acceptance.offers.run_facts"
VERSION_USE = "executor.history.version_use.use_of_versions"
TOOL_PROBLEMS = "executor.tool_connections.naming.tool_problems"
MODEL_FACTS = "executor.language_models.facts.installed_models"

# --- API ------------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "deployments.api.authentication.ApiKeyAuthentication",
        "deployments.api.authentication.SignedInAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["designs.api.permissions.Declared"],
    "DEFAULT_THROTTLE_CLASSES": ["deployments.api.throttles.CallerThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["designs.api.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["designs.api.parsers.JsonParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "orchestra.api.document.DocumentSchema",
    "EXCEPTION_HANDLER": "orchestra.api.errors.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_VERSIONING_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Orchestra",
    "DESCRIPTION": "Multi-agent designs as REST endpoints and schedules.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": {
        "ExecutionStatus": "executor.models.Status",
        "RequestKind": "executor.models.RequestKind",
        "WaitingKind": "executor.api.request_serializers.WAITING_KINDS",
        "ToolKind": "executor.models.ToolKind",
        "DeploymentStatus": "deployments.models.deployment.Deployment.Status",
        "DeliveryStatus": "deployments.models.delivery.Delivery.Status",
        "CheckpointReason": "designs.models.checkpoint.Reason",
        "GivenCheckpointReason": "designs.api.checkpoint_serializers.BY_NAME",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "orchestra.api.document.finish",
    ],
}

# --- Logs -----------------------------------------------------------------------------------------

# Masks secrets in every process's log.
LOGGING_CONFIG = "orchestra.logs.masked.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "filters": {"limited": {"()": "orchestra.logs.limits.LimitRepeats"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["limited"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
