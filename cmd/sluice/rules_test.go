package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRules runs the tests: of every configuration in testdata/rules and in etc: rules and messages in, decisions out.
func TestRules(t *testing.T) {
	files, _ := filepath.Glob("testdata/rules/*.yaml")
	for _, file := range append(files, shippedConfigs()...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, err := LoadConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			results := cfg.runTests()
			if len(results.Tests) == 0 {
				t.Fatal("has no tests")
			}
			var out strings.Builder
			results.print(&out, false)
			if results.Failed > 0 {
				t.Error(out.String())
			}
		})
	}
}
