from django.urls import path

from tickets.views import (
    callbacks,
    calls,
    contacts,
    crew,
    exports,
    guidance,
    imports,
    informing,
    mail,
    pharmacies,
    phone_calls,
    queue,
    reports,
    rises,
    saying,
    sorting,
    urgent,
)

app_name = "tickets"

urlpatterns = [
    path("calls/", calls.calls, name="calls"),
    path("calls/new", calls.new, name="call_new"),
    path("calls/offer/", phone_calls.offer, name="offer"),
    path("calls/offer/<int:pk>/", phone_calls.settle, name="offer_settle"),
    path("calls/log/", calls.log, name="log"),
    path("calls/<int:pk>/undo/", calls.undo, name="undo"),
    path("calls/lookup/", calls.lookup_caller, name="lookup"),
    path("calls/say/", saying.say, name="say"),
    path("calls/say/seen/", saying.seen, name="seen"),
    path("calls/readers/<slug:public_id>/", guidance.seen_by, name="readers"),
    path("calls/offline/", calls.offline, name="offline"),
    path("calls/keys/", queue.keys, name="queue_keys"),
    path("calls/worker.js", queue.worker, name="worker"),
    path("answers/", guidance.answers, name="answers"),
    path("answers/new/", guidance.answer, name="answer_new"),
    path("answers/<int:pk>/", guidance.answer, name="answer"),
    path("answers/<int:pk>/remove/", guidance.remove, name="answer_remove"),
    path("calls/latest/", calls.latest, name="latest"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/export.csv", exports.contacts, name="contacts_export"),
    path("contacts/attach/", sorting.attach, name="attach"),
    path("contacts/<int:pk>/", contacts.contact, name="contact"),
    path("contacts/<int:pk>/merge/", sorting.merge, name="merge"),
    path("contacts/<int:pk>/split/", sorting.split, name="split"),
    path("contacts/<int:pk>/hand-over/", sorting.hand_over, name="hand_over"),
    path("presence/<str:kind>/<int:pk>/", sorting.presence, name="presence"),
    path("phones/", crew.crew, name="crew"),
    path("phones/start/", crew.start, name="shift_start"),
    path("phones/<int:pk>/stop/", crew.stop, name="shift_stop"),
    path("phones/note/", crew.note, name="hand_over_note"),
    path("phones/invite/", crew.invite, name="invite"),
    path("phones/invitations/<int:pk>/end/", crew.end, name="invitation_end"),
    path("pressure/", rises.pressure, name="pressure"),
    path("pressure/dismiss/", rises.dismiss, name="rise_dismiss"),
    path("mail/", mail.mails, name="mails"),
    path("mail/<int:pk>/", mail.thread, name="mail"),
    path("callers/<slug:public_id>/", informing.callers, name="callers"),
    path("callers/<slug:public_id>/phone/", informing.phone_instead, name="callers_phone"),
    path("callbacks/", callbacks.callbacks, name="callbacks"),
    path("callbacks/<int:pk>/close/", callbacks.close, name="callback_close"),
    path("urgent/", urgent.urgent, name="urgent"),
    path("urgent/live/", urgent.live, name="urgent_live"),
    path("urgent/<int:pk>/", urgent.act, name="urgent_act"),
    path("pharmacies/", pharmacies.pharmacies, name="pharmacies"),
    path("pharmacies/import/", imports.upload, name="import"),
    path("pharmacies/import/<uuid:key>/", imports.one, name="import_one"),
    path("pharmacies/import/<uuid:key>/rejected.csv", imports.rejected, name="import_rejected"),
    path("pharmacies/<int:pk>/", pharmacies.pharmacy, name="pharmacy"),
    path("pharmacies/<int:pk>/number/", sorting.attach_number, name="attach_number"),
]

report_urlpatterns = [
    path("", reports.report, name="form"),
    path("received/", reports.reported, name="received"),
]

volunteer_urlpatterns = [path("<str:token>/", crew.join, name="join")]

intake_urlpatterns = [
    path("cti/<str:token>", phone_calls.event, name="cti"),
]
