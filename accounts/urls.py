from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("resume/", views.resume, name="resume"),
    path("signed-in/", views.signed_in, name="signed_in"),
]
