"""What Flower 2.1 does at a broker, by the same calls of Celery: its inspector, its thread of events with Celery's state, its buttons."""
import threading

from celery.events import EventReceiver
from celery.events.state import State

from project import app
from remote import serve

state = State(max_workers_in_memory=5000, max_tasks_in_memory=100_000)
heard = []


def capture():
    """flower/events.py: all of them into the state, with a heartbeat asked for at the start (`wakeup`)."""

    def hear(event):
        heard.append(event["type"])
        state.event(event)

    with app.connection() as connection:
        EventReceiver(connection, handlers={"*": hear}, app=app).capture(limit=None, timeout=None, wakeup=True)


def replay(requests, timeout=10):
    """Sends what Flower was seen to send, one after the other: the answers of each, by node, or None where it wanted none."""
    answers = []
    for request in requests:
        wants = "ticket" in request
        replies = app.control.broadcast(
            request["method"],
            arguments=request["arguments"],
            destination=request["destination"],
            pattern=request["pattern"],
            matcher=request["matcher"],
            reply=wants,
            timeout=timeout,
            limit=1 if wants else None,
        )
        answers.append({node: value for reply in replies for node, value in reply.items()} if wants else None)
    return answers


def workers():
    """The page of workers: of each what its events tell."""
    return {
        name: {
            "alive": worker.alive,
            "active": worker.active,
            "processed": worker.processed,
            "loadavg": worker.loadavg,
            "sw_ident": worker.sw_ident,
            "pid": worker.pid,
            "heartbeats": len(worker.heartbeats),
        }
        for name, worker in state.workers.items()
    }


def task(id):
    """The page of a task: `task.as_dict()`, and the name of its worker."""
    found = state.tasks.get(id)
    return found and {**found.as_dict(), "worker": found.worker and found.worker.hostname}


def counts():
    """What its counters count: events by type."""
    return {type: heard.count(type) for type in set(heard)}


def revoke(id, terminate, signal):
    """POST /api/task/revoke/ID?terminate=true&signal=SIGTERM"""
    app.control.revoke(id, terminate=terminate, signal=signal)


def grow(node, n):
    """POST /api/worker/pool/grow/NODE?n=N"""
    return app.control.pool_grow(n=n, reply=True, destination=[node])


def consume(node, queue):
    """POST /api/worker/queue/add-consumer/NODE?queue=QUEUE"""
    return app.control.broadcast("add_consumer", arguments={"queue": queue}, destination=[node], reply=True)


def time_limit(node, name, hard, soft):
    """POST /api/task/timeout/NAME"""
    return app.control.time_limit(name, hard=hard, soft=soft, reply=True, destination=[node])


def rate_limit(node, name, rate):
    """POST /api/task/rate-limit/NAME"""
    return app.control.rate_limit(name, rate, reply=True, destination=[node])


def shut_down(node):
    """POST /api/worker/shutdown/NODE"""
    app.control.broadcast("shutdown", destination=[node])


threading.Thread(target=capture, daemon=True).start()
serve({f.__name__: f for f in (replay, workers, task, counts, revoke, grow, consume, time_limit, rate_limit, shut_down)})
