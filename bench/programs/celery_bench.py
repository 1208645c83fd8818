"""Python Celery: the worker's tasks, and a producer (`celery_bench.py awaited COUNT`)."""

import os
import sys
import time

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_RESULTS"])


@app.task(name="bench.noop")
def noop(*args):
    pass


@app.task(name="bench.ping")
def ping(sent):
    # Not sys.stdout: the worker turns what is printed there into log lines.
    os.write(1, b"started %d\n" % (time.monotonic_ns() - sent))


def send(count):
    for _ in range(count):
        noop.delay(1, "no-op")


if __name__ == "__main__":
    count = int(sys.argv[2])
    send(count // 10)
    began = time.perf_counter()
    send(count)
    print("took", time.perf_counter() - began)
