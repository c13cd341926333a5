"""The headers of every answer, from whichever part of the server."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

# Features of a browser that no page uses.
_FEATURES = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "usb",
)  # fmt: skip

ALWAYS = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _FEATURES),
    "Cross-Origin-Resource-Policy": "same-origin",
    # Without it the web server names itself.
    "Server": "Orchestra",
}


def outside_middleware() -> dict[str, str]:
    """All headers of an answer that passes no middleware."""
    result = {
        **ALWAYS,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "Cross-Origin-Opener-Policy": str(settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    if settings.SECURE_HSTS_SECONDS:
        result["Strict-Transport-Security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return result


def add_to(request: HttpRequest, response: HttpResponseBase) -> None:
    """Headers that Django's own middlewares do not add. Only static files may be cached."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    is_file = request.path_info.startswith(str(settings.STATIC_URL))
    if not is_file or response.status_code >= 400:
        patch_cache_control(response, no_store=True)
