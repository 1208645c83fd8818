"""The Python half of the tests: an ordinary Celery application, with the tasks its workers run."""
import os
import time

from celery import Celery

from errors import PageLocked

url = os.environ["INTEROP_URL"]
folder = os.environ["INTEROP_FOLDER"]

app = Celery("project", broker=url, backend=url)
app.conf.update(
    task_default_queue="python",
    worker_hijack_root_logger=False,
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("INTEROP_VISIBILITY_TIMEOUT", 3600)),
        "global_keyprefix": os.environ.get("INTEROP_PREFIX", ""),
    },
)


def note(line):
    """One line of the ledger; an append of this size is one step for all processes."""
    with open(os.path.join(folder, "ledger"), "a", encoding="utf-8") as ledger:
        ledger.write(f"python {line}\n")


def wait_for(gate):
    while not os.path.exists(os.path.join(folder, gate)):
        time.sleep(0.005)


@app.task(name="py.add")
def add(x, y):
    return x + y


@app.task(name="py.echo")
def echo(*args, **kwargs):
    return [list(args), kwargs]


@app.task(name="py.types")
def types(*args):
    """What arrived, as Python sees it."""
    return [[type(arg).__name__, repr(arg)] for arg in args]


@app.task(name="py.now")
def now():
    """Milliseconds since 1970."""
    return time.time() * 1000


@app.task(name="py.record")
def record(name):
    note(name)


@app.task(name="both.record")
def record_either(name):
    note(name)
    return "python"


@app.task(name="py.hold", track_started=True)
def hold(gate):
    note(f"{gate} begins")
    wait_for(gate)
    return gate


@app.task(name="both.now")
def now_either():
    return {"by": "python", "at": time.time() * 1000}


@app.task(name="both.hold", track_started=True)
def hold_either(gate):
    return hold(gate)


@app.task(name="py.fail")
def fail(kind, message):
    if kind == "PageLocked":
        raise PageLocked(message, "ann")
    raise {"ValueError": ValueError, "TypeError": TypeError, "KeyError": KeyError}[kind](message)


@app.task(name="py.progress", bind=True)
def progress(self, gate):
    for done in (1, 2):
        self.update_state(state="PROGRESS", meta={"done": done})
        wait_for(f"{gate}-{done}")
    return "all"


@app.task(name="py.flaky", bind=True, max_retries=3)
def flaky(self, gate):
    if self.request.retries == 0:
        raise self.retry(exc=ValueError("not yet"), countdown=0.05)
    wait_for(gate)
    return self.request.retries
