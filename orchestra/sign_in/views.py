"""Signing in and out, also for the admin."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

NOT_STAFF = (
    "The admin is for staff, and your account is not among them. Ask an administrator to mark it "
    "as staff; the other pages are open to you as before."
)


class OwnPages(RedirectURLMixin):
    """Accepts as `next` only paths of this site."""

    def get_redirect_url(self) -> str:  # type: ignore[override]
        url: str = super().get_redirect_url()
        return url if url.startswith("/") else ""


class SignInForm(AuthenticationForm):
    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        # Django only tells the browser; the column of failed sign-ins is no longer than this.
        longest = User._meta.get_field("username").max_length
        self.fields["username"].validators.append(MaxLengthValidator(longest))


class SignInView(OwnPages, LoginView):
    """`limits` answers too many failures, through django-axes' middleware."""

    template_name = "sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        # The form is not repeated: the name's field may hold a password.
        form.data = {}
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOutView(OwnPages, LogoutView):
    """By POST only, so that a link cannot sign a person out."""


class _Next(OwnPages):
    def __init__(self, request: HttpRequest) -> None:
        self.request = request


def admin_sign_in(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Redirect the admin's sign-in page to ours, and back if `next` is a path of this site."""
    back = _Next(request).get_redirect_url() or reverse("admin:index")
    if request.user.is_authenticated:
        refuse_others(request)
        return redirect(back)
    return redirect(f"{reverse('sign_in')}?{urlencode({'next': back})}")


def admin_sign_out(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    answer: HttpResponse = SignOutView.as_view()(request)
    return answer


def admin_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    return redirect("account-password")


def refuse_others(request: HttpRequest) -> bool:
    """The admin's check before each page: False sends the person to sign in.

    Raises PermissionDenied for people who are not staff: to sign in again would not help them.
    """
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied(NOT_STAFF)
    return request.user.is_authenticated
