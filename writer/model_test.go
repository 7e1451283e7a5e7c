package writer

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/syslog"
)

// A model is what a queue should be, in plain slices: what is in hand, the full blocks, the open one.
type model struct {
	memory   int
	whenFull WhenFull

	hand, open []entry
	full       [][]entry
	appended   uint64
	dropped    uint64
	shedding   bool
	closed     bool
}

// An entry is a message and how many came before it.
type entry struct {
	text     string
	position uint64
}

func sizeOf(block []entry) (n int) {
	for _, e := range block {
		n += len(e.text) + 1 + 4
	}
	return n
}

func (m *model) held() int {
	n := sizeOf(m.hand) + sizeOf(m.open)
	for _, b := range m.full {
		n += sizeOf(b)
	}
	return n
}

func (m *model) append(texts []string) (rest int) {
	for i, text := range texts {
		for m.whenFull == DropOldest && !m.closed && m.held() >= m.memory {
			if len(m.full) == 0 {
				if len(m.open) == 0 {
					break
				}
				m.full, m.open = [][]entry{m.open}, nil
			}
			m.dropped += uint64(len(m.full[0]))
			m.full = m.full[1:]
		}
		if m.closed || m.held() >= m.memory {
			if m.whenFull == BlockSenders && !m.shedding && !m.closed {
				return len(texts) - i
			}
			m.appended += uint64(len(texts) - i)
			m.dropped += uint64(len(texts) - i)
			return 0
		}
		m.open = append(m.open, entry{text, m.appended})
		m.appended++
		if sizeOf(m.open) >= blockSize {
			m.full, m.open = append(m.full, m.open), nil
		}
	}
	return 0
}

func (m *model) take() {
	if len(m.full) > 0 {
		m.hand, m.full = m.full[0], m.full[1:]
	} else {
		m.hand, m.open = m.open, nil
	}
}

func (m *model) abandon() {
	m.dropped += uint64(len(m.hand) + len(m.open))
	for _, b := range m.full {
		m.dropped += uint64(len(b))
	}
	m.hand, m.open, m.full, m.closed, m.shedding = nil, nil, nil, true, false
}

// settled is the position of the first message that is neither at rest nor shed.
func (m *model) settled() uint64 {
	for _, b := range append([][]entry{m.hand}, append(m.full, m.open)...) {
		if len(b) > 0 {
			return b[0].position
		}
	}
	return m.appended
}

// play does to a queue and to its model what data says, and compares them after each step.
func play(t *testing.T, data []byte) {
	if len(data) < 2 {
		return
	}
	memories := []int{1, 900, 100_000, 300_000}
	sizes := []int{0, 1, 30, 200, 3000, 40_000, 90_000}
	m := &model{memory: memories[data[0]&3], whenFull: WhenFull(data[1] % 3)}
	q := newQueue(t, QueueOptions{Memory: int64(m.memory), WhenFull: m.whenFull, BlockFor: time.Second}, "")
	tickets := map[uint64]<-chan struct{}{}
	asleep, number := false, 0
	for n, op := range data[2:] {
		switch what := op & 7; {
		case what < 3: // append
			var texts []string
			count, size := 1+int(op>>6), sizes[int(op>>3&7)%len(sizes)]
			if size < 1000 {
				count = 1 + 12*int(op>>6)
			}
			for range count {
				number++
				texts = append(texts, strconv.Itoa(number)+strings.Repeat("x", size))
			}
			rest, position := put(q, texts...)
			if want := m.append(texts); rest != want || position != m.appended {
				t.Fatalf("step %d: append of %d: rest %d, position %d; want %d, %d", n, len(texts), rest, position, want, m.appended)
			}
		case what < 5 && m.hand == nil && !m.closed: // take
			select {
			case <-q.writer.wake:
			default:
			}
			m.take()
			b, _ := q.tryTake()
			if asleep = b == nil; asleep {
				b = newBlock()
			}
			got := texts(b)
			if len(got) != len(m.hand) {
				t.Fatalf("step %d: a block of %d messages, want %d", n, len(got), len(m.hand))
			}
			for i, e := range m.hand {
				if got[i] != e.text {
					t.Fatalf("step %d: message %d is %.20s, want %.20s", n, i, got[i], e.text)
				}
			}
		case what == 5 && m.hand != nil: // settle
			q.settle()
			m.hand, m.shedding = nil, false
		case what == 6 && op>>3 == 1: // a sender has waited in vain
			o := Offer{Queue: q}
			o.await(make(chan struct{}, 1), syslog.Patiently, time.Now().Add(-time.Hour))
			m.shedding = m.shedding || m.held() >= m.memory
		case what == 6 && op>>3 == 31:
			q.abandon()
			m.abandon()
		case what == 7:
			tickets[m.appended] = q.Settled(m.appended)
		}
		if got, want := int(q.QueueBytes()), m.held(); got != want || want > m.memory+91_000 {
			t.Fatalf("step %d: %d bytes in the queue, want %d of at most %d", n, got, want, m.memory)
		}
		if q.Dropped() != m.dropped {
			t.Fatalf("step %d: %d dropped, want %d", n, q.Dropped(), m.dropped)
		}
		for position, done := range tickets {
			if want := position <= m.settled(); closed(done) != want {
				t.Fatalf("step %d: the ticket for %d is done: %v, but %d is settled", n, position, !want, m.settled())
			}
		}
		if asleep && m.held() > 0 && len(q.writer.wake) == 0 {
			t.Fatalf("step %d: the taker sleeps while %d bytes wait", n, m.held())
		}
	}
	q.Finish()
	if q.inHand != nil {
		q.settle()
	}
	drain(q)
	for position, done := range tickets {
		if !closed(done) {
			t.Fatalf("the ticket for %d is not done at the end, at %d", position, q.appended)
		}
	}
}

// A queue of any kind does what its model does, in all that random callers do to it.
func TestQueueModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		data := make([]byte, 2+r.IntN(150))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		play(t, data)
	}
}

func FuzzQueue(f *testing.F) {
	f.Add([]byte{1, 0, 0x40, 4, 0x48, 7, 5, 0x40})
	f.Add([]byte{3, 1, 0x70, 3, 0x70, 7, 0x70, 5, 3, 5})
	f.Add([]byte{2, 2, 0xa8, 3, 0xff, 0xa8, 7, 5})
	f.Fuzz(play)
}
