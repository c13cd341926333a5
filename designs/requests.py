"""The request as pages see it: with htmx's headers read and its caller made."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from designs.access import Caller


class PageRequest(HttpRequest):
    """What `HtmxMiddleware` and `CallerMiddleware` add; for annotations only."""

    htmx: HtmxDetails
    caller: Caller
