"""The API of the samples that come with Orchestra."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.serializers import SampleOut
from designs.sample_files import known_samples


class SampleListView(ApiView):
    """Designs to start from."""

    permissions = {"GET": "designs.view_design"}
    # There are few.
    pagination_class = None

    @extend_schema(operation_id="samples_list", responses={200: SampleOut(many=True)})
    def get(self, request: Request) -> Response:
        """All of them. Post a `document` to `/api/designs` to make a design of it."""
        samples: Any = list(known_samples())
        return Response(SampleOut(samples, many=True).data)
