package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A result is what all rounds of a contest gave.
type result struct {
	contest
	sluice, rival []score
}

// ratio is how much more CPU a message costs the rival: the median of the rounds, in which both ran in turn.
func (r *result) ratio() float64 {
	var all []float64
	for i := range r.sluice {
		all = append(all, r.rival[i].cost()/r.sluice[i].cost())
	}
	return median(all)
}

func median(all []float64) float64 {
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func medianOf(scores []score, of func(score) float64) float64 {
	var all []float64
	for _, s := range scores {
		all = append(all, of(s))
	}
	return median(all)
}

func cost(scores []score) float64 { return medianOf(scores, score.cost) }

func worst(scores []score, of func(score) int) (n int) {
	for _, s := range scores {
		n = max(n, of(s))
	}
	return n
}

// contestFolder is where the table and the chart are, from the root of the tree. README shows both.
const (
	contestFolder = "../../.bench"
	readmeFile    = "../../README.md"
)

func report(t *testing.T, results []result) {
	t.Helper()
	text := table(results)
	fatal(t, os.MkdirAll(contestFolder, 0o755))
	fatal(t, os.WriteFile(filepath.Join(contestFolder, "table.md"), []byte(text), 0o644))
	fatal(t, os.WriteFile(filepath.Join(contestFolder, "chart.svg"), []byte(chart(results)), 0o644))
	fatal(t, os.WriteFile(readmeFile, withTable(t, text), 0o644))
	t.Log("\n" + text)
}

// withTable is README with that table in the place of the one that it has.
func withTable(t *testing.T, text string) []byte {
	t.Helper()
	readme, err := os.ReadFile(readmeFile)
	fatal(t, err)
	const from, to = "table.md: make bench writes it here -->\n", "<!-- end of the table -->"
	before, rest, found := strings.Cut(string(readme), from)
	_, after, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatal("README has no place for the table")
	}
	return []byte(before + from + "\n" + text + "\n" + to + after)
}

// README shows the table that the last make bench left, and no other.
func TestReadmeTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(contestFolder, "table.md"))
	fatal(t, err)
	readme, err := os.ReadFile(readmeFile)
	fatal(t, err)
	if !bytes.Equal(readme, withTable(t, string(text))) {
		t.Error("README has another table than .bench/table.md")
	}
}

// table is Markdown: a row for each contest, and what it was measured with.
func table(results []result) string {
	var b strings.Builder
	b.WriteString("| job | by | CPU µs a message | messages/s | peak memory | lost | sluice is |\n|---|---|--:|--:|--:|--:|--:|\n")
	for i := range results {
		r := &results[i]
		times := fmt.Sprintf("%.1f× as cheap", r.ratio())
		if r.goal > 0 {
			times += fmt.Sprintf(" (goal %g)", r.goal)
		}
		for j, scores := range [][]score{r.sluice, r.rival} {
			job, by := r.name, "sluice"
			if j == 1 {
				job, by, times = "", r.contest.rival.name, ""
			}
			peak := strconv.FormatFloat(float64(worst(scores, func(s score) int { return s.peak }))/1024, 'f', 0, 64)
			fmt.Fprintf(&b, "| %s | %s | %.2f | %s | %s MB | %d | %s |\n", job, by, cost(scores), thousands(uint64(medianOf(scores, score.rate)/1000)*1000), peak, worst(scores, score.lost), times)
		}
	}
	fmt.Fprintf(&b, "\nMessages of 200 bytes (Redis, ZeroMQ: 150), medians of %d rounds in turn, the worst of them for memory and loss. CPU is the daemon's, user and system; "+
		"messages/s is until the last one is written, with the sender on the same machine.\n%s.\n", len(results[0].sluice), setting())
	return b.String()
}

// setting is the machine and the versions.
func setting() string {
	read := func(file, what string) string {
		text, _ := os.ReadFile(file)
		if m := regexp.MustCompile(what).FindSubmatch(text); m != nil {
			return strings.TrimSpace(string(m[1]))
		}
		return "unknown"
	}
	said := func(what string, command ...string) string {
		text, _ := exec.Command(command[0], command[1:]...).CombinedOutput()
		if m := regexp.MustCompile(what).FindSubmatch(text); m != nil {
			return string(m[1])
		}
		return "?"
	}
	return fmt.Sprintf("%d cores of %s, Linux %s, %s, sluice %s, rsyslogd %s, Python %s, Redis %s", runtime.NumCPU(), read("/proc/cpuinfo", `model name\s*: (.*)`),
		read("/proc/sys/kernel/osrelease", `^(\d+\.\d+)`), strings.Replace(runtime.Version(), "go", "Go ", 1), said(`sluice (\S+)`, contestBinary, "version"),
		said(`rsyslogd\s+([\d.]+)`, "rsyslogd", "-v"), said(`Python ([\d.]+)`, "python3", "--version"), said(`v=([\d.]+)`, "redis-server", "--version"))
}

// chart is an SVG of what a message costs each, in CPU time: a pair of bars for each contest, each pair to its own scale, as
// the Python programs would leave nothing of the others.
func chart(results []result) string {
	const width, left, right, bar, pair = 820, 285, 150, 13, 40
	var b strings.Builder
	height := 46 + pair*len(results)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="12" y="24" font-size="15" font-weight="bold">CPU time a message: sluice and what is used today (less is better)</text>`+"\n")
	for i := range results {
		r := &results[i]
		y := 42 + pair*i
		ours, theirs := cost(r.sluice), cost(r.rival)
		most := max(ours, theirs)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-10, y+18, r.name)
		for j, c := range []struct {
			cost   float64
			name   string
			colour string
		}{{ours, "sluice", "#0b7285"}, {theirs, r.contest.rival.name, "#adb5bd"}} {
			length := float64(width-left-right) * c.cost / most
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y+j*(bar+1), length, bar, c.colour)
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s %.2f µs</text>`+"\n", float64(left)+length+6, y+j*(bar+1)+11, c.name, c.cost)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
