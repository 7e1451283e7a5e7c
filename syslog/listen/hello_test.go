package listen

import (
	"strings"
	"testing"
	"time"

	"sluice/syslog"
)

// FuzzFirstBytes sends a stream in two pieces to a plain port. Where it was cut decides nothing: what begins as TLS does is
// refused whole, and everything else is read as a Framer reads it.
func FuzzFirstBytes(f *testing.F) {
	for _, s := range []string{"", "\x16", "\x16\x03", "\x16\x03\x01\x02\x00\x01", "\x16x\n", "<13>a\n<13>b\n", "12 <13>\x16\x03abcde", "\x00\x16\x03\n"} {
		for _, at := range []uint16{0, 1, 2, 7} {
			f.Add([]byte(s), at)
		}
	}
	l := run(f, testConfig(f, syslog.TCP))
	f.Fuzz(func(t *testing.T, stream []byte, at uint16) {
		if len(stream) > 4096 {
			return
		}
		l.sink.mu.Lock()
		l.sink.lines = nil
		l.sink.mu.Unlock()
		first, rest := stream[:min(int(at), len(stream))], stream[min(int(at), len(stream)):]
		conn := rawDial(t, l)
		_, _ = conn.Write(first)
		_, _ = conn.Write(rest)
		_ = conn.CloseWrite()
		end := closed(conn)
		eventually(t, "the connection is gone", func() bool { return l.Counters().Connections.Load() == 0 })
		l.sink.mu.Lock()
		got := len(l.sink.lines)
		l.sink.mu.Unlock()
		if strings.HasPrefix(string(stream), helloStart) {
			if got != 0 || end == "data" {
				t.Errorf("%d messages, closed with %s", got, end)
			}
			return
		}
		if want := frames(stream); end != "FIN" || got != want {
			t.Errorf("%d messages, want %d; closed with %s", got, want, end)
		}
	})
}

// frames is how many frames of a stream are messages.
func frames(stream []byte) (n int) {
	framer := syslog.Framer{Max: DefaultOptions().MaxMessageSize}
	parser := syslog.NewParser(syslog.DefaultParseOptions(), time.UTC)
	parser.SetNow(time.Now())
	for more := syslog.MayFollow; ; {
		frame, k, _ := framer.Next(stream, more)
		stream = stream[k:]
		switch {
		case frame != nil:
			if parser.Parse(new(syslog.Message), frame, &syslog.Origin{}) {
				n++
			}
		case more == syslog.EOF:
			return n
		default:
			more = syslog.EOF
		}
	}
}
