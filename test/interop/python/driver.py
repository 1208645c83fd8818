"""A Python producer under remote control.

Objects with one key that begins with $ stand for Python values that JSON has not: {"$datetime": "2024-02-29T12:30:00"}.
"""
import datetime
import decimal
import uuid

from celery import chain

import errors  # noqa: F401  an exception from a result is found only in modules that were imported
from project import app
from remote import serve

VALUES = {
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$uuid": uuid.UUID,
    "$decimal": decimal.Decimal,
}


def revive(found):
    if len(found) == 1:
        (key, value), = found.items()
        if key in VALUES:
            return VALUES[key](value)
    return found


def signature(spec):
    options = dict(spec.get("options") or {})
    for link in ("link", "link_error"):
        if link in spec:
            options[link] = signature(spec[link])
    return app.signature(spec["task"], args=spec.get("args") or [], kwargs=spec.get("kwargs") or {}, options=options)


def send(call):
    return {"id": signature(call).apply_async().id}


def send_chain(steps):
    result = chain(*map(signature, steps)).apply_async()
    ids = [result.id]
    while result.parent is not None:
        result = result.parent
        ids.insert(0, result.id)
    return {"ids": ids}


def get(id, timeout=10):
    try:
        return {"value": app.AsyncResult(id).get(timeout=timeout)}
    except Exception as error:  # the answer tells what was raised
        return {
            "error": {
                "type": type(error).__name__,
                "module": type(error).__module__,
                "bases": [base.__name__ for base in type(error).__mro__],
                "args": error.args,
                "text": str(error),
            }
        }


def state(id):
    result = app.AsyncResult(id)
    meta = result.backend.get_task_meta(id)
    return {
        "state": result.state,
        "info": result.info,
        "traceback": result.traceback,
        "children": [child.id for child in result.children or []],
        "stored": meta["status"] != "PENDING",
    }


serve({"send": send, "send_chain": send_chain, "get": get, "state": state}, revive)
