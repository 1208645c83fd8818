"""Celery's own command under remote control, several at a time.

Each command is the whole of it, in a process of its own; but they are forked from one that has loaded Celery already, and so start in
milliseconds.
"""
import os
import signal
import sys
import threading

from celery.app import backends, control, events  # noqa: F401  what every command would load
from celery.bin import celery
from kombu.transport import redis  # noqa: F401

from remote import answer, requests


def run(words):
    """Ends with the exit code of `celery WORDS`."""
    sys.argv = ["celery", *words]
    sys.stdin = open(os.devnull, encoding="utf-8")
    try:
        celery.main()
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def start(words):
    """Of a command that has begun: where its output comes from, and its process."""
    out, err = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # nothing outlives its test
        os.dup2(out[1], 1)
        os.dup2(err[1], 2)
        for end in (*out, *err):
            os.close(end)
        sys.stdout, sys.stderr = open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")
        code = 1
        try:
            code = run(words)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(out[1])
    os.close(err[1])
    return child, out[0], err[0]


def text(end):
    with open(end, encoding="utf-8") as pipe:
        return pipe.read()


def ended(child, out, err):
    return {"stdout": text(out), "stderr": text(err), "code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}


for request in requests():
    process = start(request["arguments"]["words"])
    threading.Thread(target=answer, args=(request, {"celery": lambda words, process=process: ended(*process)})).start()
