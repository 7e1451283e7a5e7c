# A PULL socket and a WatchedFileHandler.
import logging.handlers
import sys

import zmq

address, out = sys.argv[1:]
logger = logging.getLogger("zmq")
logger.setLevel(logging.INFO)
handler = logging.handlers.WatchedFileHandler(out)
handler.setFormatter(logging.Formatter("%(message)s"))
logger.addHandler(handler)

socket = zmq.Context().socket(zmq.PULL)
socket.bind("tcp://" + address)
while True:
    logger.info(socket.recv().decode())
