"""What real Celery makes of schedules: a JSON list of questions on stdin, a JSON list of answers on stdout. Times are milliseconds, UTC."""
import json
import sys
from datetime import datetime, timedelta

import pytz
from celery import Celery
from celery.schedules import crontab, schedule

app = Celery(set_as_current=False)


def moment(ms, zone):
    return (datetime(1970, 1, 1, tzinfo=pytz.utc) + timedelta(milliseconds=ms)).astimezone(zone)


def ms(when):
    return round((when - datetime(1970, 1, 1, tzinfo=pytz.utc)) / timedelta(milliseconds=1))


def answer(question):
    zone = pytz.timezone(question["timezone"])
    last = moment(question["last"], zone)
    now = moment(question.get("now", question["last"]), zone)
    app.conf.timezone = question["timezone"]
    try:
        if "every" in question:
            made = schedule(question["every"], relative=question["relative"], nowfun=lambda: now, app=app)
            return {"next": ms(now + made.remaining_estimate(last))}
        made = crontab(**question["crontab"], nowfun=lambda: now, app=app)
    except Exception as error:  # the answer tells what was raised
        return {"error": repr(error)}
    fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
    at_last = crontab(**question["crontab"], nowfun=lambda: last, app=app)
    return {
        "fields": {name: sorted(getattr(made, name)) for name in fields},
        "next": ms(last + at_last.remaining_estimate(last)),
        "is_due": made.is_due(last).is_due,
    }


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
