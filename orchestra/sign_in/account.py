"""The account page: own rights in words, password, open sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from designs.requests import PageRequest
from orchestra.sign_in.limits import take_back
from orchestra.sign_in.sessions import end_sessions, open_sessions
from orchestra.sign_in.words import words_for

SHOWN_SESSIONS = 50
RULES = "At least 8 characters; no common password, and none that is like your name."
NO_RIGHTS = "Nothing yet: ask an administrator to add you to a group."


class OwnPasswordForm(PasswordChangeForm):
    """Guesses at the present password count towards the limits of signing in."""

    def __init__(self, request: PageRequest, data: Any = None) -> None:
        super().__init__(request.user, data)  # type: ignore[arg-type]
        self.request = request
        self.fields["old_password"].label = "Present password"
        new, again = self.fields["new_password1"], self.fields["new_password2"]
        new.label, again.label = "New password", "New password, once more"
        new.help_text, again.help_text = RULES, ""

    def clean_old_password(self) -> str:
        password, name = self.cleaned_data["old_password"], self.user.get_username()
        if authenticate(self.request, username=name, password=password) is None:
            raise ValidationError("This is not your present password.", code="password_incorrect")
        take_back(self.request, name)
        return str(password)


@require_safe
@login_required
def account(request: PageRequest) -> HttpResponse:
    sessions = open_sessions(request.user, request.session.session_key)  # type: ignore[arg-type]
    words = words_for(request.caller.permissions) or [NO_RIGHTS]
    if request.caller.is_superuser:
        words = ["Everything, including what is limited to groups"]
    context = {
        "groups": request.user.groups.order_by("name"),
        "words": words,
        "sessions": sessions[:SHOWN_SESSIONS],
        "has_others": len(sessions) > 1,
    }
    return render(request, "account.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def account_password(request: PageRequest) -> HttpResponse:
    """A new password ends all other sessions, and changes the key of this one."""
    form = OwnPasswordForm(request, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        user = form.save()
        update_session_auth_hash(request, user)
        end_sessions(user, keep=request.session.session_key)
        messages.success(request, "Your password is changed, and all other sessions are ended.")
        return redirect("account")
    status = 422 if form.is_bound else 200
    return render(request, "account_password.html", {"form": form}, status=status)


@require_POST
@login_required
def account_sessions_end(request: PageRequest) -> HttpResponse:
    """End the session named `session`, or all but this one."""
    name = request.POST.get("session", "")
    count = end_sessions(request.user, keep=request.session.session_key, name=name)  # type: ignore[arg-type]
    if count:
        messages.success(request, f"{count} session{'s are' if count != 1 else ' is'} ended.")
    else:
        messages.info(request, "That session had already ended.")
    return redirect("account")
