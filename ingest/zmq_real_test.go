package ingest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/google/go-cmp/cmp"
)

// What people paste, with Debian's pyzmq (libzmq 4.3).
const zmqSenders = `
import json, logging, logging.handlers, queue, sys, time
import zmq, zmq.log.handlers
kind, where = sys.argv[1:3]
ctx = zmq.Context()
log = logging.getLogger("shop.orders")
log.setLevel(logging.DEBUG)

class ZeroMQHandler(logging.handlers.QueueHandler):
    def enqueue(self, record):
        self.queue.send_json(record.__dict__)

if kind == "pubhandler":                      # we connect to it
    pub = ctx.socket(zmq.XPUB)
    port = pub.bind_to_random_port("tcp://127.0.0.1")
    print("tcp://127.0.0.1:%d" % port, flush=True)
    assert pub.recv() == b"\x01"              # our subscription
    h = zmq.log.handlers.PUBHandler(pub)
    h.root_topic = "app"
    log.addHandler(h)
    log.info("started")
    log.error("db::no connection")            # a subtopic
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("it broke")
elif kind == "pubhandler-connects":           # we are bound
    pub = ctx.socket(zmq.XPUB)
    pub.connect(where)
    assert pub.recv() == b"\x01"
    h = zmq.log.handlers.PUBHandler(pub)
    log.addHandler(h)
    log.warning("h\u00e9llo")
elif kind == "push-handler":                  # a PUBHandler over PUSH
    push = ctx.socket(zmq.PUSH)
    push.connect(where)
    log.addHandler(zmq.log.handlers.PUBHandler(push))
    log.critical("over PUSH")
elif kind == "queuehandler":
    push = ctx.socket(zmq.PUSH)
    push.connect(where)
    log.addHandler(ZeroMQHandler(push))
    log.info("%s costs %d", "tea", 3)
    log.warning("extra", extra={"user": {"id": 7}})
    try:
        raise ValueError("kaboom \u4e16\u754c")
    except ValueError:
        log.exception("failed")
elif kind == "dealer":
    s = ctx.socket(zmq.DEALER)
    s.identity = b"anna"
    s.connect(where)
    s.send(b"plain")
    s.send_multipart([b"", b"with an empty frame"])
elif kind == "req":
    s = ctx.socket(zmq.REQ)
    s.setsockopt(zmq.LINGER, 1000)
    s.connect(where)
    s.send(b"asked")
    assert s.poll(200) == 0                   # there is no answer
elif kind == "plain":
    s = ctx.socket(zmq.PUSH)
    s.plain_username, s.plain_password = sys.argv[3].encode(), sys.argv[4].encode()
    s.connect(where)
    s.send(b"with a password")
elif kind == "curve":
    s = ctx.socket(zmq.PUSH)
    s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
    s.curve_serverkey = zmq.curve_keypair()[0]
    s.setsockopt(zmq.LINGER, 0)
    s.connect(where)
    s.send(b"secret")
    time.sleep(float(sys.argv[3]))
elif kind == "heartbeats":
    s = ctx.socket(zmq.PUSH)
    s.setsockopt(zmq.HEARTBEAT_IVL, 20)
    s.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)
    monitor = s.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    s.connect(where)
    s.send(b"first")
    assert monitor.poll(1000) == 0            # 50 of our own PINGs, and as many as the input sends
    s.send(b"last")
elif kind == "plain-server":                  # which really asks
    import zmq.auth.thread
    auth = zmq.auth.thread.ThreadAuthenticator(ctx)
    auth.start()
    auth.configure_plain(domain="*", passwords={"app": "s3cret"})
    pub = ctx.socket(zmq.XPUB)
    pub.plain_server = True
    port = pub.bind_to_random_port("tcp://127.0.0.1")
    print("tcp://127.0.0.1:%d" % port, flush=True)
    assert pub.recv() == b"\x01"
    pub.send_multipart([b"t", b"let in"])
    sys.stdin.read()
    auth.stop()
if kind != "curve":
    ctx.destroy(linger=10000)
`

