package spool

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// model is what a spool should hold.
type model struct {
	t         *testing.T
	s         *Spool
	r         *rand.Rand
	o         Options
	number    int
	waiting   []modelled
	flight    int // of them, read
	delivered []*Record
}

type modelled struct {
	*Record
	segment uint64
}

func (m *model) append() {
	n, size := 1+m.r.IntN(5), m.r.IntN(60)
	if m.r.IntN(50) == 0 {
		size = 1000 // the record is larger than a segment
	}
	r := numbered(m.number, n, size)
	switch err := m.s.Append(r); {
	case errors.Is(err, ErrFull):
		if used := m.s.Disk(); used+r.size()+3*headerSize < m.o.Size && len(m.waiting) > 0 {
			m.t.Fatalf("full with %d of %d bytes", used, m.o.Size)
		} else if len(m.waiting) == 0 {
			m.t.Fatal("full and empty")
		}
		return
	case err != nil:
		m.t.Fatal(err)
	}
	m.number++
	m.waiting = append(m.waiting, modelled{r, m.s.out.number})
}

func (m *model) next() {
	var r Record
	ok, err := m.s.Next(&r)
	fatal(m.t, err)
	if want := m.flight < len(m.waiting); ok != want {
		m.t.Fatalf("next: %v, want %v", ok, want)
	}
	if ok {
		if !same(&r, m.waiting[m.flight].Record) {
			m.t.Fatalf("next: %s, want %s", first(&r), first(m.waiting[m.flight].Record))
		}
		m.flight++
	}
}

func (m *model) release() {
	n := m.r.IntN(m.flight + 1)
	m.s.Release(n)
	for _, r := range m.waiting[:n] {
		m.delivered = append(m.delivered, r.Record)
	}
	m.waiting, m.flight = m.waiting[n:], m.flight-n
}

func (m *model) rewind() {
	m.s.Rewind()
	m.flight = 0
}

func (m *model) drop() {
	from := m.flight
	if from > 0 {
		for from < len(m.waiting) && m.waiting[from].segment == m.waiting[m.flight-1].segment {
			from++
		}
	}
	to, want := from, uint64(0)
	for to < len(m.waiting) && m.waiting[to].segment == m.waiting[from].segment {
		want += uint64(len(m.waiting[to].Ends))
		to++
	}
	messages, ok := m.s.DropOldest()
	if messages != want || ok != (want > 0) {
		m.t.Fatalf("drop: %d %v, want %d", messages, ok, want)
	}
	m.waiting = append(m.waiting[:from:from], m.waiting[to:]...)
}

func (m *model) purge() {
	want := m.messages()
	if got := m.s.Purge(); got != want {
		m.t.Fatalf("purge: %d, want %d", got, want)
	}
	m.waiting, m.flight = nil, 0
}

func (m *model) reopen() {
	fatal(m.t, m.s.Close())
	m.s = open(m.t, m.s.dir, m.o, quiet)
	m.flight = 0
}

// crash goes on in a copy of the folder, as kill -9 would leave it. What was delivered since the cursor was written may
// be there again.
func (m *model) crash() {
	synced := m.r.IntN(2) == 0
	if synced {
		fatal(m.t, m.s.Sync())
	}
	dir := crash(m.t, m.s)
	fatal(m.t, m.s.Close())
	fatal(m.t, os.RemoveAll(m.s.dir))
	m.s = open(m.t, dir, m.o, quiet)
	got := rest(m.t, m.s)
	again := len(got) - len(m.waiting)
	if again < 0 || synced && again > 0 || again > len(m.delivered) {
		m.t.Fatalf("a crash: %d records, want %d; synced: %v", len(got), len(m.waiting), synced)
	}
	want := append([]*Record(nil), m.delivered[len(m.delivered)-again:]...)
	for _, r := range m.waiting {
		want = append(want, r.Record)
	}
	sameAs(m.t, got, want)
	m.s.Rewind()
	for range again {
		m.s.Next(new(Record))
	}
	m.s.Release(again)
	m.flight = 0
}

func (m *model) messages() (n uint64) {
	for _, r := range m.waiting {
		n += uint64(len(r.Ends))
	}
	return n
}

// check compares what the spool says of itself with what there is.
func (m *model) check() {
	var bytes, disk int64
	for _, r := range m.waiting {
		bytes += r.size()
	}
	for _, path := range segments(m.t, m.s.dir) {
		st, err := os.Stat(path)
		fatal(m.t, err)
		disk += st.Size()
	}
	s := m.s
	if s.Messages() != m.messages() || s.Bytes() != bytes || s.Empty() != (len(m.waiting) == 0) || s.Disk() != disk || s.Disk() > m.o.Size {
		m.t.Fatalf("messages %d, bytes %d, empty %v, disk %d; want %d, %d, %v, %d", s.Messages(), s.Bytes(), s.Empty(), s.Disk(),
			m.messages(), bytes, len(m.waiting) == 0, disk)
	}
	if s.Damaged() != 0 || s.Lost() != 0 {
		m.t.Fatalf("damaged %d, lost %d", s.Damaged(), s.Lost())
	}
}

// inspect compares what another process sees.
func (m *model) inspect() {
	fatal(m.t, m.s.Sync())
	sum, err := Inspect(m.s.dir)
	fatal(m.t, err)
	if sum.Messages != m.s.Messages() || sum.Bytes != m.s.Bytes() || sum.Disk != m.s.Disk() || sum.Oldest.IsZero() != m.s.Empty() {
		m.t.Fatalf("inspect: %+v, want %d messages, %d bytes, %d on disk", sum, m.s.Messages(), m.s.Bytes(), m.s.Disk())
	}
	var got, want []*Record
	fatal(m.t, Read(m.s.dir, func(r *Record) bool { got = append(got, clone(r)); return true }))
	for _, r := range m.waiting {
		want = append(want, r.Record)
	}
	sameAs(m.t, got, want)
}

// A spool does whatever a slice does, in any order of calls, small segments and large records, full or empty.
func TestModel(t *testing.T) {
	for seed := range uint64(18) {
		r := rand.New(rand.NewPCG(seed, 5))
		o := Options{Size: []int64{8 << 10, 16 << 10, 1 << 20}[seed%3], Fsync: []time.Duration{0, time.Hour, time.Millisecond}[r.IntN(3)]}
		m := &model{t: t, r: r, o: o, s: open(t, memory(t), o, quiet)}
		for range 3000 {
			switch op := r.IntN(1000); {
			case op < 400+int(seed%2)*150:
				m.append()
			case op < 750:
				m.next()
			case op < 900:
				m.release()
			case op < 950:
				m.rewind()
			case op < 970:
				m.drop()
			case op < 980:
				m.inspect()
			case op < 988:
				m.reopen()
			case op < 996:
				m.crash()
			case op < 997:
				m.purge()
			}
			m.check()
		}
	}
}
