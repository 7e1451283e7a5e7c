package syslog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// frames feeds a stream to a Framer in the given pieces and returns what it cut, marked with what was guessed. A piece
// of "…" stands for 100 ms of silence.
func frames(f *Framer, pieces ...string) []string {
	var buf []byte
	got := []string{}
	drain := func(more More) {
		for {
			frame, n, guess := f.Next(buf, more)
			if frame != nil {
				s := string(frame)
				for _, w := range guess.Words() {
					s += " [" + w + "]"
				}
				got = append(got, s)
			}
			buf = buf[n:]
			if frame == nil {
				return
			}
		}
	}
	for _, piece := range pieces {
		if piece == "…" {
			if f.Quiet() {
				drain(Silence)
			}
			continue
		}
		buf = append(buf, piece...)
		drain(MayFollow)
	}
	drain(EOF)
	return got
}

var framingCases = []struct {
	name    string
	framing Framing
	max     int
	stream  string
	want    []string
}{
	{"newlines", AutoFraming, 0, "<13>a\n<13>b\n", []string{"<13>a", "<13>b"}},
	{"CR LF", AutoFraming, 0, "<13>a\r\n\r\n<13>b\r\n", []string{"<13>a", "<13>b"}},
	{"no newline at the end", AutoFraming, 0, "<13>a\n<13>b", []string{"<13>a", "<13>b"}},
	{"empty frames", AutoFraming, 0, "\n\n\n<13>a\n\n\r\n", []string{"<13>a"}},
	{"octet counts", AutoFraming, 0, "5 <13>a5 <13>b", []string{"<13>a", "<13>b"}},
	{"a newline in a counted frame", AutoFraming, 0, "7 <13>a\nb5 <13>c", []string{"<13>a\nb", "<13>c"}},
	{"a newline behind each counted frame", AutoFraming, 0, "5 <13>a\n5 <13>b\n", []string{"<13>a", "<13>b"}},
	{"leading zeros in a count", AutoFraming, 0, "0005 <13>a<13>b\n", []string{"<13>a", "<13>b"}},
	{"counts and newlines alternate", AutoFraming, 0, "<13>a\n5 <13>b<13>c\n5 <13>d", []string{"<13>a", "<13>b", "<13>c", "<13>d"}},
	{"a count of zero", AutoFraming, 0, "0 <13>a\n", []string{"<13>a"}},
	{"a number is a line", AutoFraming, 0, "2023 report ready\n12345\n7\n", []string{"2023 report ready", "12345", "7"}},
	{"a count with eight digits is a line", AutoFraming, 0, "00000005 <13>a\n", []string{"00000005 <13>a"}},
	{"a count above 1 MiB is a line", AutoFraming, 0, "1048577 <13>a\n<13>b\n", []string{"1048577 <13>a", "<13>b"}},
	{"an incomplete counted frame at the end", AutoFraming, 0, "9 <13>abc", []string{"<13>abc [an incomplete frame]"}},
	{"only a number at the end", AutoFraming, 0, "<13>a\n12", []string{"<13>a", "12"}},
	{"NULs", AutoFraming, 0, "<14>a\x00<14>b\x00", []string{"<14>a", "<14>b"}},
	{"a traceback after a NUL", AutoFraming, 0, "<14>a\x00<11>Traceback:\n  File\nValueError\x00<14>c\x00", []string{"<14>a", "<11>Traceback:\n  File\nValueError", "<14>c"}},
	{"a newline ends a frame before the first NUL", AutoFraming, 0, "<14>a\nb\x00<14>c\nd\x00", []string{"<14>a", "b", "<14>c\nd"}},
	{"a stray NUL does not blind a relay", AutoFraming, 0, "<13>a\x00\n<13>b\n<13>c\n5 <13>d<13>e\n", []string{"<13>a", "<13>b", "<13>c", "<13>d", "<13>e"}},
	{"a newline before something like a PRI", AutoFraming, 0, "<1>a\x00<1>b\n<1234>c\n<x\n<13>d\x00", []string{"<1>a", "<1>b\n<1234>c\n<x", "<13>d"}},
	{"a NUL right behind a newline", AutoFraming, 0, "<1>a\x00<1>b\n\x00<1>c\n\x00", []string{"<1>a", "<1>b", "<1>c"}},
	{"too long for a line", AutoFraming, 8, "<13>" + strings.Repeat("a", 200) + "\n<13>b\n", []string{"<13>aaaa [cut at max_message_size]", "<13>b"}},
	{"too long and never ending", AutoFraming, 8, "<13>" + strings.Repeat("a", 200), []string{"<13>aaaa [cut at max_message_size]"}},
	{"a little too long", AutoFraming, 8, "<13>aaaaB\n<13>b\n", []string{"<13>aaaa [cut at max_message_size]", "<13>b"}},
	{"just long enough", AutoFraming, 8, "<13>aaaa\n<13>bbbb\r\n<13>c\n", []string{"<13>aaaa", "<13>bbbb", "<13>c"}},
	{"too long for a counted frame", AutoFraming, 8, "204 <13>" + strings.Repeat("\n", 200) + "5 <13>b", []string{"<13>\n\n\n\n [cut at max_message_size]", "<13>b"}},
	{"too long with an octet count in the part that goes", AutoFraming, 8, "<13>" + strings.Repeat("7 <13>xyz", 20) + "\n<13>b\n", []string{"<13>7 <1 [cut at max_message_size]", "<13>b"}},
	{"too long after a NUL", AutoFraming, 8, "<1>a\x00<1>" + strings.Repeat("b\n", 100) + "<1>c\x00", []string{"<1>a", "<1>b\nb\nb [cut at max_message_size]", "<1>c"}},
	{"octet_counted keeps garbage as lines", OctetCounted, 0, "5 <13>agarbage\n5 <13>b", []string{"<13>a", "garbage", "<13>b"}},
	{"newline takes counts for text", NewlineFramed, 0, "5 <13>a\n\x00b\n", []string{"5 <13>a", "\x00b"}},
	{"nul takes newlines for text", NULFramed, 0, "<13>a\nb\x00c\n\x00", []string{"<13>a\nb", "c\n"}},
	{"none cuts before headers", Unframed, 0, "<13>1 2026-11-20T15:17:52Z h a - - - x <3> y<14>Nov 20 15:17:52 h b: z<13>2026-11-20T15:17:52Z h c: w<99>no", []string{
		"<13>1 2026-11-20T15:17:52Z h a - - - x <3> y", "<14>Nov 20 15:17:52 h b: z", "<13>2026-11-20T15:17:52Z h c: w<99>no"}},
}