func sender(t *testing.T, f *zmqFixture, kind string, args ...string) {
	t.Helper()
	fatal(t, zmqPython(t, zmqSenders, append([]string{kind, "tcp://" + f.where()}, args...)...).Run())
}

// bound starts a sender that binds, and returns the endpoint to connect to.
func bound(t *testing.T, kind string) ZMQEndpoint {
	t.Helper()
	cmd := zmqPython(t, zmqSenders, kind, "")
	stdin, err := cmd.StdinPipe()
	fatal(t, err)
	out, err := cmd.StdoutPipe()
	fatal(t, err)
	fatal(t, cmd.Start())
	t.Cleanup(func() { stdin.Close(); _, _ = io.Copy(io.Discard, out); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	fatal(t, err)
	e, err := ParseZMQEndpoint(strings.TrimSpace(line))
	fatal(t, err)
	return e
}

func TestZMQPubHandler(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Bind, cfg.Endpoints = false, []ZMQEndpoint{bound(t, "pubhandler")} })
	want := []string{ // its own formatters say where they were called, and what exc_info is, except for INFO
		`app\.INFO\|info\|started`,
		`app\.ERROR\.db\|err\|ERROR <string>:\d+ - no connection - None`,
		`(?s)app\.ERROR\|err\|ERROR <string>:\d+ - it broke - .*\nTraceback .*division by zero`,
	}
	for i, line := range f.sink.wait(t, 3) {
		if !regexp.MustCompile("^" + want[i]).MatchString(line) {
			t.Errorf("got %q, want %s", line, want[i])
		}
	}
}

func TestZMQPubHandlerConnects(t *testing.T) {
	f := runZMQ(t, nil)
	sender(t, f, "pubhandler-connects")
	if got := f.sink.wait(t, 1); !strings.HasSuffix(got[0], " - héllo") || !strings.HasPrefix(got[0], "WARNING|warning|") {
		t.Errorf("got %q", got)
	}
	if string(f.sink.last.AppName) != "WARNING" {
		t.Errorf("app_name is %s", f.sink.last.AppName)
	}
}

func TestZMQPushers(t *testing.T) {
	f := runZMQ(t, pull)
	sender(t, f, "push-handler")
	if got := f.sink.wait(t, 1); !strings.HasSuffix(got[0], " - over PUSH") || !strings.HasPrefix(got[0], "CRITICAL|crit|") {
		t.Errorf("got %q", got)
	}
	sender(t, f, "queuehandler")
	got := f.sink.wait(t, 4)[1:]
	got[2], _, _ = strings.Cut(got[2], "\n")
	want := []string{"shop.orders|info|tea costs 3", "shop.orders|warning|extra", "shop.orders|err|failed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sender(t, f, "heartbeats")
	if got := f.sink.wait(t, 6)[4:]; !slices.Equal(got, []string{"|info|first", "|info|last"}) {
		t.Errorf("got %q", got)
	}
	if n := f.Counters().Messages.Load(); n != 6 {
		t.Errorf("%d messages", n)
	}
}

// libzmq answers our PINGs though we greet it with 3.0, so that a peer that is alive is not given up.
func TestZMQAsksLibzmq(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { pull(cfg); cfg.KeepAlive = 100 * time.Millisecond })
	sender(t, f, "heartbeats")
	f.sink.wait(t, 2)
	f.stop()
	if strings.Contains(f.logs.String(), "cut off") {
		t.Errorf("the log says\n%s", f.logs)
	}
}

