"""Addresses of pages, admin and API."""

from django.contrib import admin
from django.urls import include, path

import designs.urls
from executor.views.drafts import design_stream
from orchestra import views
from orchestra.sign_in.account import account, account_password, account_sessions_end
from orchestra.sign_in.views import SignInView, SignOutView
from orchestra.style import style

# Drafts are followed like runs, of which designs know nothing.
designs_pages = [
    *designs.urls.urlpatterns,
    path("<uuid:pk>/stream/", design_stream, name="design-stream"),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("side/", views.side, name="side"),
    path("style/", style, name="style"),
    path("sign-in/", SignInView.as_view(), name="sign_in"),
    path("sign-out/", SignOutView.as_view(), name="sign_out"),
    path("account/", account, name="account"),
    path("account/password/", account_password, name="account-password"),
    path("account/sessions/end/", account_sessions_end, name="account-sessions-end"),
    path("designs/", include((designs_pages, designs.urls.app_name))),
    path("", include("deployments.urls")),
    path("", include("executor.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("orchestra.api.urls")),
]

handler400 = "orchestra.server.error_pages.bad_request"
handler500 = "orchestra.server.error_pages.server_error"
