package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/syslog"
)

// A KernelConfig is all that an input for the kernel's log is made of.
type KernelConfig struct {
	Setting
	Path string // /dev/kmsg; or a FIFO or file with records of that form
	Boot string // which boot this is; empty: the kernel's own word for it
}

// A Kernel reads the kernel's log as rsyslog's imklog does. It goes on where it was when it ran last, if that was in this
// boot, else at the oldest record that the kernel has.
type Kernel struct {
	cfg      KernelConfig
	log      *slog.Logger
	counters syslog.Counters
	file     *os.File
	raw      syscall.RawConn
	origin   *syslog.Origin
	in       *intake
	feed     syslog.Feed
	buf      []byte
	held     int // bytes in buf that are no whole record yet
	receive  func(fd int, b []byte) (int, error)

	boot    time.Time    // when it was
	start   uint64       // records up to this one were read in an earlier run
	cursor  kernelCursor // the last that was read
	known   bool         // that there is one
	overrun bool         // the kernel has said that records are gone
	eof     bool         // of a file or FIFO

	saved   uint64        // what the cursor's file says
	pending uint64        // what it will say when ticket is done
	ticket  syslog.Ticket // nil: none

	dropped, malformed, reading, saving syslog.Fault
}

// NewKernel opens the device. The error names it, and the cause.
func NewKernel(cfg KernelConfig) (*Kernel, error) {
	if cfg.Boot == "" {
		cfg.Boot = readBoot()
	}
	file, err := os.OpenFile(cfg.Path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("kernel %s: %w (it needs root or CAP_SYSLOG)", cfg.Path, err)
		}
		return nil, fmt.Errorf("kernel %s: %w", cfg.Path, err)
	}
	k := &Kernel{
		cfg: cfg, log: cfg.log(), file: file, buf: make([]byte, longestKernel), receive: unix.Read,
		origin: &syslog.Origin{Input: cfg.Name, Transport: syslog.Kernel, Source: []byte("127.0.0.1"), Host: []byte(cfg.Hostname), Local: true},
		feed:   syslog.Feed{Patience: syslog.Patiently},
	}
	k.in = newIntake(&k.cfg.Setting, syslog.DefaultParseOptions(), Text, &k.counters)
	if k.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return nil, fmt.Errorf("kernel %s: %w", cfg.Path, err)
	}
	k.cursor.boot = cfg.Boot
	if cfg.StateDir != "" {
		c, ok, err := readKernelCursor(k.cursorPath())
		if err != nil {
			k.log.Warn("the cursor cannot be read: the kernel's log begins anew", "error", err)
		}
		if ok && c.boot == cfg.Boot {
			k.cursor, k.known, k.start, k.saved = c, true, c.sequence, c.sequence
		}
	}
	return k, nil
}

func (k *Kernel) cursorPath() string { return cursorPath(k.cfg.StateDir, k.cfg.Name) }

// Addr is where it reads.
func (k *Kernel) Addr() net.Addr { return address{"kernel", k.cfg.Path} }

// Counters are what it has counted. DroppedKernel are records that the kernel overwrote before they were read.
func (k *Kernel) Counters() *syslog.Counters { return &k.counters }

// Close gives up the device. It is for an input that is not Run after all.
func (k *Kernel) Close() { _ = k.file.Close() }

const (
	kernelSave  = time.Second            // how often the cursor is looked after
	kernelRetry = 200 * time.Millisecond // until a device that failed, or a file at its end, is read again
	kernelEnd   = time.Second            // how long is read at the end, and then waited for the last records to come to rest
)

// Run reads until ctx ends and what there was then is handed over.
func (k *Kernel) Run(ctx context.Context) error {
	defer k.Close()
	defer context.AfterFunc(ctx, func() { _ = k.file.SetReadDeadline(longAgo) })()
	for ctx.Err() == nil {
		k.arm(ctx)
		err := k.raw.Read(func(fd uintptr) bool { return k.read(fd, time.Time{}) != unix.EAGAIN })
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && !k.eof:
		default: // a file's end, or a file that no poller takes
			pause(ctx, kernelRetry)
		}
		k.look()
	}
	_ = k.raw.Control(func(fd uintptr) { k.read(fd, time.Now().Add(kernelEnd)) })
	wait, cancel := context.WithTimeout(context.Background(), kernelEnd)
	defer cancel()
	if last := k.cursor.sequence; k.known && k.feed.Sync().Wait(wait) {
		k.save(last)
	}
	return nil
}

// arm sets the time at which the cursor is looked after, if it has moved.
func (k *Kernel) arm(ctx context.Context) {
	var due time.Time
	if k.known && k.cursor.sequence != k.saved {
		due = time.Now().Add(kernelSave)
	}
	_ = k.file.SetReadDeadline(due)
	if ctx.Err() != nil { // which may have set its own in between
		_ = k.file.SetReadDeadline(longAgo)
	}
}