func (f Framing) framer(limit int) *Framer {
	if limit == 0 {
		limit = 1 << 16
	}
	return &Framer{Framing: f, Max: limit}
}

// Every stream must give the same frames however it is cut into reads.
func TestFraming(t *testing.T) {
	for _, c := range framingCases {
		t.Run(c.name, func(t *testing.T) {
			check := func(how string, pieces ...string) {
				t.Helper()
				if diff := cmp.Diff(c.want, frames(c.framing.framer(c.max), pieces...)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
			check("whole", c.stream)
			check("byte by byte", strings.Split(c.stream, "")...)
			for i := range c.stream {
				check(fmt.Sprintf("split at %d", i), c.stream[:i], c.stream[i:])
			}
		})
	}
}

func TestFramingSilence(t *testing.T) {
	for _, c := range []struct {
		name    string
		framing Framing
		pieces  []string
		want    []string
	}{
		{"a newline with nothing behind it", AutoFraming, []string{"<1>a\x00", "<1>b\n", "…", "c\x00"}, []string{"<1>a", "<1>b", "c"}},
		{"half a traceback", AutoFraming, []string{"<1>a\x00", "<1>b\n  c", "…", "\nd\x00"}, []string{"<1>a", "<1>b\n  c\nd"}},
		{"half a PRI", AutoFraming, []string{"<1>a\x00", "<1>b\n<1", "…", "3>c\n"}, []string{"<1>a", "<1>b", "<13>c"}},
		{"none ends with the silence", Unframed, []string{"<1>1 2026-11-20T15:17:52Z a", "…", "b"}, []string{"<1>1 2026-11-20T15:17:52Z a", "b"}},
		{"none, too long, ends with the silence", Unframed, []string{"<1>1 2026-11-20T15:17:52Z " + strings.Repeat("a", 1<<16), "…", "<1>1 2026-11-20T15:17:52Z b"}, []string{
			"<1>1 2026-11-20T15:17:52Z " + strings.Repeat("a", 1<<16-26) + " [cut at max_message_size]", "<1>1 2026-11-20T15:17:52Z b"}},
		{"a line needs no silence", AutoFraming, []string{"<13>a", "…", "b\n"}, []string{"<13>ab"}},
		{"a count needs no silence", AutoFraming, []string{"6 <13>a", "…", "b"}, []string{"<13>ab"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, frames(c.framing.framer(0), c.pieces...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzFraming holds what must be true of any stream: the way it is cut into reads changes nothing, no frame is longer
// than the maximum, and a buffer of Room bytes is always enough.
func FuzzFraming(f *testing.F) {
	for _, c := range framingCases {
		f.Add(uint8(c.framing), 16, uint16(3), []byte(c.stream))
	}
	f.Fuzz(func(t *testing.T, framing uint8, limit int, split uint16, stream []byte) {
		mode := Framing(framing % uint8(len(framings)))
		limit = 1 + int(uint(limit)%100)
		whole := frames(mode.framer(limit), string(stream))
		at := 0
		if len(stream) > 0 {
			at = int(split) % len(stream)
		}
		if diff := cmp.Diff(whole, frames(mode.framer(limit), string(stream[:at]), string(stream[at:]))); diff != "" {
			t.Errorf("split at %d (-whole +split):\n%s", at, diff)
		}
		fr := mode.framer(limit)
		for buf := stream; len(buf) > 0; {
			window := buf[:min(len(buf), fr.Room())]
			frame, n, _ := fr.Next(window, MayFollow)
			if len(frame) > limit {
				t.Fatalf("a frame of %d bytes, limit %d", len(frame), limit)
			}
			if n == 0 {
				if len(window) == fr.Room() {
					t.Fatalf("no progress in %d bytes", len(window))
				}
				break
			}
			buf = buf[n:]
		}
	})
}

// The time for a stream grows with its length only, whatever ends its frames.
func BenchmarkFraming(b *testing.B) {
	for _, c := range []struct{ name, first, frame string }{
		{"newline", "", "<13>" + strings.Repeat("a", 195) + "\n"},
		{"counted", "", "200 <13>" + strings.Repeat("a", 196)},
		{"nul", "", "<13>" + strings.Repeat("a", 195) + "\x00"},
		{"newline after a NUL", "<13>a\x00", "<13>" + strings.Repeat("a", 195) + "\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			stream := []byte(c.first + strings.Repeat(c.frame, 600))
			for n := 0; n < b.N; n += 600 {
				f, buf := AutoFraming.framer(0), stream
				for frame := stream; frame != nil; {
					var k int
					frame, k, _ = f.Next(buf, MayFollow)
					buf = buf[k:]
				}
			}
		})
	}
}
