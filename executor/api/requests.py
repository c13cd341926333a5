"""The API of requests to people: which are there, and votes on them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.filters import FlagFilter
from designs.api.lists import BoundedCursorPages, answer_page
from executor.api.request_serializers import RequestOut, VoteIn
from executor.decisions import groups_of, requests_for, vote
from executor.models import DecisionRequest, RequestKind, RequestStatus
from executor.models.decision import DECIDE, VIEW

_LARGE = ("shown", "form", "answer", "question")
FILTERS = [
    OpenApiParameter("status", enum=RequestStatus.values),
    OpenApiParameter("kind", enum=RequestKind.values),
    OpenApiParameter(
        "deployment", type={"type": "string", "format": "uuid"}, description="By its id."
    ),
    OpenApiParameter("mine", type=bool, description="true: the open ones that wait for your vote."),
    OpenApiParameter("limit", type=int, description="From 1 to 500."),
    OpenApiParameter("cursor"),
]


class RequestFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=RequestStatus.choices)
    kind = django_filters.ChoiceFilter(choices=RequestKind.choices)
    deployment = django_filters.UUIDFilter(field_name="execution__deployment_id")
    mine = FlagFilter(method="of_caller")

    class Meta:
        model = DecisionRequest
        fields: tuple[str, ...] = ()

    def of_caller(self, rows: Any, name: str, value: bool) -> Any:
        caller: Any = self.request.caller  # type: ignore[union-attr]
        return rows.waiting_for(caller) if value else rows


class RequestBase(ApiView):
    def find(self, pk: str) -> DecisionRequest:
        found: DecisionRequest = get_object_or_404(requests_for(self.caller).for_list(), pk=pk)
        return found

    def context(self, rows: Any = ()) -> dict[str, Any]:
        return {"caller": self.caller, "groups": groups_of(self.caller)}

    def shown(self, row: DecisionRequest) -> Any:
        return RequestOut(row, context=self.context()).data


class RequestListView(RequestBase):
    """Requests to people, newest first."""

    permissions = {"GET": VIEW}
    pagination_class = BoundedCursorPages

    @extend_schema(
        operation_id="requests_list", parameters=FILTERS, responses={200: RequestOut(many=True)}
    )
    def get(self, request: Request) -> Response:
        rows = requests_for(self.caller).for_list()
        return answer_page(
            self,
            BoundedCursorPages(),
            rows,
            RequestOut,
            filters=RequestFilter,
            large=_LARGE,
            more=self.context,
        )


class RequestDetailView(RequestBase):
    """One request, with its votes."""

    permissions = {"GET": VIEW}

    @extend_schema(operation_id="requests_read", responses={200: RequestOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.shown(self.find(pk)))


class RequestVoteView(RequestBase):
    """Vote on a request, as yourself."""

    permissions = {"POST": DECIDE}

    @extend_schema(operation_id="requests_vote", request=VoteIn, responses={201: RequestOut})
    def post(self, request: Request, pk: str) -> Response:
        """The request with the vote; if that decides it, the run goes on."""
        found = self.find(pk)
        body = VoteIn(data=request.data)
        body.is_valid(raise_exception=True)
        voted = vote(request=found, caller=self.caller, ballot=body.ballot())
        return Response(self.shown(voted), status=status.HTTP_201_CREATED)
