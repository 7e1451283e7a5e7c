package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// sendLineLimit is the longest line: what sluice's own receivers believe of an octet count.
const sendLineLimit = 1 << 20

// sendLines sends each line of the input as soon as it can be read, and lines that come together with one write. Lines
// that no datagram can carry are said and left out; the rest is sent.
func (j *sendJob) sendLines(ctx context.Context, links []sendLink) (sendTally, error) {
	s := lineSender{job: j, link: &links[0], pace: newPacer(j.rate)}
	in := startReading(ctx, j.in)
	var rest []byte
	for {
		block, err := in.next(ctx)
		rest = append(rest, block...)
		in.giveBack()
		done := 0
		for {
			n := bytes.IndexByte(rest[done:], '\n')
			if n < 0 {
				break
			}
			if err := s.line(ctx, rest[done:done+n]); err != nil {
				return s.sent, err
			}
			done += n + 1
		}
		rest = rest[:copy(rest, rest[done:])]
		if len(rest) > sendLineLimit {
			s.long += len(rest)
			rest = rest[:0]
		}
		if err == io.EOF && (len(rest) > 0 || s.long > 0) { // the last line has no newline
			if err := s.line(ctx, rest); err != nil {
				return s.sent, err
			}
		}
		if flushErr := s.flush(ctx); flushErr != nil {
			return s.sent, flushErr
		}
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return s.sent, nil
		case err != io.EOF:
			return s.sent, fmt.Errorf("read stdin: %w", err)
		case s.sent.unsent > 0:
			return s.sent, fmt.Errorf("send to %s: %d %s not sent: too long", j.to, s.sent.unsent, pluralOf("line", s.sent.unsent))
		}
		return s.sent, nil
	}
}

// A lineSender makes messages of lines and sends them in batches.
type lineSender struct {
	job    *sendJob
	link   *sendLink // the caller's, who closes what is there at the end
	pace   *pacer
	batch  sendBatch
	header []byte
	sizes  []int // of the messages in batch
	lines  []int // their numbers
	number int
	long   int // bytes that a line has lost already, because it is too long
	sent   sendTally
}

func (s *lineSender) line(ctx context.Context, line []byte) error {
	s.number++
	if length := s.long + len(line); length > sendLineLimit {
		s.long = 0
		s.tooLong(s.number, length)
		return nil
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil
	}
	s.header = s.job.header.append(s.header[:0], s.job.now())
	message := s.batch.add(s.job.framing, s.header, line)
	s.sizes, s.lines = append(s.sizes, len(message)), append(s.lines, s.number)
	if s.job.echo {
		fmt.Fprintf(s.job.errors, "%s\n", message)
	}
	if s.pace == nil && len(s.batch.frames) < sendChunkSize {
		return nil
	}
	return s.flush(ctx)
}

// flush sends what is there. A message that is too long for a datagram is left out and the rest sent. A receiver that
// went away is connected to again, once for each flush: a pipe into sluice send lives longer than a syslogd.
func (s *lineSender) flush(ctx context.Context) error {
	defer func() { s.sizes, s.lines = s.sizes[:0], s.lines[:0]; s.batch.reset() }()
	if len(s.sizes) == 0 || !s.pace.take(ctx, len(s.sizes)) {
		return nil
	}
	again := false
	for done, rest := 0, s.batch; len(rest.ends) > 0; {
		n, err := (*s.link).send(ctx, &rest)
		for _, size := range s.sizes[done : done+n] {
			s.sent.messages++
			s.sent.bytes += int64(size)
		}
		s.sent.refused += (*s.link).refused()
		if err == nil {
			return nil
		}
		done += n
		switch {
		case errors.Is(err, syscall.EMSGSIZE):
			s.tooLong(s.lines[done], s.sizes[done])
			done++
		case again || ctx.Err() != nil:
			return s.job.to.fault(err)
		default:
			again = true
			if err := s.reconnect(ctx, s.job.to.fault(err)); err != nil {
				return err
			}
		}
		rest = s.batch.from(done)
	}
	return nil
}

// reconnect says so, and tries for as long as a restart takes.
func (s *lineSender) reconnect(ctx context.Context, fault error) error {
	lost := "" // what a stream's receiver had not read
	if !s.job.to.datagram() {
		lost = ": the last lines may be lost"
	}
	fmt.Fprintf(s.job.errors, "%v: connecting again%s\n", fault, lost)
	for limit := time.Now().Add(s.job.patience); ; {
		link, err := s.job.dial(ctx)
		if err == nil {
			(*s.link).Close()
			*s.link = link
			context.AfterFunc(ctx, link.hurry)
			return nil
		}
		if time.Now().After(limit) || !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

func (s *lineSender) tooLong(number, size int) {
	s.sent.unsent++
	fmt.Fprintf(s.job.errors, "line %d: %d bytes are too long for %s: not sent\n", number, size, s.job.to.network)
}

// A reading reads ahead in a goroutine of its own, since a read of a terminal or pipe cannot be interrupted. The goroutine
// ends with the input, or with the process.
type reading struct {
	blocks chan readBlock
	back   chan []byte
	block  []byte
}

type readBlock struct {
	bytes []byte
	err   error
}

func startReading(ctx context.Context, in io.Reader) *reading {
	r := &reading{blocks: make(chan readBlock), back: make(chan []byte, 2)}
	for range cap(r.back) {
		r.back <- make([]byte, 64<<10)
	}
	go func() {
		for {
			var buf []byte
			select {
			case buf = <-r.back:
			case <-ctx.Done():
				return
			}
			n, err := in.Read(buf)
			select {
			case r.blocks <- readBlock{buf[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return r
}

// next waits for more of the input. The block is lent until giveBack.
func (r *reading) next(ctx context.Context) ([]byte, error) {
	select {
	case b := <-r.blocks:
		r.block = b.bytes
		return b.bytes, b.err
	case <-ctx.Done():
		r.block = nil
		return nil, ctx.Err()
	}
}

func (r *reading) giveBack() {
	if r.block != nil {
		r.back <- r.block[:cap(r.block)]
	}
}
