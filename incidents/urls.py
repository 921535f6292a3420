from django.urls import path

from incidents import views
from incidents.views import alerts as alert_views
from incidents.views import staff as staff_views

app_name = "incidents"
urlpatterns = [
    path("", views.incidents, name="list"),
    path("alerts/", alert_views.alerts, name="alerts"),
    path("alerts/<int:pk>/close/", alert_views.close, name="alert_close"),
    path("declare/", views.declare, name="declare"),
    path("declare/relapse/", views.relapse, name="relapse"),
    path("declare/severity/", views.severity, name="severity"),
    path("<slug:public_id>/edit/", views.edit, name="edit"),
    path("<slug:public_id>/move/", views.move, name="move"),
    path("<slug:public_id>/statuses/", views.statuses, name="statuses"),
    path("<slug:public_id>/milestones/", views.milestones, name="milestones"),
    path("<slug:public_id>/chain/", views.chain, name="chain"),
    path("<slug:public_id>/postmortem/", views.postmortem, name="postmortem"),
    path("<slug:public_id>/roles/", views.roles, name="roles"),
    path("<slug:public_id>/roles/<slug:role>/hand-over/", views.hand_over, name="hand_over"),
    path("<slug:public_id>/note/", views.note, name="note"),
]

intake_urlpatterns = [path("alertmanager", alert_views.notification, name="alertmanager")]

staff = (
    [
        path("", staff_views.staff, name="list"),
        path("new/", staff_views.colleague, name="add"),
        path("<int:pk>/", staff_views.colleague, name="one"),
        path("<int:pk>/calendar/", staff_views.calendar, name="calendar"),
        path("<int:pk>/absence/", staff_views.absence, name="absence"),
        path("<int:pk>/remove/", staff_views.colleague_remove, name="remove"),
        path("absences/<int:pk>/remove/", staff_views.absence_remove, name="absence_remove"),
    ],
    "staff",
)

maintenance = (
    [
        path("", views.maintenances, name="list"),
        path("plan/", views.plan_maintenance, name="plan"),
        path("hours/", views.hours, name="hours"),
        path("<slug:public_id>/", views.maintenance, name="one"),
        path("<slug:public_id>/edit/", views.amend_maintenance, name="edit"),
    ],
    "maintenance",
)
