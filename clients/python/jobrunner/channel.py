"""The lines of JSON between a service and its worker."""
import json
import os
import sys
import threading

LINE_BYTES_MAX = 1024 * 1024 - 1


def encode(message, field="message"):
    """The line of a message. Raises ValueError that names `field` for what is no JSON or too long."""
    try:
        line = json.dumps(message, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{field} is no JSON: {error}") from error
    if len(line) > LINE_BYTES_MAX:
        # With non-ASCII text as it is, it may fit. What is no Unicode (half of a pair) stays escaped.
        raw = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        try:
            raw.decode()
            line = raw.decode()
        except UnicodeDecodeError:
            pass
        size = len(line.encode())
        if size > LINE_BYTES_MAX:
            raise ValueError(f"{field} makes a message of {size} bytes; at most {LINE_BYTES_MAX} was expected")
    return line.encode()


class Channel:
    """Threads: say() may be called from any; lines() from one."""

    def __init__(self, read_fd, write_fd):
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._lock = threading.Lock()

    @classmethod
    def on_standard_streams(cls):
        """Takes standard input and output for itself. What the process or its children print to standard output
        from now on goes to standard error, and nobody else can read the worker's messages."""
        read_fd, write_fd = os.dup(0), os.dup(1)
        sys.stdout.flush()
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)
        return cls(read_fd, write_fd)

    def lines(self):
        """Each whole line, without its end, until the input ends."""
        rest = b""
        # Not through sys.stdin: a thread that waits in its buffer would disturb the end of the interpreter.
        while chunk := os.read(self._read_fd, 65536):
            *whole, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
            yield from whole

    def say(self, message, field="message"):
        data = encode(message, field) + b"\n"
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._write_fd, data):]
            except BrokenPipeError:
                # Nobody listens: what still runs could not be reported, and open transactions are rolled back.
                os._exit(1)
