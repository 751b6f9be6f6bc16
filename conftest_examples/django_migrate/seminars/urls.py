from django.urls import path

from rooms import views

urlpatterns = [path("rooms/<str:name>/bookings", views.bookings)]
