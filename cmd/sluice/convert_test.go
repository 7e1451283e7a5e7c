package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sluice/cmd/sluice/convert"
)

// TestConvert converts testdata/convert: etc/rsyslog.conf and what it includes in, the YAML and the lines of stderr out. -update
// writes these two anew. sluice check has nothing against any of it; its warnings, if there are any, are in a file of the case.
func TestConvert(t *testing.T) {
	files, _ := filepath.Glob("testdata/convert/*.txtar")
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			fatal(t, err)
			fsys, want := fstest.MapFS{}, map[string]string{}
			var kept []txtar.File
			for _, f := range archive.Files {
				if strings.Contains(f.Name, "/") {
					fsys[f.Name] = &fstest.MapFile{Data: f.Data}
					kept = append(kept, f)
				} else {
					want[f.Name] = string(f.Data)
				}
			}
			converted, err := convert.File(fsys, "etc/rsyslog.conf", mistakesIn)
			fatal(t, err)
			got := map[string]string{"sluice.yaml": string(converted.YAML)}
			for _, l := range converted.Left {
				got["stderr"] += l.String() + "\n"
			}
			cfg, err := loadSource("sluice.yaml", ".", converted.YAML)
			fatal(t, err)
			for _, w := range cfg.Warnings {
				got["warnings"] += w.Error() + "\n"
			}
			if *update {
				archive.Files = kept
				for _, name := range []string{"sluice.yaml", "stderr", "warnings"} {
					if got[name] != "" {
						archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
					}
				}
				fatal(t, os.WriteFile(file, txtar.Format(archive), 0o644))
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzConvert holds that no bytes end the conversion, and that whatever comes out loads.
func FuzzConvert(f *testing.F) {
	files, _ := filepath.Glob("testdata/convert/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		fatal(f, err)
		for _, part := range archive.Files {
			if strings.HasPrefix(part.Name, "etc/") {
				f.Add(part.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		fsys := fstest.MapFS{"etc/rsyslog.conf": {Data: src}, "etc/rsyslog.d/a.conf": {Data: src}, "etc/b.conf": {Data: []byte("mail.* /b\n")}}
		converted, err := convert.File(fsys, "etc/rsyslog.conf", mistakesIn)
		if err != nil {
			t.Fatal(err)
		}
		if mistakes := mistakesIn(converted.YAML); len(mistakes) > 0 {
			t.Fatalf("%v\n%s", mistakes, converted.YAML)
		}
		for _, l := range converted.Left {
			if strings.ContainsAny(l.String(), "\n\r\x00\x1b") {
				t.Errorf("a line of stderr is %q", l)
			}
		}
	})
}

// Certificates are in the files that rsyslog has them in, and are left out with their input if they cannot be read.
func TestConvertTLS(t *testing.T) {
	dir := t.TempDir()
	newTLSFolder(t, dir)
	conf := strings.ReplaceAll(`
global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="DIR/ca.pem" DefaultNetstreamDriverCertFile="DIR/server.pem" DefaultNetstreamDriverKeyFile="DIR/server.key")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["*.example.net"])
input(type="imtcp" port="6514")
*.* action(type="omfwd" target="collector.example.net" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1"
  StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="collector.example.net")
$DefaultNetstreamDriver gtls
$ActionSendStreamDriverMode 1
$ActionSendStreamDriverAuthMode anon
mail.* @@(o)other.example.net:6514
`, "DIR", dir)
	fsys := fstest.MapFS{"etc/rsyslog.conf": {Data: []byte(conf)}}
	converted, err := convert.File(fsys, "etc/rsyslog.conf", mistakesIn)
	fatal(t, err)
	if len(converted.Left) > 0 {
		t.Errorf("%v", converted.Left)
	}
	wantLines(t, strings.ReplaceAll(string(converted.YAML), dir, "DIR"), []string{
		"  - syslog: tls://:6514",
		"      cert: DIR/server.pem", "      key: DIR/server.key", "      client_ca: DIR/ca.pem", `      permitted_peers: ["*.example.net"]`,
		"    forward: tls://collector.example.net:6514",
		"    framing: newline",
		"      ca: DIR/ca.pem", "      permitted_peers: [collector.example.net]",
		"    forward: tls://other.example.net:6514",
		"      insecure_skip_verify: true",
	}, nil)

	fatal(t, os.Remove(filepath.Join(dir, "server.pem")))
	converted, err = convert.File(fsys, "etc/rsyslog.conf", mistakesIn)
	fatal(t, err)
	var said []string
	for _, l := range converted.Left {
		said = append(said, l.Place+" "+strings.ReplaceAll(l.Why, dir, "DIR"))
	}
	missing := " tls: cert: open DIR/server.pem: no such file or directory"
	if diff := cmp.Diff([]string{"rsyslog.conf:4" + missing, "rsyslog.conf:5" + missing, "rsyslog.conf:10" + missing}, said); diff != "" {
		t.Errorf("(-want +said):\n%s\n%s", diff, converted.YAML)
	}
}
