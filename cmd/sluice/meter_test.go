package main

import (
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A meter reads what a process of ours that runs as metered has asked of Go's runtime so far.
type meter struct {
	t    testing.TB
	conn net.Conn
}

// A gauge is what the process has allocated, and the CPU time that collecting took, as of the last collection. Work of
// the collector that only took the place of idleness is not in it.
type gauge struct{ Allocated, Collections, Collecting uint64 }

// meterFile is the descriptor by which it is asked.
const meterFile = 3

// metered is sluice, with a meter.
func metered() {
	f := os.NewFile(meterFile, "meter")
	go func() {
		total, idle := metrics.Sample{Name: "/cpu/classes/gc/total:cpu-seconds"}, metrics.Sample{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}
		cpu, asked := []metrics.Sample{total, idle}, make([]byte, 1)
		var stats runtime.MemStats
		for {
			if _, err := f.Read(asked); err != nil {
				return
			}
			runtime.ReadMemStats(&stats)
			metrics.Read(cpu)
			collecting := cpu[0].Value.Float64() - cpu[1].Value.Float64()
			binary.Write(f, binary.NativeEndian, gauge{stats.Mallocs, uint64(stats.NumGC), uint64(collecting * 1e9)})
		}
	}()
	main()
}

// runMetered is run, with a meter.
func runMetered(t testing.TB, dir, name, conf string) (*process, *meter) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	fatal(t, err)
	ours, theirs := os.NewFile(uintptr(fds[0]), "meter"), os.NewFile(uintptr(fds[1]), "meter")
	defer theirs.Close()
	defer ours.Close()
	m := &meter{t: t}
	m.conn, err = net.FileConn(ours)
	fatal(t, err)
	t.Cleanup(func() { m.conn.Close() })
	return runWith(t, dir, name, conf, func(cmd *exec.Cmd) {
		cmd.Args[0] = "metered"
		cmd.ExtraFiles = []*os.File{theirs}
	}), m
}

func (m *meter) read() (r gauge) {
	m.t.Helper()
	m.conn.SetDeadline(time.Now().Add(patience))
	_, err := m.conn.Write([]byte{1})
	fatal(m.t, err)
	fatal(m.t, binary.Read(m.conn, binary.NativeEndian, &r))
	return r
}
