"""Sends Kuma's tasks from Python, by name: nothing of the application is imported, only the broker is shared.

    TASKS_BROKER_URL=redis://localhost:6379/0 /usr/bin/python3 producer.py
"""
import os

from celery import Celery

url = os.environ["TASKS_BROKER_URL"]
app = Celery("kuma", broker=url, backend=url)

print("2 + 3 =", app.send_task("kuma.add", (2, 3)).get(timeout=10))

slug = "Web/CSS"
rendered = app.send_task("kuma.wiki.render_document", kwargs={"slug": slug}, queue="mdn_wiki")
print("rendered revision", rendered.get(timeout=30))

try:
    app.send_task("kuma.wiki.move_page", ("No/Such/Page", "Web/New", "you@example.org"), queue="mdn_wiki").get(timeout=30)
except Exception as error:  # its class has the name that the error has in Node
    print(type(error).__name__, error)
