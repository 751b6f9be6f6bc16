from django.db import migrations

ROOMS = {"Attic": 8, "Hall": 80}


def add_rooms(apps, schema_editor):
    room = apps.get_model("rooms", "Room")
    room.objects.bulk_create(room(name=name, seats=seats) for name, seats in ROOMS.items())


def remove_rooms(apps, schema_editor):
    apps.get_model("rooms", "Room").objects.filter(name__in=ROOMS).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(add_rooms, remove_rooms),
    ]
