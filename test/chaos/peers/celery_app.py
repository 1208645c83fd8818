"""The application under test for Python's Celery: the same tasks as stage/app.ts, and the same lines in the ledger."""

import os
import time

from celery import Celery

app = Celery("system", broker=os.environ["CHAOS_URL"], backend=os.environ["CHAOS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": float(os.environ["CHAOS_LEASE"])},
)
ledger = os.open(os.environ["SYSTEM_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
# The witness knows a worker by the leader of its group; Celery's children are of it.
worker = os.getpgid(0)


def note(kind, task):
    at = time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e6
    os.write(ledger, f"{kind} {task.request.id} {task.request.retries} {worker} {at:.3f}\n".encode())


@app.task(name="system.sleep", bind=True)
def sleep(self, ms):
    note("S", self)
    time.sleep(ms / 1000)
    note("D", self)
    return worker


@app.task(name="system.block", bind=True)
def block(self, ms):
    note("S", self)
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pause = time.monotonic() + 0.02
        while time.monotonic() < pause:
            pass
        time.sleep(0.08)
    note("D", self)
    return worker
