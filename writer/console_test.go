package writer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// A console that takes a block in pieces gets every byte once.
func TestConsoleShortWrites(t *testing.T) {
	r, w, err := os.Pipe()
	fatal(t, err)
	defer r.Close()
	defer w.Close()
	c := NewConsole(w)
	blocks := []*Block{blockOf(numbered("", "a", 2000, 100)...), blockOf(line{"", "end"})}
	want := content(numbered("", "a", 2000, 100)...) + "end\n"
	var got bytes.Buffer
	fatal(t, w.SetWriteDeadline(time.Now())) // a full pipe is an error at once, not a wait
	short := 0
	for _, b := range blocks {
		for err := c.Write(b); err != nil; err = c.Write(b) {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			short++
			fatal(t, w.SetWriteDeadline(time.Now().Add(time.Hour)))
			piece := make([]byte, 50_000)
			go w.Write(nil)
			n := 0
			if got.Len() < len(want) {
				fatal(t, r.SetReadDeadline(time.Now().Add(time.Millisecond)))
				n, _ = r.Read(piece)
			}
			got.Write(piece[:n])
			fatal(t, w.SetWriteDeadline(time.Now().Add(time.Millisecond)))
		}
	}
	w.Close()
	fatal(t, r.SetReadDeadline(time.Time{}))
	_, err = io.Copy(&got, r)
	fatal(t, err)
	if got.String() != want || short == 0 {
		t.Errorf("%d bytes in %d pieces, want %d", got.Len(), short, len(want))
	}
}

// The stream is the process's: a console leaves it open.
func TestConsoleClose(t *testing.T) {
	r, w, err := os.Pipe()
	fatal(t, err)
	defer r.Close()
	c := NewConsole(w)
	fatal(t, c.Write(blockOf(line{"", "a"})))
	fatal(t, c.Close())
	fatal(t, c.Write(blockOf(line{"", "b"})))
	w.Close()
	if got, _ := io.ReadAll(r); !strings.EqualFold(string(got), "a\nb\n") {
		t.Errorf("got %q", got)
	}
}
