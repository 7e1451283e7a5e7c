package strict

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzParse: whatever the file holds, reading it ends soon, never panics, and every error has a place
// in the file. What is decoded can be shown, and what is shown can be read.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.yaml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		begin := time.Now()
		d := decoder()
		doc := d.Parse("f", src)
		rows := len(lines(src))
		if doc != nil {
			d.Decode(doc.Root, &config{})
			var x any
			d.Decode(doc.Root, &x)
			if shown := Show(doc.Root); shown == "" {
				t.Error("nothing to show")
			}
		} else if len(d.Errors()) == 0 {
			t.Error("no document and no error")
		}
		for _, e := range d.Errors() {
			if e.File != "f" || e.Line < 1 || e.Col < 1 || e.Line > rows {
				t.Errorf("no such place: %v", e)
			}
		}
		newScanner(lines(src)).run()
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%d bytes took %v", len(src), took)
		}
	})
}
