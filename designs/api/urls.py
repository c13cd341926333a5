"""API addresses of designs."""

from designs.api.base import ID, route
from designs.api.views import (
    DesignDetailView,
    DesignListView,
    DesignPublishView,
    DesignVersionListView,
)

urlpatterns = [
    route("designs", DesignListView, "design-list"),
    route(f"designs/{ID}", DesignDetailView, "design-detail"),
    route(f"designs/{ID}/publish", DesignPublishView, "design-publish"),
    route(f"designs/{ID}/versions", DesignVersionListView, "design-version-list"),
]
