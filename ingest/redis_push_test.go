package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// readPushes reads all that in has, as wire does, and says how it ended.
func readPushes(in *pushReader) (pushes []string, err error) {
	for {
		x, err := in.next()
		if err == errShort {
			if in.full() {
				x, err = in.long()
			} else if n, _, failed := in.fill(); n > 0 || failed == nil {
				continue
			} else {
				err = failed
			}
		}
		if err != nil {
			return pushes, err
		}
		pushes = append(pushes, fmt.Sprintf("%s %q %q %q %d %v", x.kind, x.pattern, x.channel, x.payload, x.count, x.cut))
	}
}

func smallReader(src io.Reader) *pushReader {
	return &pushReader{src: src, buf: make([]byte, 64), max: 100}
}

const pushText = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n" +
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\ntext\r\n1\r\n*4\r\n$8\r\npmessage\r\n$2\r\nb*\r\n$2\r\nbc\r\n$0\r\n\r\n" +
	"*2\r\n$4\r\npong\r\n$0\r\n\r\n+OK\r\n*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n"

// However the bytes are cut up, and whether a push fits the buffer or not, the same is read.
func TestPushReader(t *testing.T) {
	long := fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$300\r\n%0300d\r\n", 7)
	want := []string{
		`subscribe "" "a" "" 1 false`, `psubscribe "" "b*" "" 2 false`, `message "" "a" "text\r\n1" 0 false`,
		`pmessage "b*" "bc" "" 0 false`, `pong "" "" "" 0 false`, `OK "" "" "" 0 false`, `punsubscribe "" "" "" 0 false`,
		fmt.Sprintf(`message "" "a" "%0100d" 0 true`, 0), `OK "" "" "" 0 false`,
	}
	for name, cut := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader,
	} {
		got, err := readPushes(smallReader(cut(strings.NewReader(pushText + long + "+OK\r\n"))))
		if diff := cmp.Diff(want, got); diff != "" || err != io.EOF {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What no Redis says to a subscriber ends the connection, with a word.
func TestPushReaderRefuses(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "\r\n", "*0\r\n", "*5\r\n", "*-1\r\n", "*x\r\n", "*3\n", "*99999999999\r\n",
		"*3\r\n$7\r\nmessage\r\n$1\r\nab\r\n", "*3\r\n$7\r\nmessage\r\n$99999999999\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$-2\r\n",
		"*2\r\n$7\r\nmessage\r\n$1\r\na\r\n", "*3\r\n$7\r\nmassage\r\n$1\r\na\r\n$1\r\nb\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:x\r\n",
		"*1\r\n\r\n", ">3\r\n", "*1\r\n*1\r\n", strings.Repeat("x", 2*maxLine),
	} {
		if got, err := readPushes(smallReader(strings.NewReader(text + strings.Repeat(" ", 64)))); !errors.Is(err, errProtocol) || got != nil {
			t.Errorf("%.60q: %q, %v", text, got, err)
		}
	}
	var answer redisError
	if _, err := readPushes(smallReader(strings.NewReader("-NOPERM no\r\n"))); !errors.As(err, &answer) || answer != "NOPERM no" {
		t.Error(err)
	}
}

// Whatever comes, the reader neither panics nor takes more memory than a message may have; and what it makes of it does
// not depend on how the bytes were cut up, nor on the size of the buffer: one that a line does not fit reads less.
func FuzzPushReader(f *testing.F) {
	f.Add([]byte(pushText))
	f.Add([]byte("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$300\r\n" + strings.Repeat("x", 300) + "\r\n-ERR x\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		some, err := readPushes(smallReader(bytes.NewReader(text)))
		all, errAll := readPushes(&pushReader{src: iotest.OneByteReader(bytes.NewReader(text)), buf: make([]byte, 16<<10), max: 100})
		if errors.Is(err, errProtocol) || errors.Is(errAll, errProtocol) { // one may wait for the end of what the other has seen to be wrong
			all, errAll = all[:min(len(all), len(some))], err
		}
		if diff := cmp.Diff(all, some, cmpopts.EquateEmpty()); diff != "" || (err == io.EOF) != (errAll == io.EOF) {
			t.Errorf("%q:\n%v, %v\n%s", text, errAll, err, diff)
		}
	})
}
