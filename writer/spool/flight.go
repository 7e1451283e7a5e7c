package spool

// taken is a record that was read and is not released.
type taken struct {
	place    // behind it and behind damage that follows
	seg      *segment
	messages uint64
}

// A flight is such records in their order.
type flight struct {
	records  []taken
	released int // of them
}

func (f *flight) add(t taken) { f.records = append(f.records, t) }

// last is the place behind the last record, if there is one.
func (f *flight) last() (place, bool) {
	if len(f.records) == 0 {
		return place{}, false
	}
	return f.records[len(f.records)-1].place, true
}

// extend lets what lies before p be released with the last record, if there is one.
func (f *flight) extend(p place) bool {
	if len(f.records) == 0 {
		return false
	}
	f.records[len(f.records)-1].place = p
	return true
}

// pop takes out the first record.
func (f *flight) pop() (t taken, ok bool) {
	if len(f.records) == 0 {
		return t, false
	}
	t = f.records[f.released]
	f.released++
	if f.released == len(f.records) {
		f.forget()
	} else if f.released > len(f.records)/2 { // each is moved once on the average
		f.records = f.records[:copy(f.records, f.records[f.released:])]
		f.released = 0
	}
	return t, true
}

func (f *flight) forget() { f.records, f.released = f.records[:0], 0 }
