package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/cmd/sluice/strict"
)

// TestBadConfigs loads testdata/bad/*.yaml: the lines "# want: PLACE: MESSAGE" in a file are all that is wrong with it.
func TestBadConfigs(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	t.Setenv("SECRET", "hunter2")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for line := range strings.Lines(string(src)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, strings.TrimSpace(w))
				}
			}
			_, err = LoadConfig(file)
			var all strict.Errors
			if !errors.As(err, &all) {
				t.Fatalf("loaded, or failed otherwise: %v", err)
			}
			for _, e := range all {
				got = append(got, strings.ReplaceAll(e.Error(), filepath.Dir(file)+"/", ""))
			}
			for i, g := range got {
				got[i] = strings.TrimPrefix(g, filepath.Base(file)+":")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// shippedConfigs are the configurations in etc; compose.yaml, for Docker, is none.
func shippedConfigs() []string {
	files, _ := filepath.Glob("../../etc/*.yaml")
	return slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "compose.yaml" })
}

// TestGoodConfigs loads every configuration that this project ships, and wants no warning about any.
func TestGoodConfigs(t *testing.T) {
	for _, file := range append(shippedConfigs(), "") {
		cfg, err := LoadConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(cfg.Warnings) > 0 {
			t.Errorf("%s: %v", file, cfg.Warnings)
		}
	}
}

// TestInclude reads a file that includes others: their rules come first, in the order of their names, and paths count
// from the file that they are written in.
func TestInclude(t *testing.T) {
	cfg, err := LoadConfig("testdata/include/main.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range cfg.Rules {
		got = append(got, r.Name+" -> "+cfg.Targets[r.Targets[0]].Where)
	}
	want := []string{
		"a -> testdata/include/conf.d/a.log",
		"b -> testdata/include/main.log",
		"main -> testdata/include/main.log",
		"4 -> testdata/include/last.log",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
