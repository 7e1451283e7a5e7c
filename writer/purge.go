package writer

// Purge forgets what waits in the spool, and what is on its way there, while the target is at work: nothing of it is sent.
// A block that a file or console has begun to write is finished. It returns how many messages that were,
// those included that were sent and whose receipt is awaited; they are counted as dropped. Where the spool is not in use, nothing waits there.
func (q *Queue) Purge() (messages uint64) {
	s := q.spool
	if s == nil || s.disk.Load() == nil {
		return 0
	}
	q.hands.Lock()
	defer q.hands.Unlock()
	messages = s.disk.Load().Purge()
	q.mu.Lock()
	defer q.mu.Unlock()
	for b := range q.held {
		if !b.spooled {
			continue
		}
		b.spooled = false // its record is gone
		if q.recallable {
			b.purged = true // and it goes as soon as the writer lets go of it; what it takes until then does not count
		} else {
			q.bytes.Add(int64(b.size()))
			messages -= min(messages, uint64(b.Count()))
		}
	}
	if s.on {
		for b := q.oldest(); b != nil; b = q.oldest() {
			messages += uint64(b.Count())
			q.bytes.Add(-int64(b.size()))
			q.recycle(b)
		}
	}
	q.purged.Add(messages)
	q.room.open()
	q.settleTickets()
	q.writer.rouse()
	s.rouse()
	return messages
}

// forget empties the blocks that were purged while the writer held them. The writer calls it, between two tries: nobody
// else may change a block that it works on. They stay in their places, since the sink counts blocks.
func (q *Queue) forget() {
	if q.spool == nil {
		return
	}
	q.hands.Lock()
	defer q.hands.Unlock()
	q.forgetHeld()
}

// forgetHeld is forget for who has locked hands.
func (q *Queue) forgetHeld() {
	for b := range q.held {
		if !b.purged || b.empty {
			continue
		}
		q.mu.Lock()
		b.Text, b.Ends, b.paths, b.evicted, b.empty = b.Text[:0], b.Ends[:0], paths{}, false, true
		q.mu.Unlock()
	}
}
