package writer

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// A console that takes a block in pieces gets every byte once.
func TestConsoleShortWrites(t *testing.T) {
	r, w, err := os.Pipe()
	fatal(t, err)
	defer r.Close()
	c := NewConsole(w)
	long := numbered("", "a", 2000, 100)
	var got []byte
	short := 0
	for _, b := range []*Block{blockOf(long...), blockOf(line{"", "end"})} {
		for {
			fatal(t, w.SetWriteDeadline(time.Now().Add(10*time.Millisecond))) // then a full pipe is an error
			err := c.Write(b)
			if err == nil {
				break
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			short++
			piece := make([]byte, 50_000)
			n, err := r.Read(piece)
			fatal(t, err)
			got = append(got, piece[:n]...)
		}
	}
	w.Close()
	rest, err := io.ReadAll(r)
	fatal(t, err)
	got = append(got, rest...)
	if want := content(append(long, line{"", "end"})...); string(got) != want || short == 0 {
		t.Errorf("%d bytes in %d pieces, want %d", len(got), short+1, len(want))
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
	if got, err := io.ReadAll(r); err != nil || string(got) != "a\nb\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
