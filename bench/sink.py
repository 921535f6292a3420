"""Takes mail by SMTP and posts by HTTP as fast as a machine can, and tells what came: `python -m bench.sink SMTP HTTP`.

GET /seen answers {"mails": [[recipient, Message-ID, seconds], …], "posts": [[path, Idempotency-Key, seconds], …]},
GET /count how many of each. For the control of a measurement it can misbehave: `--forget` takes the third mail and
keeps no trace of it, `--double` keeps the fifth twice, `--slow MS` answers each post and each mail that much later.
"""

import argparse
import asyncio
import json
import re
import time

MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
END = b"\r\n.\r\n"

mails: list[tuple[str, str, float]] = []
posts: list[tuple[str, str, float]] = []
taken = 0
given: argparse.Namespace


class Mail(asyncio.Protocol):
    """The least that a mail server says (RFC 5321), pipelining included."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.waiting, self.recipient, self.reading = transport, b"", "", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            end, length = (self.waiting.find(END), 5) if self.reading else (self.waiting.find(b"\r\n"), 2)
            if end < 0:
                return
            found, self.waiting = self.waiting[:end], self.waiting[end + length :]
            if self.reading:
                self.reading = False
                asyncio.get_running_loop().call_later(given.slow / 1000, self.take, found)
            else:
                self.obey(found)

    def obey(self, line: bytes) -> None:
        match line[:4].upper():
            case b"EHLO":
                self.transport.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            case b"RCPT":
                self.recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                self.transport.write(b"250 ok\r\n")
            case b"DATA":
                self.reading = True
                self.transport.write(b"354 go on\r\n")
            case b"QUIT":
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
            case _:
                self.transport.write(b"250 ok\r\n")

    def take(self, content: bytes) -> None:
        global taken
        taken += 1
        found = MESSAGE_ID.search(content)
        copies = 0 if given.forget and taken == 3 else 2 if given.double and taken == 5 else 1
        mails.extend([(self.recipient, found[1].decode() if found else "", time.time())] * copies)
        self.transport.write(b"250 taken\r\n")


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _version = head.partition("\r\n")[0].split()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        await reader.readexactly(int(headers.get("content-length", 0)))
        if method == "POST":
            await asyncio.sleep(given.slow / 1000)
            posts.append((path, headers.get("idempotency-key", ""), time.time()))
        count = {"mails": taken, "posts": len(posts)}
        body = json.dumps({"mails": mails, "posts": posts} if path == "/seen" else count).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    finally:
        writer.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(Mail, "127.0.0.1", given.smtp)
    http = await asyncio.start_server(post, "127.0.0.1", given.http)
    async with mail, http:
        await asyncio.gather(mail.serve_forever(), http.serve_forever())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("smtp", type=int)
    parser.add_argument("http", type=int)
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--slow", type=float, default=0, metavar="MS")
    given = parser.parse_args()
    asyncio.run(main())
