"""A small HTTP server for tests, on a free port of 127.0.0.1 that it writes into the file named as its argument.

Paths: /together/N answers a second after N of its requests are in flight at once; /signed checks the signature with the key
in $SIGNING_KEY, as docs/http.md shows it; /seen/X is always fine; the others are odd answers, named after what is odd about them. Each request's path is a line in the file beside the port's, `.log`."""

import asyncio
import email.utils
import json
import os
import re
import sys
import time


async def read_request(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return first.split(" ")[1], headers, body


def answer(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_answer(value):
    return answer(200, json.dumps(value).encode(), "Content-Type: application/json")


def program_of_the_page():
    """The function is_genuine() as docs/http.md shows it."""
    page = os.path.join(os.environ["JOBRUNNER_SOURCE_DIR"], "docs", "http.md")
    with open(page, encoding="utf-8") as file:
        program = re.search(r"```python\n(.*?)```", file.read(), re.DOTALL).group(1)
    names = {}
    exec(program, names)
    return names["is_genuine"]


is_genuine = program_of_the_page()


def check_signature(headers, body):
    named = {name: headers[name.lower()] for name in ("Jobrunner-Timestamp", "Jobrunner-Signature")}
    key = os.environ["SIGNING_KEY"].encode()
    return is_genuine(named, body, key) and not is_genuine(named, body + b" ", key)


class Meeting:
    """Lets those that wait go on once there are enough of them."""

    def __init__(self):
        self.waiting = 0
        self.complete = asyncio.Event()

    async def wait_for(self, enough):
        self.waiting += 1
        if self.waiting >= enough:
            self.complete.set()
        await asyncio.wait_for(self.complete.wait(), 60)


meeting = Meeting()


async def respond(path, headers, body, writer):
    first = headers.get("jobrunner-attempt") == "1"
    if path.startswith("/together/"):
        await meeting.wait_for(int(path.rsplit("/", 1)[1]))
        await asyncio.sleep(1)
        writer.write(json_answer({"slept": 1}))
    elif path.startswith("/seen/"):
        writer.write(json_answer({"seen": path.rsplit("/", 1)[1]}))
    elif path == "/signed":
        writer.write(json_answer({"good": check_signature(headers, body), "key": headers["idempotency-key"]}))
    elif path == "/headers":
        writer.write(json_answer(headers))
    elif path == "/truncated":
        writer.write(answer(200, b"x" * 100)[:-50])
        return False
    elif path == "/oversized":
        writer.write(answer(200, b"x" * 5000))
    elif path == "/reset":
        return False
    elif path == "/drip":
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    elif path == "/flood":
        writer.write(b"HTTP/1.1 200 X\r\n" + b"X-Flood: 0123456789012345678901234567890123456789\r\n" * 9000 + b"\r\n")
    elif path == "/chunked":
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
    elif path == "/wrong-json":
        writer.write(answer(200, b"{half", "Content-Type: application/json"))
    elif path == "/empty":
        writer.write(b"HTTP/1.1 204 X\r\n\r\n")
    elif path == "/redirect":
        writer.write(answer(302, b"", "Location: http://127.0.0.1:1/elsewhere"))
    elif path == "/garbage":
        writer.write(b"this is no HTTP\r\n\r\n")
        return False
    elif path == "/busy-seconds":
        writer.write(answer(503, b"busy", "Retry-After: 2") if first else json_answer({"late": True}))
    elif path == "/busy-date":
        date = "Date: " + email.utils.formatdate(time.time(), usegmt=True)
        later = "Retry-After: " + email.utils.formatdate(time.time() + 2, usegmt=True)
        writer.write(answer(429, b"slow down", date, later) if first else json_answer({"late": True}))
    else:
        writer.write(answer(404, b"no such thing: " + headers.get("authorization", "").encode()))
    return True


async def serve(reader, writer, log):
    try:
        keep = True
        while keep:
            path, headers, body = await read_request(reader)
            print(path, file=log, flush=True)
            keep = await respond(path, headers, body, writer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port_file):
    with open(port_file + ".log", "w", encoding="utf-8") as log:
        server = await asyncio.start_server(lambda r, w: serve(r, w, log), "127.0.0.1", 0, backlog=2000)
        with open(port_file + ".new", "w", encoding="utf-8") as file:
            file.write(str(server.sockets[0].getsockname()[1]))
        os.rename(port_file + ".new", port_file)
        await server.serve_forever()


asyncio.run(main(sys.argv[1]))
