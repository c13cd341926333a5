"""URLs of the API of designs and of the audit."""

from designs.api.base import ID, route
from designs.api.views.audit import AuditListView
from designs.api.views.checkpoints import (
    DesignCheckpointDetailView,
    DesignCheckpointListView,
    DesignCheckpointRestoreView,
)
from designs.api.views.comparison import DesignVersionCompareView
from designs.api.views.drafts import (
    DesignDetailView,
    DesignListView,
    DesignSchemaView,
    DesignValidateView,
)
from designs.api.views.files import DesignExportView, DesignImportView, DesignReadView
from designs.api.views.samples import SampleListView
from designs.api.views.versions import (
    DesignPublishView,
    DesignVersionDetailView,
    DesignVersionListView,
    DesignVersionRestoreView,
)

VERSION = rf"designs/{ID}/versions/(?P<number>[0-9]{{1,9}})"
CHECKPOINT = rf"designs/{ID}/checkpoints/{ID.replace('pk', 'checkpoint_id', 1)}"

urlpatterns = [
    route("audit", AuditListView, "audit-list"),
    route("schema/design", DesignSchemaView, "design-schema"),
    route("designs", DesignListView, "design-list"),
    route("samples", SampleListView, "sample-list"),
    route("designs/read", DesignReadView, "design-read"),
    route("designs/import", DesignImportView, "design-import"),
    route(f"designs/{ID}", DesignDetailView, "design-detail"),
    route(f"designs/{ID}/validate", DesignValidateView, "design-validate"),
    route(f"designs/{ID}/publish", DesignPublishView, "design-publish"),
    route(f"designs/{ID}/export", DesignExportView, "design-export"),
    route(f"designs/{ID}/versions", DesignVersionListView, "design-version-list"),
    route(f"designs/{ID}/versions/compare", DesignVersionCompareView, "design-version-compare"),
    route(VERSION, DesignVersionDetailView, "design-version-detail"),
    route(f"{VERSION}/restore", DesignVersionRestoreView, "design-version-restore"),
    route(f"designs/{ID}/checkpoints", DesignCheckpointListView, "design-checkpoint-list"),
    route(CHECKPOINT, DesignCheckpointDetailView, "design-checkpoint-detail"),
    route(f"{CHECKPOINT}/restore", DesignCheckpointRestoreView, "design-checkpoint-restore"),
]
