from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeskConfig(AppConfig):
    name = "farmaflux_desk"

    def ready(self) -> None:
        from farmaflux_desk.roles import set_roles

        # The assembly comes last of our apps: by then every app's permissions exist.
        post_migrate.connect(set_roles, sender=self, dispatch_uid="roles")
