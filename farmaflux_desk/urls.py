from allauth.account import views as allauth
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.i18n import set_language

from accounts.views import SignInView
from comms.urls import subscribe_urlpatterns
from farmaflux_desk import views
from farmaflux_desk.rehearsal import views as rehearsal
from incidents.urls import intake_urlpatterns as monitoring
from incidents.urls import maintenance, staff
from tickets.urls import intake_urlpatterns, report_urlpatterns, volunteer_urlpatterns

# One door: Django's own sign-in page knows no limit of attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

desk: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("header/", views.header, name="header"),
    path("keys/", views.keys, name="keys"),
    path("wall/", views.wall, name="wall"),
    path("wall/live/", views.wall_live, name="wall_live"),
    path("drills/", rehearsal.drills, name="drills"),
    path("drills/scenario.yaml", rehearsal.scenario, name="scenario"),
    path("drills/<slug:public_id>/", rehearsal.playing, name="playing"),
    path("drills/<slug:public_id>/hold/", rehearsal.hold, name="hold"),
    path("drills/<slug:public_id>/go-on/", rehearsal.go_on, name="go_on"),
    path("incidents/<slug:public_id>/", views.room, name="room"),
    path("incidents/<slug:public_id>/live/", views.room_live, name="room_live"),
    path("incidents/<slug:public_id>/score/", rehearsal.score_page, name="score"),
    path("incidents/<slug:public_id>/score.pdf", rehearsal.score_pdf, name="score_pdf"),
    path("incidents/<slug:public_id>/score.json", rehearsal.score_json, name="score_json"),
]

# allauth's own list also holds sign-up, e-mail addresses and confirmation: routes nobody here has a use for.
entrance: list[URLPattern | URLResolver] = [
    path("login/", SignInView.as_view(), name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("password/set/", allauth.password_set, name="account_set_password"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "desk/", include("tickets.urls")
    ),  # first: each list that is looked through before it makes a call later
    path("accounts/", include("accounts.urls")),
    path("accounts/", include(entrance)),
    path("language/", login_not_required(set_language), name="set_language"),
    path("desk/", include("comms.urls")),
    path("desk/incidents/", include("incidents.urls")),
    path("desk/maintenance/", include(maintenance)),
    path("desk/staff/", include(staff)),
    path("desk/", include((desk, "desk"))),
    path("public/", include((subscribe_urlpatterns, "subscribe"))),
    path("public/report/", include((report_urlpatterns, "report"))),
    path("public/volunteer/", include((volunteer_urlpatterns, "volunteer"))),
    path("intake/", include(([*intake_urlpatterns, *monitoring], "intake"))),
    path("admin/", admin.site.urls),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]

handler400 = views.bad_request
handler500 = views.server_error
