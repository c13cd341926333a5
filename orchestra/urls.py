"""Addresses of pages, admin and API."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from orchestra import views

urlpatterns = [
    path("", views.home, name="home"),
    path(
        "sign-in/",
        LoginView.as_view(template_name="sign_in.html", redirect_authenticated_user=True),
        name="sign_in",
    ),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("designs/", include("designs.urls")),
    path("", include("deployments.urls")),
    path("executions/", include("executor.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("orchestra.api_urls")),
]

handler400 = "orchestra.error_pages.bad_request"
handler500 = "orchestra.error_pages.server_error"
