"""Named lists of readers, and who is on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from comms.models import LEFT, ListMember, MailList
from comms.operations.names import free_key
from comms.permissions import check_configure_channel


@dataclass(frozen=True)
class Reader:
    """Somebody on a list: *email* and *phone* as they are stored, one of them at least."""

    name: str
    email: str = ""
    phone: str = ""
    language: Language = Language.FR


class OnList:
    """Who is on a list, to see whether somebody else may be as well: an address or a number stands there once."""

    def __init__(self, members: Iterable[ListMember] = ()) -> None:
        self._readers: set[Reader] = set()
        self._names: dict[str, str] = {}
        for member in members:
            self.note(Reader(member.name, member.email, member.phone, Language(member.language)))

    def note(self, reader: Reader) -> None:
        self._readers.add(reader)
        self._names |= {
            address.casefold(): reader.name for address in (reader.email, reader.phone) if address
        }

    def has(self, reader: Reader) -> bool:
        return reader in self._readers

    def check(self, reader: Reader) -> None:
        """Raises Refused, naming who has the address or the number."""
        for field, address in (("email", reader.email), ("phone", reader.phone)):
            if name := self._names.get(address.casefold()):
                told = {"address": address, "name": name}
                raise Refused(_("%(address)s is on this list already: %(name)s.") % told, field=field)


class Changed(Refused):
    """Somebody changed the row after this person had opened it. Nothing was written; `stored` is what there is now."""

    def __init__(self, stored: MailList | ListMember) -> None:
        super().__init__(_("Somebody changed this after you had opened it. Nothing was overwritten."))
        self.stored = stored


@transaction.atomic
def add_list(names: Mapping[str, str], *, key: UUID, by: User) -> MailList:
    """A new list; *names* by language. The same *key* gives the list that it made."""
    check_configure_channel(by)
    if made := MailList.objects.filter(form_key=key).first():
        return made
    columns = {f"name_{language}": names.get(language, "") for language in Language}
    wanted = slugify(names[Language.FR]) or "list"
    return MailList.objects.create(key=free_key(wanted, MailList), form_key=key, **columns)


@transaction.atomic
def rename(mail_list: MailList, names: Mapping[str, str], *, revision: int, by: User) -> MailList:
    """Raises Changed when somebody renamed it since *revision*."""
    check_configure_channel(by)
    mail_list = MailList.objects.select_for_update().get(pk=mail_list.pk)
    if mail_list.revision != revision:
        raise Changed(mail_list)
    for language in Language:
        setattr(mail_list, f"name_{language}", names.get(language, ""))
    mail_list.revision += 1
    mail_list.save()
    return mail_list


@transaction.atomic
def remove_list(mail_list: MailList, *, by: User) -> None:
    """With everybody on it. Raises Refused while a channel writes to it."""
    check_configure_channel(by)
    mail_list = MailList.objects.select_for_update().get(pk=mail_list.pk)
    if channel := mail_list.channels.first():
        raise Refused(
            _("%(channel)s writes to this list: give that channel another one first.") % {"channel": channel}
        )
    mail_list.delete()


@transaction.atomic
def add_members(mail_list: MailList, readers: Sequence[Reader], *, by: User) -> int:
    """All of them or none; returns how many are new. Who is on the list already, word for word, is left as she is.

    Raises Refused when an address or number is on the list under another name or language, naming it.
    """
    check_configure_channel(by)
    mail_list = MailList.objects.select_for_update().get(pk=mail_list.pk)
    there = OnList(mail_list.members.all())
    new = [reader for reader in readers if not there.has(reader)]
    for reader in new:
        there.check(reader)
        there.note(reader)
    ListMember.objects.bulk_create(ListMember(mail_list=mail_list, **vars(reader)) for reader in new)
    return len(new)


@transaction.atomic
def change_member(member: ListMember, reader: Reader, *, revision: int, by: User) -> ListMember:
    """A new e-mail address forgets that the old one was refused. Raises Changed, or Refused as add_members does."""
    check_configure_channel(by)
    member = _locked(member)
    if member.revision != revision:
        raise Changed(member)
    OnList(member.mail_list.members.exclude(pk=member.pk)).check(reader)
    if reader.email != member.email:
        member.refused_at, member.refusal = None, ""
    for name, value in vars(reader).items():
        setattr(member, name, value)
    member.revision += 1
    member.save()
    return member


def leave(member: ListMember, *, at: datetime | None = None) -> None:
    """She unsubscribed by the link of a message: her address is written to no more. What was refused stays as it is."""
    rows = ListMember.objects.filter(pk=member.pk, refused_at=None)
    rows.update(refused_at=at or timezone.now(), refusal=LEFT)


@transaction.atomic
def clear_refusal(member: ListMember, *, by: User) -> ListMember:
    """The address works again, as far as anyone knows: it is written to from the next message on."""
    check_configure_channel(by)
    member = _locked(member)
    member.refused_at, member.refusal = None, ""
    member.save(update_fields=["refused_at", "refusal"])
    return member


@transaction.atomic
def remove_member(member: ListMember, *, by: User) -> None:
    """What was sent to her before stays on record."""
    check_configure_channel(by)
    ListMember.objects.filter(pk=member.pk).delete()


def _locked(member: ListMember) -> ListMember:
    return ListMember.objects.select_for_update(of=("self",)).select_related("mail_list").get(pk=member.pk)
