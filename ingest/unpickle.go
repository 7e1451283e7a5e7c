package ingest

import "sluice/syslog"

// pickleGrowth is how many times longer than the longest payload the JSON of a pickle may be.
const pickleGrowth = 4

// unpickle writes the dict that a pickle holds as JSON into the arena, where Decode can read it. guess is Truncated if
// not all of it has been written.
func (d *Decoder) unpickle(u *unpickler, pickle []byte, size int) (payload []byte, guess syslog.Guess, err error) {
	root, err := u.read(pickle)
	if err != nil {
		return nil, 0, err
	}
	n := len(d.arena)
	arena, whole := u.append(d.arena, root, pickleGrowth*size)
	d.arena = arena
	if !whole {
		guess = syslog.Truncated
	}
	return d.made(n), guess, nil
}
