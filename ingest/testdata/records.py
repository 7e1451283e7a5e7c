"""Writes records.jsonl: LogRecords as the handlers that people paste send them, and what Python itself makes of them."""
import json, logging, sys, datetime, decimal, uuid

out = []
text = logging.Formatter("%(message)s")


class Capture(logging.Handler):
    """json.dumps(record.__dict__), before or after somebody has formatted the record."""

    how = "plain"

    def emit(self, record):
        if self.how == "queue":  # QueueHandler.prepare, then send_json
            import logging.handlers
            import queue

            record = logging.handlers.QueueHandler(queue.Queue()).prepare(record)
        before = dict(record.__dict__)
        if self.how == "formatted":
            text.format(record)
            before = dict(record.__dict__)
        want = text.format(record)
        if not before.get("exc_text") and isinstance(before.get("exc_info"), tuple):
            before["exc_text"] = record.exc_text  # the usual fix for "Object of type traceback is not JSON serializable"
            before["exc_info"] = None
        d = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        out.append({
            "how": self.how,
            "sent": json.dumps(before, default=str, ensure_ascii=self.how != "queue"),
            "message": want,
            "name": record.name,
            "level": record.levelno,
            "created": d.strftime("%Y-%m-%dT%H:%M:%S"),
            "process": str(record.process),
        })


handler = Capture()
root = logging.getLogger()
root.setLevel(1)
root.addHandler(handler)
log = logging.getLogger("shop.orders")


def fail():
    try:
        {}["köy"]
    except KeyError:
        log.exception("order %d failed", 17)


for handler.how in ("plain", "formatted", "queue"):
    log.info("plain words")
    log.debug("%s paid %.2f for %d items", "Zoë", 12.5, 3)
    log.warning("100%% of %s", "it")
    log.warning("100% sure")
    log.error("%(who)s from %(where)r", {"who": "anna", "where": "Łódź"})
    log.critical("list %s dict %s none %s", [1, "a'b", None], {"k": [True, 1.0]}, None)
    log.log(5, "below debug")
    log.log(35, "between")
    log.info({"event": "paid", "ok": True, "ratio": 1e-7})
    log.info(["a", 2])
    log.info(42)
    log.info("quote \" backslash \\ tab \t newline\nsecond line")
    log.info("emoji \U0001f600 and \u2028 separators \x7f")
    log.info("with extra", extra={"user": {"id": 7, "tags": ["a", "b"]}, "host": "shop.example", "ratio": float("nan"), "big": float("inf"), "when": datetime.date(2026, 11, 20), "price": decimal.Decimal("9.90"), "id": uuid.UUID(int=5)})
    log.info("stack", stack_info=True)
    fail()
    root.info("from root")
    logging.getLogger("a b").info("a name with a blank")
    log.info("x" * 500)
    log.info("%s", "")
    log.info("")
    log.info("%-10s|%5d|%05.1f|%x|%c|%r", "left", 42, 3.14159, 255, "z", "q")
    log.info("one dict arg %s", {"a": 1})

with open(sys.argv[1], "w", encoding="utf-8") as f:
    for o in out:
        f.write(json.dumps(o) + "\n")
