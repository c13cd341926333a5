"""The API of designs as files: export, read and import."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.parsers import DesignFileParser
from designs.api.serializers import ImportOut, ReadOut
from designs.api.views.base import DesignBase
from designs.requests import file_answer
from designs.services import export_design, import_designs, read_file

ANY_LAYOUT = {
    "application/json": {
        "oneOf": [
            {"type": "object", "description": "One design, in our layout or the nested one."},
            {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 100},
        ]
    }
}


class DesignExportView(DesignBase):
    """The draft as a file."""

    permissions = {"GET": "designs.view_design"}

    @extend_schema(operation_id="designs_export", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> HttpResponse:
        """Importing the file creates a design whose export is the same, byte for byte."""
        design = self.design(pk)
        return file_answer(export_design(design), design.file_name)


class DesignReadView(DesignBase):
    """What a file would be imported as."""

    permissions = {"POST": "designs.view_design"}
    parser_classes = (DesignFileParser,)

    @extend_schema(operation_id="designs_read_file", request=ANY_LAYOUT, responses={200: ReadOut})
    def post(self, request: Request) -> Response:
        """Saves nothing. Warnings say what would be renamed or left out, with paths in the file."""
        return Response(ReadOut({"designs": read_file(raw=request.data, caller=self.caller)}).data)


class DesignImportView(DesignBase):
    """New designs from a file: one design or a list, all of them or none."""

    permissions = {"POST": "designs.add_design"}
    parser_classes = (DesignFileParser,)

    @extend_schema(operation_id="designs_import", request=ANY_LAYOUT, responses={201: ImportOut})
    def post(self, request: Request) -> Response:
        """Warnings say what was renamed or left out; their paths are in the file."""
        imported = import_designs(raw=request.data, caller=self.caller)
        return Response(ImportOut({"designs": imported}).data, status=status.HTTP_201_CREATED)
