package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sendCases = []struct {
	name    string
	network string
	args    string // split at blanks; _ stands for one inside a word
	stdin   string
	want    []string // datagrams, or the bytes of the stream
	out     string   // TO stands for the URL, N and S for what the clock decides
}{
	{"a word", "unixgram", "hello", "", []string{"<13>Nov  5 15:17:52 alice: hello"}, "sent <13>Nov  5 15:17:52 alice: hello to TO\n"},
	{"several words", "unixgram", "disk is full", "", []string{"<13>Nov  5 15:17:52 alice: disk is full"}, ""},
	{"blanks in a word stay", "unixgram", "a__b c", "", []string{"<13>Nov  5 15:17:52 alice: a  b c"}, ""},
	{"tag and priority", "unixgram", "-t app -p local0.err x", "", []string{"<131>Nov  5 15:17:52 app: x"}, ""},
	{"-i", "unixgram", "-it app x", "", []string{"<13>Nov  5 15:17:52 app[4711]: x"}, ""},
	{"--id", "unixgram", "--id=99 -t app x", "", []string{"<13>Nov  5 15:17:52 app[99]: x"}, ""},
	{"no tag", "unixgram", "--tag= x", "", []string{"<13>Nov  5 15:17:52 x"}, ""},
	{"a severity alone", "unixgram", "-p WARN x", "", []string{"<12>Nov  5 15:17:52 alice: x"}, ""},
	{"kernel", "unixgram", "-p kern.emerg x", "", []string{"<0>Nov  5 15:17:52 alice: x"}, ""},
	{"a number", "unixgram", "-p 191 x", "", []string{"<191>Nov  5 15:17:52 alice: x"}, ""},
	{"newlines stay in a datagram", "unixgram", "a\nb", "", []string{"<13>Nov  5 15:17:52 alice: a\nb"}, "sent <13>Nov  5 15:17:52 alice: a#012b to TO\n"},
	{"{seq} is text", "unixgram", "{seq}", "", []string{"<13>Nov  5 15:17:52 alice: {seq}"}, ""},
	{"quiet", "unixgram", "-q x", "", []string{"<13>Nov  5 15:17:52 alice: x"}, "-"},
	{"after --", "unixgram", "-- -p x", "", []string{"<13>Nov  5 15:17:52 alice: -p x"}, ""},
	{"5424 on a local socket", "unixgram", "--rfc5424 x", "", []string{"<13>1 2026-11-05T15:17:52.003000+01:00 web1.example.net alice - - - x"}, ""},

	{"the short hostname", "udp", "x", "", []string{"<13>Nov  5 15:17:52 web1 alice: x"}, ""},
	{"5424", "udp", "--rfc5424 -i --msgid ID47 -t app grüße", "",
		[]string{"<13>1 2026-11-05T15:17:52.003000+01:00 web1.example.net app 4711 ID47 - grüße"}, ""},
	{"5424 without a tag", "udp", "--rfc5424 --tag= x", "", []string{"<13>1 2026-11-05T15:17:52.003000+01:00 web1.example.net - - - - x"}, ""},
	{"a size", "udp", "--size 50 x", "", []string{"<13>Nov  5 15:17:52 web1 alice: x abcdefghijklmnop"}, ""},
	{"the very size", "udp", "--size 33 x", "", []string{"<13>Nov  5 15:17:52 web1 alice: x"}, ""},

	{"a stream", "tcp", "x", "", []string{"<13>Nov  5 15:17:52 web1 alice: x\n"}, "sent <13>Nov  5 15:17:52 web1 alice: x to TO\n"},
	{"a newline in a stream", "tcp", "a\nb", "", []string{"<13>Nov  5 15:17:52 web1 alice: a#012b\n"}, ""},
	{"a newline in a padded one", "tcp", "--size 40 a\nb", "", []string{"<13>Nov  5 15:17:52 web1 alice: a#012b a\n"}, ""},
	{"octet counted", "tcp", "--octet-count a\nb", "", []string{"35 <13>Nov  5 15:17:52 web1 alice: a\nb"}, ""},
	{"tls counts", "tls", "--tls-insecure x", "", []string{"33 <13>Nov  5 15:17:52 web1 alice: x"}, ""},
	{"tls with newlines", "tls", "--tls-insecure --octet-count=false x", "", []string{"<13>Nov  5 15:17:52 web1 alice: x\n"}, ""},
	{"a local stream", "unix", "x", "", []string{"<13>Nov  5 15:17:52 alice: x\n"}, ""},
	{"a local stream, counted", "unix", "--octet-count x", "", []string{"28 <13>Nov  5 15:17:52 alice: x"}, ""},

	{"lines", "unixgram", "", "one\n\n  two \r\n\r\n\nthree", []string{
		"<13>Nov  5 15:17:52 alice: one", "<13>Nov  5 15:17:52 alice:   two ", "<13>Nov  5 15:17:52 alice: three"},
		"sent 3 messages, 95 B in S s (N messages/s) over 1 unixgram connection\n"},
	{"lines of -", "unixgram", "-", "one\n", []string{"<13>Nov  5 15:17:52 alice: one"}, "sent 1 message, 30 B in S s (N messages/s) over 1 unixgram connection\n"},
	{"lines over tcp", "tcp", "-t a", "one\ntwo\n", []string{"<13>Nov  5 15:17:52 web1 a: one\n<13>Nov  5 15:17:52 web1 a: two\n"}, ""},
	{"a NUL in a line", "tcp", "-t a", "o\x00e\n", []string{"<13>Nov  5 15:17:52 web1 a: o#000e\n"}, ""},
	{"a NUL in a counted line", "tcp", "-t a --octet-count", "o\x00e\n", []string{"31 <13>Nov  5 15:17:52 web1 a: o\x00e"}, ""},
	{"lines with a pace", "udp", "-t a --rate 1000", "1\n2\n", []string{"<13>Nov  5 15:17:52 web1 a: 1", "<13>Nov  5 15:17:52 web1 a: 2"}, ""},
	{"nothing", "tcp", "", "", []string{""}, "sent 0 messages, 0 B in S s (N messages/s) over 1 tcp connection\n"},

	{"a load", "unixgram", "--count 10 no_{seq}", "", sendNumbered("<13>Nov  5 15:17:52 alice: no ", "01 02 03 04 05 06 07 08 09 10", ""),
		"sent 10 messages, 320 B in S s (N messages/s) over 1 unixgram connection\n"},
	{"a load of the usual size", "tcp", "--count 1", "", []string{("<13>Nov  5 15:17:52 web1 alice: 1 " + strings.Repeat(sendFiller, 5))[:200] + "\n"}, ""},
	{"a load, counted", "tcp", "--count 3 --octet-count a\n{seq}{seq}", "", []string{
		strings.Join(sendNumbered("36 <13>Nov  5 15:17:52 web1 alice: a\n", "11 22 33", ""), "")}, ""},
	{"a load with newlines", "tcp", "--count 2 a\n{seq}", "", []string{strings.Join(sendNumbered("<13>Nov  5 15:17:52 web1 alice: a#012", "1 2", "\n"), "")}, ""},
	{"a load of 5424", "udp", "--count 2 --rfc5424 -t app", "", []string{
		("<13>1 2026-11-05T15:17:52.003000+01:00 web1.example.net app - - - 1 " + strings.Repeat(sendFiller, 5))[:200],
		("<13>1 2026-11-05T15:17:52.003000+01:00 web1.example.net app - - - 2 " + strings.Repeat(sendFiller, 5))[:200]}, ""},
}

