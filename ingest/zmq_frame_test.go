package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readZMQ gives the reader stream in pieces of a size, in a buffer that is never larger than it asks for, and says what
// came out.
func readZMQ(t testing.TB, max int, stream []byte, piece int) (out []string) {
	r := &zmqReader{max: max}
	var buf []byte
	for {
		at := 0
		for {
			n, err := r.next(buf[at:])
			if err != nil {
				return append(out, "error: "+err.Error())
			}
			if n == 0 {
				break
			}
			at += n
			for _, c := range r.commands {
				out = append(out, fmt.Sprintf("command %q", c))
			}
			if len(r.parts) > 0 {
				kept := 0
				for _, p := range r.parts {
					kept += len(p)
					if len(p) > max {
						t.Fatalf("a frame of %d bytes, of at most %d", len(p), max)
					}
				}
				if kept > max+zmqEnvelope || len(r.parts) > zmqParts {
					t.Fatalf("a message of %d frames and %d bytes", len(r.parts), kept)
				}
				cut := ""
				if r.cut {
					cut = " cut"
				}
				out = append(out, brief(r.parts)+cut)
			}
		}
		buf = append([]byte(nil), buf[at:]...)
		if len(buf) >= r.room() {
			t.Fatalf("with %d bytes at hand, nothing comes of them", len(buf))
		}
		if len(stream) == 0 {
			if len(buf) > 0 || r.midway() {
				out = append(out, "midway")
			}
			return out
		}
		k := min(piece, len(stream))
		buf, stream = append(buf, stream[:k]...), stream[k:]
	}
}

var zmqStreams = []struct {
	name, stream string
	want         []string
}{
	{"nothing", "", nil},
	{"a message", frame(0, "x"), []string{`"x"`}},
	{"an empty message", frame(0, ""), []string{`""`}},
	{"a topic and a message", frame(zmqMore, "t") + frame(0, "x"), []string{`"t" "x"`}},
	{"a long length for a short message", "\x02\x00\x00\x00\x00\x00\x00\x00\x01x", []string{`"x"`}},
	{"a PING", "\x04\x07\x04PING\x00\x00" + frame(0, "x"), []string{`command "\x04PING\x00\x00"`, `"x"`}},
	{"a PING between the frames of a message", frame(zmqMore, "t") + "\x04\x07\x04PING\x00\x00" + frame(0, "x"), []string{`command "\x04PING\x00\x00"`, `"t" "x"`}},
	{"half a head", "\x02\x00\x00", []string{"midway"}},
	{"half a frame", "\x00\x05ab", []string{"midway"}},
	{"half a message", frame(zmqMore, "t"), []string{"midway"}},
	{"as long as may be", frame(0, strings.Repeat("x", 100)) + frame(0, "y"), []string{`'x'*100`, `"y"`}},
	{"a byte longer", frame(0, strings.Repeat("x", 101)) + frame(0, "y"), []string{`'x'*100 cut`, `"y"`}},
	{"much longer", frame(0, strings.Repeat("x", 70000)) + frame(0, "y"), []string{`'x'*100 cut`, `"y"`}},
	{"longer, behind a topic", frame(zmqMore, "t") + frame(0, strings.Repeat("x", 300)) + frame(0, "y"), []string{`"t" 'x'*100 cut`, `"y"`}},
	{"longer, and more behind it", frame(zmqMore, strings.Repeat("t", 300)) + frame(zmqMore, "u") + "\x04\x07\x04PING\x00\x00" + frame(0, "x") + frame(0, "y"),
		[]string{`'t'*100 cut`, `command "\x04PING\x00\x00"`, `"y"`}},
	{"a frame too many", strings.Repeat(frame(zmqMore, ""), 70) + frame(0, "x") + frame(0, "y"), []string{strings.Repeat(`"" `, zmqParts) + "cut", `"y"`}},
	{"frames without end", strings.Repeat(frame(zmqMore, strings.Repeat("x", 90)), 1000), []string{"*", "midway"}},
	{"2^62 bytes", "\x02\x40\x00\x00\x00\x00\x00\x00\x00", []string{"error: a frame of 4611686018427387904 bytes"}},
	{"2^64-1 bytes", "\x02\xff\xff\xff\xff\xff\xff\xff\xff", []string{"error: a frame of 18446744073709551615 bytes"}},
	{"a huge command", "\x06\x00\x00\x00\x00\x00\x10\x00\x00", []string{"error: a command of 1048576 bytes"}},
	{"a command that is to go on", "\x05\x01x", []string{"error: a frame begins with 0x05, which no frame does"}},
	{"reserved flags", "GET / HTTP/1.1", []string{"error: a frame begins with 0x47, which no frame does"}},
	{"commands without end", frame(zmqMore, "t") + strings.Repeat("\x04\x00", 1000), []string{"error: 64 commands between the frames of one message"}},
}

func TestZMQReader(t *testing.T) {
	for _, c := range zmqStreams {
		t.Run(c.name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 1000, 1 << 20} {
				got := readZMQ(t, 100, []byte(c.stream), piece)
				if len(c.want) > 0 && c.want[0] == "*" && len(got) == 2 {
					got[0] = "*"
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("in pieces of %d (-want +got):\n%s", piece, diff)
				}
			}
		})
	}
}

// brief shows frames, long ones by their first byte and their length.
func brief(parts [][]byte) string {
	var words []string
	for _, p := range parts {
		if len(p) > 20 {
			words = append(words, fmt.Sprintf("%q*%d", p[0], len(p)))
		} else {
			words = append(words, fmt.Sprintf("%q", p))
		}
	}
	return strings.Join(words, " ")
}

// FuzzZMQReader: however a stream is cut into pieces, the same comes out, no more is kept than may be, and the reader
// always comes on.
func FuzzZMQReader(f *testing.F) {
	for _, c := range zmqStreams {
		f.Add([]byte(c.stream), uint16(3), uint16(100))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece, size uint16) {
		if len(stream) > 1<<16 {
			return
		}
		limit := 1 + int(size)%1000
		whole := readZMQ(t, limit, bytes.Clone(stream), len(stream)+1)
		pieces := readZMQ(t, limit, stream, 1+int(piece))
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("(-whole +pieces):\n%s", diff)
		}
		for _, line := range whole {
			if c, ok := strings.CutPrefix(line, "command "); ok {
				_, _ = appendZMQAnswer(nil, []byte(c))
			}
		}
	})
}
