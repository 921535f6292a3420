"""E-mail to the members of a list: one message for each, over one connection."""

import re
import smtplib
from email import policy
from types import TracebackType
from typing import Self

import structlog
from django.core.mail import EmailMessage, mailers
from django.utils.translation import gettext_noop

from comms import links
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.letter import Content, Reader, content, letter
from comms.channels.smtp import Backend
from comms.channels.stencil import Letter, addr_spec
from comms.channels.trial import trial_letter
from comms.models import Channel, Delivery, ListMember, Notice

log = structlog.get_logger(__name__)

# What the desk says of a delivery is kept in English and translated when it is shown.
ACCEPTED = gettext_noop("accepted by the mail server")
WRITTEN_TO_A_FILE = gettext_noop("written to a file: no mail server is set")
NO_ANSWER = gettext_noop("The connection broke while the message was handed over.")
NOT_WRITTEN = gettext_noop("The file could not be written.")
UNREACHABLE = gettext_noop("The mail server could not be reached.")


class EmailTransport:
    """A repeat carries the same Message-ID, by which many mailboxes drop it; in doubt twice is better than never.

    Each claim gets a connection of its own: servers mind a connection that carries thousands. What a letter says is
    read once for each claim, so that who is written to after a correction is told the corrected text.
    """

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=100)
    settings: tuple[Setting, ...] = ()

    def __init__(self, channel: Channel) -> None:
        self._backend = mailers["default"]
        self._claim: int | None = None
        self._contents: dict[tuple[object, ...], Content] = {}
        self._members: dict[str, ListMember] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        try:
            self._backend.close()
        except OSError:  # everything was answered already; how the goodbye went changes nothing
            pass

    def prepare(self, delivery: Delivery) -> EmailMessage:
        if delivery.notice == Notice.TEST:
            return trial_letter(delivery)
        return letter(delivery, self._content(delivery), self.reader(delivery))

    def reader(self, delivery: Delivery) -> Reader:
        """Of a list's member with the link that takes her off it."""
        member = self._members.get(delivery.recipient)
        return Reader(delivery.recipient, unsubscribe=links.leave_url(member) if member else "")

    def _content(self, delivery: Delivery) -> Content:
        if delivery.claim_id is None or delivery.claim_id != self._claim:
            self._claim = delivery.claim_id
            self._contents.clear()
            mail_list = delivery.channel.mail_list
            self._members = {member.email: member for member in mail_list.members.all()} if mail_list else {}
            self._hang_up()
        told = (
            delivery.update_id,
            delivery.action,
            delivery.correction_id,
            delivery.language,
            delivery.created_at,
            bool(delivery.stands_for),
        )
        if told not in self._contents:
            self._contents[told] = content(delivery)
        return self._contents[told]

    def send(self, message: EmailMessage) -> Receipt:
        try:
            [recipient] = message.to
            recipient, written = addr_spec(recipient), _bytes(message)
        except ValueError as error:  # it would smuggle in a header, or a recipient
            raise TransportError(str(error), permanent=True) from error
        if not isinstance(self._backend, Backend):
            return Receipt(self._write(message))
        self._connect(self._backend)
        self._hand_over(self._backend, recipient, written)
        return Receipt(ACCEPTED)

    def find(self, message: EmailMessage) -> Receipt | None:
        raise NotImplementedError("A mail server is not asked what it accepted.")

    def _write(self, message: EmailMessage) -> str:
        try:
            self._backend.send_messages([message])
        except OSError as error:
            log.warning("mail_not_written", error=str(error))
            raise TransportError(NOT_WRITTEN, unreachable=True) from error
        return WRITTEN_TO_A_FILE

    def _connect(self, backend: Backend) -> None:
        """Whatever goes wrong here, a wrong password included, concerns no recipient and may be mended."""
        try:
            backend.open()
        except smtplib.SMTPResponseException as error:
            raise TransportError(_said(error.smtp_code, error.smtp_error), unreachable=True) from error
        except OSError as error:
            log.warning("mail_server_unreachable", error=str(error))
            raise TransportError(UNREACHABLE, unreachable=True) from error

    def _hand_over(self, backend: Backend, recipient: str, written: bytes) -> None:
        try:
            backend.hand_over(recipient, written)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, answer)] = error.recipients.values()
            raise _refusal(code, answer, no_such_recipient=nobody_there(code, _text(answer))) from error
        except smtplib.SMTPSenderRefused as error:  # of us the server takes nothing, whoever it is for
            raise TransportError(_said(error.smtp_code, error.smtp_error), unreachable=True) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except OSError as error:  # SMTPException is one
            maybe_sent = backend.content_left
            backend.drop()
            raise TransportError(NO_ANSWER, maybe_sent=maybe_sent, unreachable=not maybe_sent) from error
        finally:
            if (
                backend.connection is not None and backend.connection.sock is None
            ):  # smtplib hung up, after a 421
                backend.drop()


def _bytes(message: EmailMessage) -> bytes:
    """Raises ValueError for what would smuggle in a header."""
    return message.content if isinstance(message, Letter) else message.message(policy=policy.SMTP).as_bytes()


def nobody_there(code: int, answer: str) -> bool:
    """Whether a refusal at RCPT says for good that there is no such box, not that the box is full or we unwanted.

    By the enhanced code where there is one (RFC 3463): 5.1 is the address, 5.2.1 a box that is closed, 5.4.1 what
    Exchange Online says of unknown ones. 5.7 is about us: a relay that does not know us must cost no subscription.
    """
    if code < 500:
        return False
    enhanced = re.match(r"5\.(\d{1,3})\.(\d{1,3})\b", answer)
    if enhanced is None:
        return code in (550, 551, 553)
    return enhanced[1] == "1" or enhanced.groups() in {("2", "1"), ("4", "1"), ("0", "0")}


def _refusal(code: int, answer: bytes | str, *, no_such_recipient: bool = False) -> TransportError:
    """4xx is for now, 5xx for good (RFC 5321, 4.2.1). 421 says that the server is about to leave.

    To RCPT a 5xx may speak of the recipient; later it is about what the message says.
    """
    return TransportError(
        _said(code, answer),
        permanent=code >= 500,
        unreachable=code == 421,
        no_such_recipient=no_such_recipient,
    )


def _said(code: int, answer: bytes | str) -> str:
    return f"{code} {_text(answer)}"


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