func sendNumbered(before, numbers, after string) []string {
	var all []string
	for n := range strings.FieldsSeq(numbers) {
		all = append(all, before+n+after)
	}
	return all
}

var sendMeasured = regexp.MustCompile(`in [0-9.]+ s \([0-9]+ messages/s\)`)

func TestSend(t *testing.T) {
	for _, c := range sendCases {
		t.Run(c.name, func(t *testing.T) {
			r := receiveSent(t, c.network)
			args := []string{"--to", r.url}
			for word := range strings.SplitSeq(c.args, " ") {
				if word != "" {
					args = append(args, strings.ReplaceAll(word, "_", " "))
				}
			}
			got := runSend(t, testSendHost(), strings.NewReader(c.stdin), args...)
			if got.err != nil || got.errors != "" {
				t.Fatal(got.both())
			}
			if diff := cmp.Diff(c.want, append(r.take(t, len(c.want)), r.rest()...)); diff != "" {
				t.Error(diff)
			}
			if c.out == "-" {
				c.out = ""
			} else if c.out == "" {
				return
			}
			out := sendMeasured.ReplaceAllString(strings.ReplaceAll(got.out, r.url, "TO"), "in S s (N messages/s)")
			if diff := cmp.Diff(c.out, out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The flags that say where to.
func TestSendTo(t *testing.T) {
	for _, c := range []struct {
		name, network string
		args          func(r *sendReceiver) []string
	}{
		{"a bare path", "unixgram", func(r *sendReceiver) []string { return []string{"--to", r.path} }},
		{"a bare path of a stream", "unix", func(r *sendReceiver) []string { return []string{"--to", r.path} }},
		{"logger's -u", "unixgram", func(r *sendReceiver) []string { return []string{"-u", r.path} }},
		{"logger's -u with a stream", "unix", func(r *sendReceiver) []string { return []string{"-u", r.path} }},
		{"logger's -n -P", "udp", func(r *sendReceiver) []string { return []string{"-n", "127.0.0.1", "-P", r.port()} }},
		{"logger's -n -P -d", "udp", func(r *sendReceiver) []string { return []string{"-d", "-n", "127.0.0.1", "-P", r.port()} }},
		{"logger's -n -P -T", "tcp", func(r *sendReceiver) []string { return []string{"-T", "-n", "127.0.0.1", "--port", r.port()} }},
		{"a port in -n", "tcp", func(r *sendReceiver) []string { return []string{"-Tn", "127.0.0.1:" + r.port()} }},
		{"no host", "tcp", func(r *sendReceiver) []string { return []string{"--to", "tcp://:" + r.port()} }},
		{"a slash behind", "tcp", func(r *sendReceiver) []string { return []string{"--to", r.url + "/"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := receiveSent(t, c.network)
			got := runSend(t, testSendHost(), nil, append(c.args(r), "-t", "a", "-s", "x")...)
			want := map[bool]string{true: "<13>Nov  5 15:17:52 a: x", false: "<13>Nov  5 15:17:52 web1 a: x"}[r.path != ""]
			if got.err != nil || got.errors != want+"\n" || got.out != "sent "+want+" to "+r.url+"\n" {
				t.Errorf("%s", got.both())
			}
			if received := r.take(t, 1)[0]; strings.TrimSuffix(received, "\n") != want {
				t.Errorf("received %q", received)
			}
		})
	}
}

func (r *sendReceiver) port() string { return r.url[strings.LastIndexByte(r.url, ':')+1:] }

func TestSendAddress(t *testing.T) {
	for _, c := range []struct{ to, want string }{
		{"udp://10.0.0.1", "udp://10.0.0.1:514"},
		{"TCP://collector", "tcp://collector:514"},
		{"tls://collector", "tls://collector:6514"},
		{"tls://collector:514", "tls://collector:514"},
		{"udp://[::1]", "udp://[::1]:514"},
		{"udp://[fe80::1%25eth0]:5514", "udp://[fe80::1%eth0]:5514"},
		{"unixgram:///dev/log", "unixgram:///dev/log"},
		{"unix://run/log.sock", "unix://run/log.sock"},
		{"./log.sock", "unixgram://./log.sock"},
		{"http://10.0.0.1", `--to http://10.0.0.1: unknown scheme "http" (have unixgram unix udp tcp tls)`},
		{"tpc://10.0.0.1", `--to tpc://10.0.0.1: unknown scheme "tpc" (did you mean tcp?)`},
		{"10.0.0.1:514", "--to 10.0.0.1:514: udp://10.0.0.1:514 or tcp://10.0.0.1:514? (or the path of a socket: ./10.0.0.1:514)"},
		{"collector", "--to collector: udp://collector or tcp://collector? (or the path of a socket: ./collector)"},
		{"", `--to "": neither a URL such as tcp://10.0.0.1:514 nor the path of a socket`},
		{"unix:log", `--to unix:log: udp://unix:log or tcp://unix:log? (or the path of a socket: ./unix:log)`},
		{"unix://", "--to unix://: a path is missing: unix:///dev/log"},
		{"tcp://a:70000", "tcp://a:70000: the port is a number from 1 to 65535"},
		{"tcp://a:0", "tcp://a:0: the port is a number from 1 to 65535"},
		{"tcp://a:x", `--to tcp://a:x: invalid port ":x" after host`},
		{"tcp://a/b", "--to tcp://a/b: only a host and a port: tcp://a"},
		{"tcp://a?framing=nul", "--to tcp://a?framing=nul: only a host and a port: tcp://a"},
	} {
		a, err := parseSendAddress(c.to)
		got := a.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.to, got, c.want)
		}
	}
}

func TestSendMistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-p local9.info x", `--priority local9.info: unknown facility "local9" (have kern user`},
		{"-p local0.wraning x", `--priority local0.wraning: unknown severity "wraning" (did you mean warning?)`},
		{"-p local0 x", "--priority local0: a severity is missing: local0.info"},
		{"-p 192 x", "--priority 192: 0 to 191"},
		{"-p .info x", `--priority .info: unknown facility ""`},
		{"--count 0 x", "--count 0: a load has at least one message"},
		{"--count 5 -s x", "--stderr: not with --count"},
		{"--count 5 -f y", "--file: not with --count"},
		{"--connections 2 x", "--connections: needs --count"},
		{"--count 2 --connections 0 x", "--connections 0: at least one"},
		{"--rate 0 x", "--rate 0: messages a second, more than none"},
		{"--rate NaN x", "--rate NaN: messages a second, more than none"},
		{"--size 5q x", "--size 5q: units are"},
		{"--size 0 x", "--size 0: 1 to 64MiB"},
		{"--size 100", "--size: needs --count or a MESSAGE, not lines"},
		{"-f /none", "--file open /none: no such file or directory"},
		{"-f /none x", "--file: not with a MESSAGE"},
		{"-T x", "-P, -d and -T: need -n"},
		{"-n a -T -d x", "[tcp udp] were all set"},
		{"-n a --to udp://b x", "[server to] were all set"},
		{"--tls-insecure --to tcp://a x", "--tls-insecure: tcp://a:514 has no certificates, only tls:// has"},
		{"--octet-count --to udp://a x", "--octet-count: udp://a:514 is no stream"},
		{"--msgid A x", "--msgid: only --rfc5424 has room for it"},
		{"--rfc5424 -t a_b x", `--tag "a b": RFC 5424 allows printable ASCII without spaces`},
		{"-t a\nb x", `--tag "a\nb": holds a control character`},
		{"--rfc5424 --id=" + strings.Repeat("1", 129) + " x", "RFC 5424 allows 128 bytes"},
	} {
		var args []string
		for word := range strings.SplitSeq(c.args, " ") {
			args = append(args, strings.ReplaceAll(word, "_", " "))
		}
		got := runSend(t, testSendHost(), strings.NewReader(""), args...)
		if got.err == nil || !strings.Contains(got.err.Error(), c.want) || got.out != "" {
			t.Errorf("%s:\n got %s\nwant %s", c.args, got.both(), c.want)
		}
	}
}

func TestSendFile(t *testing.T) {
	r := receiveSent(t, "unixgram")
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runSend(t, testSendHost(), nil, "-u", r.path, "-f", file); got.err != nil {
		t.Fatal(got.both())
	}
	want := []string{"<13>Nov  5 15:17:52 alice: one", "<13>Nov  5 15:17:52 alice: two"}
	if diff := cmp.Diff(want, r.take(t, 2)); diff != "" {
		t.Error(diff)
	}
}
