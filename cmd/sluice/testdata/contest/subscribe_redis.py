# What pyzog does: one subscriber, a WatchedFileHandler for each channel.
import logging.handlers
import sys

import redis

address, out = sys.argv[1:]
loggers = {}


def logger_of(channel):
    if channel not in loggers:
        logger = loggers[channel] = logging.getLogger(channel)
        logger.setLevel(logging.INFO)
        handler = logging.handlers.WatchedFileHandler(out + "." + channel)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    return loggers[channel]


host, port = address.rsplit(":", 1)
subscription = redis.Redis(host, int(port)).pubsub()
subscription.psubscribe("req.*")
for event in subscription.listen():
    if event["type"] == "pmessage":
        logger_of(event["channel"].decode()).info(event["data"].decode())
