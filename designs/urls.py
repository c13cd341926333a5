"""URLs of the pages of designs."""

from django.urls import path

from designs import views

app_name = "designs"

urlpatterns = [path("", views.design_list, name="design-list")]
