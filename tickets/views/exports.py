"""The list of contacts as a file."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.timezone import localtime
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.http import Request
from tickets import phone, spreadsheets
from tickets.forms.contacts import FilterForm
from tickets.models import Contact
from tickets.models.contact import ContactQuerySet
from tickets.permissions import check_export_contacts

CHUNK = 2000


@require_GET
def contacts(request: Request) -> StreamingHttpResponse:
    """The contacts that the list shows under the same filters, and older ones too, newest first, as they are read."""
    check_export_contacts(request.user)
    found = FilterForm(request.GET).contacts(request.user, whole=True)
    # The language of the request is over when the last lines are read.
    rows = _rows(_names(), found, get_language() or "fr")
    response = StreamingHttpResponse(spreadsheets.lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="contacts.csv"'
    return response


def _names() -> list[str]:
    return [
        _("Time"),
        _("Channel"),
        "APB",
        _("Caller"),
        _("Number"),
        _("Town"),
        _("Language"),
        _("Incident"),
        _("Topic"),
        _("Impact"),
        _("Needed by"),
        _("Outcome"),
        _("Message told"),
        _("Callback"),
        _("Agent"),
        _("Note"),
    ]


def _rows(names: list[str], found: ContactQuerySet, language: str) -> Iterator[list[object]]:
    yield list(names)
    related = found.shown().select_related("incident", "pharmacy__software_house")
    for contact in related.iterator(chunk_size=CHUNK):
        with override(language):
            row = [str(cell) for cell in _row(contact)]
        yield list(row)


def _row(contact: Contact) -> list[object]:
    pharmacy, told = contact.pharmacy, contact.told_update
    return [
        f"{localtime(contact.occurred_at):%Y-%m-%d %H:%M}",
        contact.get_channel_display(),
        pharmacy.apb_number if pharmacy else "",
        contact.caller,
        phone.spoken(contact.caller_e164) if contact.caller_e164 else "",
        pharmacy.town if pharmacy else "",
        contact.language,
        contact.incident or "",
        contact.service or "",
        contact.get_impact_display(),
        f"{localtime(contact.needed_by):%Y-%m-%d %H:%M}" if contact.needed_by else "",
        contact.get_outcome_display(),
        told.number if told else "",
        contact.callback_state,
        contact.agent.display_name,
        contact.note,
    ]
