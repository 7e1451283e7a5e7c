# One record, as a SocketHandler sends it.
import logging.handlers
import sys

record = logging.LogRecord("shop.orders", logging.INFO, "/srv/shop/orders.py", 47, "order %s of %s for %d items", ("A-1047", "alice", 3), None, "place")
sys.stdout.buffer.write(logging.handlers.SocketHandler("localhost", 0).makePickle(record))
