"""The app's place in the installation."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from deployments.calls.orders import order_again
        from executor.acceptance.runs import register_rules

        register_rules(order_again)
