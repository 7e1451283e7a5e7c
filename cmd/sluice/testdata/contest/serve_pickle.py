# The log server of the logging cookbook, with a WatchedFileHandler.
import logging.handlers
import pickle
import socketserver
import struct
import sys

address, out = sys.argv[1:]
handler = logging.handlers.WatchedFileHandler(out)
handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
logging.getLogger().addHandler(handler)


class LogRecords(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(4)) == 4:
            record = logging.makeLogRecord(pickle.loads(self.rfile.read(struct.unpack(">L", head)[0])))
            logging.getLogger(record.name).handle(record)


host, port = address.rsplit(":", 1)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((host, int(port)), LogRecords).serve_forever()
