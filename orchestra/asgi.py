"""What the web server runs."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251

from django.core.asgi import get_asgi_application  # noqa: E402

application = get_asgi_application()
