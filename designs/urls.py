"""URLs of the pages of designs."""

from django.urls import path

from designs.views import lists

app_name = "designs"

urlpatterns = [path("", lists.design_list, name="design-list")]
