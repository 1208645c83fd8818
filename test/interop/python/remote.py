"""A program under remote control: one command a line on stdin, one answer a line on stdout, both JSON. The other end is remote.ts."""
import json
import os
import sys
import threading
import traceback

writing = threading.Lock()


def write(document):
    with writing:
        line = json.dumps(document, default=repr).encode() + b"\n"
        while line:
            line = line[os.write(1, line):]


def answer(request, commands):
    try:
        write({"id": request["id"], "value": commands[request["command"]](**request["arguments"])})
    except Exception:  # a test that asks for something wrong must hear of it
        write({"id": request["id"], "failure": traceback.format_exc()})


def requests(revive=None):
    """As they come; `revive` is the object hook of their JSON."""
    write({"ready": True})
    for line in sys.stdin:
        yield json.loads(line, object_hook=revive)


def serve(commands, revive=None):
    """Does one after the other what it is told, until its input ends. `commands` are functions by name."""
    for request in requests(revive):
        answer(request, commands)
