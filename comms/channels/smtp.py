"""Django's SMTP backend, which also knows how far a failed message got, and asks several things at once."""

import re
import smtplib
from functools import cached_property

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

GO_ON = 354


class _HandingOver(smtplib.SMTP):
    """Notes when the content starts to leave: a connection that breaks later may have delivered it.

    Before that the server has accepted nothing, whatever happens (RFC 5321, 4.1.1.4).
    """

    content_left = False

    def data(self, msg):  # type: ignore[no-untyped-def]
        self.content_left = True
        return super().data(msg)

    def hand_over(self, sender: str, recipient: str, content: bytes) -> None:
        """One message; where the server allows it (RFC 2920) the envelope in one step in place of three."""
        self.content_left = False
        if self.has_extn("pipelining"):
            self._pipeline(sender, recipient, content)
        else:
            self.sendmail(sender, [recipient], content)

    def _pipeline(self, sender: str, recipient: str, content: bytes) -> None:
        size = f" SIZE={len(content)}" if self.has_extn("size") else ""
        self.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n")
        of_sender, of_recipient, of_data = self.getreply(), self.getreply(), self.getreply()
        if of_sender[0] != 250:
            self._give_up(of_sender[0], of_data[0])
            raise smtplib.SMTPSenderRefused(*of_sender, sender)
        if of_recipient[0] not in (250, 251):
            self._give_up(of_recipient[0], of_data[0])
            raise smtplib.SMTPRecipientsRefused({recipient: of_recipient})
        if of_data[0] == GO_ON:
            self.content_left = True
            self.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            of_data = self.getreply()
        if of_data[0] != 250:
            self._give_up(of_data[0])
            raise smtplib.SMTPDataError(*of_data)

    def _give_up(self, code: int, of_data: int = 0) -> None:
        """Be ready for the next message; 421 says that the server has hung up."""
        if of_data == GO_ON:  # without anybody to write to: it waits for a content that goes nowhere
            self.send(".\r\n")
            self.getreply()
        if code == 421:
            self.close()
        else:
            self.rset()


class _HandingOverInTLS(_HandingOver, smtplib.SMTP_SSL):
    pass


class Backend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _HandingOverInTLS if self.use_ssl else _HandingOver

    @cached_property
    def _sender(self) -> str:
        return self.prep_address(settings.DEFAULT_FROM_EMAIL)

    def hand_over(self, recipient: str, content: bytes) -> None:
        """One message, its lines ended by CRLF, over the open connection. Raises smtplib's errors and OSError."""
        assert isinstance(self.connection, _HandingOver)  # noqa: S101  # opened before
        self.connection.hand_over(self._sender, recipient, content)

    @property
    def content_left(self) -> bool:
        return bool(getattr(self.connection, "content_left", False))

    def drop(self) -> None:
        """Forget a connection that can no longer be trusted, without another word to the server."""
        if self.connection is not None:
            smtplib.SMTP.close(self.connection)
            self.connection = None
