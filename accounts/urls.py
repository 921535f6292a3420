from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/reminders/", views.browser_reminders, name="browser_reminders"),
    path("resume/", views.resume, name="resume"),
    path("signed-in/", views.signed_in, name="signed_in"),
]