func TestZMQRouterPeers(t *testing.T) {
	f := runZMQ(t, func(cfg *ZMQConfig) { cfg.Socket = ZMQRouter })
	sender(t, f, "dealer")
	f.sink.wait(t, 2)
	sender(t, f, "req")
	want := []string{"|info|plain", "|info|with an empty frame", "|info|asked"}
	if diff := cmp.Diff(want, f.sink.wait(t, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A program whose password was wrong here gets in as soon as it is right: it went on trying.
func TestZMQPlainPeers(t *testing.T) {
	f := runZMQ(t, withPlain)
	where := f.where()
	cmd := zmqPython(t, zmqSenders, "plain", "tcp://"+where, "app", "other")
	fatal(t, cmd.Start())
	f.logs.wait(t, "wrong user or password")
	f.stop()
	if got := f.sink.wait(t, 0); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	f = runZMQ(t, func(cfg *ZMQConfig) {
		withPlain(cfg)
		cfg.Plain.Password = "other"
		e, err := ParseZMQEndpoint("tcp://" + where)
		fatal(t, err)
		cfg.Endpoints = []ZMQEndpoint{e}
	})
	f.sink.wait(t, 1)
	fatal(t, cmd.Wait())
}

func TestZMQPlainServer(t *testing.T) {
	e := bound(t, "plain-server")
	refused := runZMQ(t, func(cfg *ZMQConfig) {
		cfg.Bind, cfg.Plain, cfg.Endpoints = false, &ZMQPlain{"app", "wrong"}, []ZMQEndpoint{e}
	})
	refused.logs.wait(t, `the peer refuses us: \"400\"`)
	f := runZMQ(t, func(cfg *ZMQConfig) {
		cfg.Bind, cfg.Plain, cfg.Endpoints = false, &ZMQPlain{"app", "s3cret"}, []ZMQEndpoint{e}
	})
	if got := f.sink.wait(t, 1); got[0] != "t|info|let in" {
		t.Errorf("got %q", got)
	}
}

func TestZMQCurvePeer(t *testing.T) {
	f := runZMQ(t, pull)
	cmd := zmqPython(t, zmqSenders, "curve", "tcp://"+f.where(), "60")
	fatal(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	f.logs.wait(t, "the peer wants CURVE, which is not spoken here")
}

// The library itself as a peer, which speaks 3.0.
func TestZMQLibraryPeer(t *testing.T) {
	f := runZMQ(t, pull)
	push := zmq4.NewPush(t.Context())
	defer push.Close()
	fatal(t, push.Dial("tcp://"+f.where()))
	for i := range 100 {
		fatal(t, push.Send(zmq4.NewMsgString(fmt.Sprint("message ", i))))
	}
	if got := f.sink.wait(t, 100); got[99] != "|info|message 99" {
		t.Errorf("got %q", got[99])
	}
}

// uWSGI's own logger, in a plugin of Debian's uwsgi-core.
func TestZMQUWSGI(t *testing.T) {
	const uwsgi = "/usr/bin/uwsgi-core"
	if _, err := os.Stat(uwsgi); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("this needs uwsgi-core")
		}
		t.Skip("apt-get install uwsgi-core")
	}
	for _, over := range []string{"tcp", "ipc"} {
		t.Run(over, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			f := runZMQ(t, func(cfg *ZMQConfig) {
				pull(cfg)
				if over == "ipc" {
					cfg.Endpoints = []ZMQEndpoint{{"unix", path}}
				}
			})
			cmd := exec.CommandContext(t.Context(), uwsgi, "--plugins", "logzmq,ping", "--logger", "zeromq:"+over+"://"+f.where(), "--socket", filepath.Join(t.TempDir(), "u"), "--die-on-term")
			cmd.Stderr = os.Stderr
			fatal(t, cmd.Start())
			got := f.sink.wait(t, 5)
			fatal(t, cmd.Process.Signal(os.Interrupt))
			_ = cmd.Wait()
			for _, line := range got {
				if strings.HasSuffix(line, "\n") || !strings.HasPrefix(line, "|info|") {
					t.Errorf("got %q", line)
				}
			}
		})
	}
}
