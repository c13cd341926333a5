"""The app of executions."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExecutorConfig(AppConfig):
    name = "executor"
    verbose_name = "Runs"

    def ready(self) -> None:
        from designs.drafts.news import on_written
        from executor.following.pubsub import publish_draft
        from executor.history.ended_rows import restore_guard

        post_migrate.connect(restore_guard, sender=self)
        on_written.append(publish_draft)
