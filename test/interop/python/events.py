"""Celery's own monitor: each event it hears, and what it then knows of the task or the worker, one line of JSON each."""
import json

from project import app

state = app.events.State()


def known(event):
    task = state.tasks.get(event.get("uuid"))
    worker = state.workers.get(event["hostname"])
    return {
        "event": event,
        "task": task and {"state": task.state, "name": task.name, "args": task.args, "result": task.result, "runtime": task.runtime},
        "worker": worker and {"alive": worker.alive, "active": worker.active, "processed": worker.processed, "software": worker.sw_ident},
    }


def hear(event):
    state.event(event)
    print(json.dumps(known(event)), flush=True)


with app.connection() as connection:
    app.events.Receiver(connection, handlers={"*": hear}).capture(limit=None, timeout=None, wakeup=True)
