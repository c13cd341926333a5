"""The app's place in the installation."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from deployments.calls.orders import order_again
        from deployments.calls.places import find_paths
        from designs.nested.places import register_paths
        from executor.acceptance.runs import register_rules

        register_rules(order_again)
        register_paths(find_paths)
