"""The app's place in the installation."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"
