package writer

// Probe returns as soon as a reader could append: the lock that readers and the writer share can be had. Nobody holds it
// while a disk or a peer is waited for, so that where it is not free for long the queue is wedged.
func (q *Queue) Probe() {
	q.mu.Lock()
	defer q.mu.Unlock()
}