// read reads all there is, and returns why it ended: EAGAIN, another error, or nil at the end of a file. If until is not
// zero it ends then, though there may be more.
func (k *Kernel) read(fd uintptr, until time.Time) error {
	now := time.Now()
	var up unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &up) // the kernel's log has this clock's time
	k.boot = now.Add(-time.Duration(up.Nano()))
	k.in.begin(&k.feed, now)
	defer k.in.handOver()
	for until.IsZero() || time.Now().Before(until) {
		n, err := k.receive(int(fd), k.buf[k.held:])
		k.eof = n == 0 && err == nil
		switch {
		case err == unix.EINTR:
		case err == unix.EPIPE: // the next read gives the oldest that is left
			k.overrun = true
		case err == unix.EAGAIN, k.eof:
			k.took(k.held, false)
			return err
		case err != nil:
			if unsaid, ok := k.reading.Due(now); ok {
				k.log.Error("cannot read the kernel's log, trying again", "error", err, "unsaid", unsaid)
			}
			k.eof = true
			return err
		default:
			k.took(k.held+n, k.held+n == len(k.buf))
			if k.reading.Resolved() {
				k.log.Info("the kernel's log is read again")
			}
		}
	}
	return nil
}

// took takes the records in the first n bytes of the buffer. A read of the device gives one record; one of a file or FIFO
// gives as much as there is room for, of which the last line may be cut, and if more follows the last record too.
func (k *Kernel) took(n int, more bool) {
	s := k.buf[:n]
	for {
		end := recordEnd(s)
		if end == 0 || more && end == len(s) && end < len(k.buf) {
			break
		}
		k.record(s[:end])
		s = s[end:]
	}
	if len(s) == len(k.buf) { // no record at all
		k.record(s)
		s = nil
	}
	k.held = copy(k.buf, s)
}

// recordEnd is how long the record is that s begins with: its line and the lines behind it that begin with a space.
func recordEnd(s []byte) int {
	end := 0
	for end == 0 || end < len(s) && s[end] == ' ' {
		n := bytes.IndexByte(s[end:], '\n')
		if n < 0 {
			return end
		}
		end += n + 1
	}
	return end
}

// record takes one record.
func (k *Kernel) record(s []byte) {
	r, ok := parseKernelRecord(s)
	if !ok {
		k.counters.Malformed.Add(1)
		if unsaid, ok := k.malformed.Due(time.Now()); ok {
			k.log.Warn("a record of the kernel's log cannot be read and is lost", "record", fmt.Sprintf("%.100q", s), "unsaid", unsaid)
		}
		return
	}
	if k.known && r.sequence <= k.start {
		return
	}
	k.count(&r)
	if k.in.batch.Full() || len(k.in.decoder.arena) > keepArena {
		k.in.handOver()
	}
	m := k.in.batch.Next()
	if !k.in.decoder.kernelMessage(m, s, &r, k.boot, k.origin) {
		k.in.batch.Undo()
		return
	}
	k.in.tally.Count(m)
}

// count moves the cursor to r, and counts what is missing before it.
func (k *Kernel) count(r *kernelRecord) {
	lost := uint64(0)
	if k.known && r.sequence > k.cursor.sequence+1 {
		lost = r.sequence - k.cursor.sequence - 1
	} else if k.overrun {
		lost = 1 // at least
	}
	k.overrun = false
	k.cursor.sequence, k.known = r.sequence, true
	if lost == 0 {
		return
	}
	k.counters.DroppedKernel.Add(lost)
	if unsaid, ok := k.dropped.Due(time.Now()); ok {
		k.log.Warn("the kernel overwrote records before they were read (its buffer is log_buf_len)", "lost", lost, "before", r.sequence, "unsaid", unsaid)
	}
}

// look saves the cursor if what it stands for is at rest, and asks for that if nobody has yet.
func (k *Kernel) look() {
	if !k.known || k.cfg.StateDir == "" {
		return
	}
	if k.ticket == nil {
		if k.cursor.sequence == k.saved {
			return
		}
		k.ticket, k.pending = k.feed.Sync(), k.cursor.sequence
	}
	if k.ticket.Wait(ended) {
		k.ticket = nil
		k.save(k.pending)
	}
}

// ended is a context with which a ticket is only asked.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (k *Kernel) save(sequence uint64) {
	if k.cfg.StateDir == "" || sequence == k.saved {
		return
	}
	if err := (kernelCursor{k.cfg.Boot, sequence}).save(k.cursorPath()); err != nil {
		if unsaid, ok := k.saving.Due(time.Now()); ok {
			k.log.Error("cannot keep the cursor: after a restart records may come twice", "error", err, "unsaid", unsaid)
		}
		return
	}
	k.saved = sequence
}
