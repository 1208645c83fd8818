"""What Python's Celery makes of a message: one line of base64 in, one line of JSON out.

The way of a worker from the bytes in the list to the call of the task: kombu's Redis transport, Celery's strategy, its Request.
"""

import base64
import json
import sys

from celery import Celery
from celery.worker.request import Request
from celery.worker.strategy import hybrid_to_proto2, proto1_to_proto2
from kombu import Connection
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

sys.setrecursionlimit(1000)
app = Celery("fuzz", broker="memory://", set_as_current=True)
channel = Connection("memory://").channel()


@app.task(name="fuzz.note")
def note(*args, **kwargs):
    pass


def judge(raw):
    message = channel.message_to_python(loads(bytes_to_str(raw)))
    message.accept = {"application/json"}
    early = None
    try:
        name = message.headers["task"]
    except KeyError:
        early = message.decode()
        name = early["task"]
    if early is None and "args" not in message.payload:
        body, headers, decoded, utc = message.body, message.headers, False, True
    elif "args" in message.payload:
        body, headers, decoded, utc = hybrid_to_proto2(message, message.payload)
    else:
        body, headers, decoded, utc = proto1_to_proto2(message, early)
    if not isinstance(name, str):
        raise KeyError(name)  # no such task
    request = Request(
        message, app=app, hostname="fuzz", task=note, connection_errors=(), body=body, headers=headers, decoded=decoded, utc=utc,
    )
    args, kwargs, embed = request._payload
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict):
        raise TypeError("no call")
    return {"ok": True, "id": request.id if isinstance(request.id, str) else None, "task": name, "args": json.dumps(args), "kwargs": json.dumps(kwargs)}


for line in sys.stdin:
    try:
        answer = json.dumps(judge(base64.b64decode(line)))
    except BaseException as error:
        answer = json.dumps({"ok": False, "why": type(error).__name__})
    sys.stdout.write(answer + "\n")
sys.stdout.flush()
