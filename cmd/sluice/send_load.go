package main

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sendChunkSize is how many bytes go with one write on a stream.
const sendChunkSize = 256 << 10

// seqMark is what becomes the running number in the text of a load.
const seqMark = "{seq}"

// A sendLoad is what the connections of a load share: the messages that are left, and the pace.
type sendLoad struct {
	job     *sendJob
	pace    *pacer
	claimed atomic.Int64
	perSend int // messages
}

// sendLoad sends count messages over all links. The first fault ends it on all of them.
func (j *sendJob) sendLoad(ctx context.Context, links []sendLink) (sendTally, error) {
	l := &sendLoad{job: j, pace: newPacer(j.rate)}
	sample, err := newSendTemplate(j)
	if err != nil {
		return sendTally{}, err
	}
	l.perSend = l.pace.batch(sample.capacity(len(links)))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tallies := make([]sendTally, len(links))
	var fault error
	var once sync.Once
	var wg sync.WaitGroup
	for i, link := range links {
		wg.Go(func() {
			var err error
			if tallies[i], err = l.run(ctx, link, sample); err == nil {
				return
			}
			once.Do(func() {
				fault = j.to.fault(err)
				cancel()
				for _, l := range links {
					l.hurry()
				}
			})
		})
	}
	wg.Wait()
	var sum sendTally
	for _, t := range tallies {
		sum.add(t)
	}
	return sum, fault
}

// run sends what it can claim over one link. Nothing is allocated for each batch.
func (l *sendLoad) run(ctx context.Context, link sendLink, t *sendTemplate) (sendTally, error) {
	var sent sendTally
	chunk := t.newChunk(l.perSend)
	for {
		first, n := l.claim()
		if n == 0 || !l.pace.take(ctx, n) {
			return sent, nil
		}
		b := chunk.prepare(first, n, l.job.now())
		went, err := link.send(ctx, b)
		sent.messages += int64(went)
		sent.bytes += int64(went) * int64(t.message)
		sent.refused += link.refused()
		if err != nil {
			return sent, err
		}
	}
}

// claim takes the next messages of the load: n of them from the one numbered first on, none when all are taken.
func (l *sendLoad) claim() (first int64, n int) {
	per := int64(l.perSend)
	end := l.claimed.Add(per)
	left := l.job.count - (end - per)
	return end - per + 1, int(max(0, min(left, per)))
}

// A sendTemplate is one message of a load as it is sent. All have the same length: only numbers and stamps change.
type sendTemplate struct {
	job     *sendJob
	frame   []byte
	message int   // bytes, without framing
	stamp   int   // where in frame the stamp is
	seqs    []int // where the numbers are
	digits  int   // of each
}

func newSendTemplate(j *sendJob) (*sendTemplate, error) {
	t := &sendTemplate{job: j, digits: len(strconv.FormatInt(j.count, 10))}
	now := j.now()
	header := j.header.append(nil, now)
	// The text is padded with the numbers in it, and cut in pieces around them.
	pieces := strings.Split(j.framing.escape(j.text), seqMark)
	text, err := padded(strings.Join(pieces, strings.Repeat("0", t.digits)), len(header), j.size)
	if err != nil {
		return nil, err
	}
	var b sendBatch
	t.message = len(b.add(j.framing, header, []byte(text)))
	t.frame = b.frames
	start := len(t.frame) - t.message
	if j.framing == sendNewline {
		start--
	}
	t.stamp = start + len(j.header.before)
	at := start + len(header)
	for _, piece := range pieces[:len(pieces)-1] {
		at += len(piece)
		t.seqs = append(t.seqs, at)
		at += t.digits
	}
	return t, nil
}

// capacity is how many messages one send carries: a chunk of a stream, a vector of datagrams, and no more than makes
// every connection send some.
func (t *sendTemplate) capacity(links int) int {
	n := max(1, sendChunkSize/len(t.frame))
	if t.job.to.datagram() {
		n = sendVector
	}
	share := (t.job.count + int64(links) - 1) / int64(links)
	return int(min(int64(n), share))
}

// A sendChunk is a connection's own buffer of ready messages.
type sendChunk struct {
	*sendTemplate
	batch   sendBatch
	whole   sendBatch // batch with all the messages
	stamped time.Time
	last    []byte // digits of the number written last
	stamps  []byte
}

func (t *sendTemplate) newChunk(n int) *sendChunk {
	c := &sendChunk{sendTemplate: t, last: make([]byte, t.digits), stamps: make([]byte, 0, 64)}
	c.whole.frames = make([]byte, 0, n*len(t.frame))
	for range n {
		c.whole.frames = append(c.whole.frames, t.frame...)
		c.whole.ends = append(c.whole.ends, len(c.whole.frames))
	}
	return c
}

// prepare returns n messages numbered from first on. Stamps are at most 10 ms old, so the clock is read once and
// written seldom.
func (c *sendChunk) prepare(first int64, n int, now time.Time) *sendBatch {
	if age := now.Sub(c.stamped); age > 10*time.Millisecond || age < 0 {
		c.stamped = now
		c.stamps = c.job.header.appendStamp(c.stamps[:0], now)
		for at := c.stamp; at < len(c.whole.frames); at += len(c.frame) {
			copy(c.whole.frames[at:], c.stamps)
		}
	}
	c.batch.frames, c.batch.ends = c.whole.frames[:n*len(c.frame)], c.whole.ends[:n]
	if len(c.seqs) > 0 {
		c.number(first)
	}
	return &c.batch
}

// number writes the running numbers by counting in the digits themselves: a division for each would cost more than all
// the rest.
func (c *sendChunk) number(first int64) {
	for i, v := len(c.last)-1, first; i >= 0; i-- {
		c.last[i] = byte('0' + v%10)
		v /= 10
	}
	for at := 0; at < len(c.batch.frames); at += len(c.frame) {
		for _, seq := range c.seqs {
			copy(c.batch.frames[at+seq:], c.last)
		}
		for i := len(c.last) - 1; i >= 0; i-- {
			if c.last[i]++; c.last[i] <= '9' {
				break
			}
			c.last[i] = '0'
		}
	}
}
