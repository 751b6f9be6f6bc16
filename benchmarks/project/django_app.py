"""The application: its row of the seed comes after its tables, and again whenever Django has emptied them."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def seed(**_options):
    from shop.models import Settings

    Settings.objects.get_or_create(key="origin", defaults={"value": "golden"})


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        post_migrate.connect(seed, sender=self)
