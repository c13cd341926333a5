"""The comparison's other server: Django and DRF under threads, as most people run them."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")  # noqa: TID251

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
