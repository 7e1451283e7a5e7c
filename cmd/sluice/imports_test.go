package main

import (
	"os/exec"
	"strings"
	"testing"
)

// mayImport is the star that the packages form: who may import which others of this module.
var mayImport = map[string][]string{
	"sluice/syslog":             {},
	"sluice/syslog/socketfile":  {},
	"sluice/syslog/crowd":       {},
	"sluice/syslog/freeport":    {},
	"sluice/syslog/listen":      {"sluice/syslog", "sluice/syslog/crowd", "sluice/syslog/socketfile"},
	"sluice/ingest":             {"sluice/syslog", "sluice/syslog/crowd", "sluice/syslog/socketfile"},
	"sluice/rules":              {"sluice/syslog"},
	"sluice/writer":             {"sluice/syslog", "sluice/writer/spool"},
	"sluice/writer/spool":       {},
	"sluice/cmd/sluice/strict":  {},
	"sluice/cmd/sluice/convert": {"sluice/cmd/sluice/strict", "sluice/rules", "sluice/syslog"},
	"sluice/cmd/sluice":         {"sluice/"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "sluice/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		allowed, known := mayImport[words[0]]
		if !known {
			t.Errorf("package %s is not in the star", words[0])
		}
		for _, imported := range words[1:] {
			ok := !strings.HasPrefix(imported, "sluice/")
			for _, a := range allowed {
				ok = ok || imported == a || strings.HasSuffix(a, "/") && strings.HasPrefix(imported, a)
			}
			if !ok {
				t.Errorf("%s imports %s", words[0], imported)
			}
		}
	}
}
