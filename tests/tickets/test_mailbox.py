"""A real IMAP server (Debian: dovecot-imapd) holds the helpdesk's mailbox."""

import getpass
import grp
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from farmaflux_desk.configuration import Imap
from tests.comms.receivers import free_port
from tests.tickets.test_mail import written
from tickets import operations
from tickets.mailbox import open_mailbox, read_mailbox
from tickets.models import Mail

pytestmark = [pytest.mark.journey, pytest.mark.django_db]

MISSING = "Dovecot is not installed (Debian: dovecot-imapd)"
PATIENCE = 30  # seconds
FOLDER = "Helpdesk été"
CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/box
first_valid_uid = 0
first_valid_gid = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login_user}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Its port."""
    program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="desk-dovecot-") as made, _running(program, Path(made)) as port:
        yield port


@contextmanager
def _running(program: str, folder: Path) -> Iterator[int]:
    port, user, login_user = free_port(), getpass.getuser(), getpass.getuser()
    mail = folder / "mail"
    mail.mkdir()
    if os.geteuid() == 0:  # Dovecot keeps no mail of root's, and lets nobody sign in as root
        user, login_user = "dovecot", "dovenull"
        folder.chmod(0o755)
        shutil.chown(mail, user, user)
    owner = mail.stat()
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            user=user,
            group=grp.getgrgid(owner.st_gid).gr_name,
            login_user=login_user,
            uid=owner.st_uid,
            gid=owner.st_gid,
            port=port,
        )
    )
    process = subprocess.Popen([program, "-F", "-c", configuration])
    try:
        _await(port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            if connection.recv(1):
                return
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "no log"
        time.sleep(0.05)


@pytest.fixture
def mailbox(server: int, settings: Settings) -> None:
    settings.DESK_IMAP = Imap("127.0.0.1", server, "helpdesk", "secret", "INBOX", encrypted=False)
    with open_mailbox() as box:
        if not box.folder.exists(FOLDER):
            box.folder.create(FOLDER)
    settings.DESK_IMAP = Imap("127.0.0.1", server, "helpdesk", "secret", FOLDER, encrypted=False)


def arrive(*contents: bytes) -> None:
    with open_mailbox() as box:
        for content in contents:
            box.append(content, FOLDER)


def unread() -> list[str]:
    with open_mailbox() as box:
        return [message.text.strip() for message in box.fetch("UNSEEN", mark_seen=False)]


def test_a_real_mailbox_is_read_once_and_what_cannot_be_taken_stays_unread(
    mailbox: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(written("Ça ne marche pas."), written("mauvais"), written("Zelfde hier.", attachment=True))
    take_mail = operations.take_mail

    def breaking(letter: object) -> Mail:
        if "mauvais" in letter.text:  # type: ignore[attr-defined]
            raise RuntimeError
        return take_mail(letter)  # type: ignore[arg-type]

    monkeypatch.setattr(operations, "take_mail", breaking)

    assert (read_mailbox(), read_mailbox()) == (2, 0)

    assert [(mail.text, mail.attachments) for mail in Mail.objects.all()] == [
        ("Ça ne marche pas.", 0),
        ("Zelfde hier.", 1),
    ]
    assert unread() == ["mauvais"]
